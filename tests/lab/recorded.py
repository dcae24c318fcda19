#!/usr/bin/python3
"""Compares what a Prometheus has recorded of VMs with the history that the daemon kept of them.

usage: recorded.py PROMETHEUS WEB RESULT VM...   the first two as HOST:PORT

A row of the history has a time; a scrape says by vm_measured_timestamp_seconds of which moment its
bytes are. Where the two are the same, each figure has to be the same, and absent where the row has
none. Prometheus keeps numbers of 64 bits: a time to a quarter of a microsecond, bytes exactly.
"""
import json
import sys
import urllib.parse
import urllib.request

PARTS = ["in_use", "cache", "reportable", "trapped", "percpu", "unmanaged", "remainder"]
FIGURES = {**{part: ("vm_memory_bytes", part) for part in PARTS},
           "footprint": ("vm_footprint_bytes", None),
           "swapped": ("vm_swapped_bytes", None),
           "vm_ram": ("vm_ram_bytes", None),
           "reported": ("vm_reported_bytes", None),
           "held_back": ("vm_held_back_bytes", None),
           "balloon": ("vm_balloon_bytes", None)}
MEASURED = ("vm_measured_timestamp_seconds", None)
SAMPLE = ("vm_last_sample_timestamp_seconds", None)
SAMPLE_AGE_MAX = 30  # seconds; older ones do not hold


def get(address, path, **arguments):
    with urllib.request.urlopen(f"http://{address}{path}?{urllib.parse.urlencode(arguments)}") as answer:
        return json.load(answer)


def scrapes_of(prometheus, vm):
    """By the moment of its bytes, each scrape as {(name, part): number}."""
    answer = get(prometheus, "/api/v1/query", query=f'{{job="vmreclaim",vm="{vm}"}}[1d]')
    at = {}
    for series in answer["data"]["result"]:
        labels = series["metric"]
        key = labels["__name__"].removeprefix("vmreclaim_"), labels.get("part")
        for time, number in series["values"]:
            at.setdefault(time, {})[key] = float(number)
    moments = {}
    for scrape in at.values():
        if MEASURED in scrape:
            moments.setdefault(scrape[MEASURED], []).append(scrape)
    return moments, len(at)


def seconds(nanoseconds):
    return float(f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}")


def differences(row, scrape):
    """Of a row and a scrape of the same moment."""
    found = []
    for field, key in FIGURES.items():
        ours = row.get(field)
        theirs = scrape.get(key)
        if (ours is None) != (theirs is None) or (ours is not None and float(ours) != theirs):
            found.append((row["time_ns"], field, ours, theirs))
    if row["guest_is_known"] and not 0 <= scrape[MEASURED] - scrape[SAMPLE] <= SAMPLE_AGE_MAX:
        found.append((row["time_ns"], "last sample", scrape[MEASURED], scrape[SAMPLE]))
    return found


def compare(prometheus, web, vm):
    moments, scrapes = scrapes_of(prometheus, vm)
    begin, end = min(moments), max(moments)
    rows = [row for row in get(web, "/api/history", vm=vm, points=100000)["points"]
            if begin <= seconds(row["time_ns"]) <= end]
    result = {"vm": vm, "scrapes": scrapes, "moments": len(moments), "rows": len(rows),
              "rows_recorded": 0, "scrapes_compared": 0, "figures": 0, "differences": []}
    for row in rows:
        same = moments.get(seconds(row["time_ns"]), [])
        result["rows_recorded"] += bool(same)
        for scrape in same:
            result["scrapes_compared"] += 1
            result["figures"] += sum(row.get(field) is not None for field in FIGURES)
            result["differences"] += differences(row, scrape)
    return result


def main():
    prometheus, web, path = sys.argv[1:4]
    results = [compare(prometheus, web, vm) for vm in sys.argv[4:]]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
    for result in results:
        print("        {vm}: {scrapes} scrapes, {moments} moments; {rows_recorded} of {rows} rows of the "
              "history among them, {figures} figures compared, {count} differ"
              .format(count=len(result["differences"]), **result))
        for difference in result["differences"][:5]:
            print("        at {} ns {}: history {}, recorded {}".format(*difference))
    return any(one["differences"] for one in results) or not all(one["rows_recorded"] for one in results)


if __name__ == "__main__":
    sys.exit(main())
