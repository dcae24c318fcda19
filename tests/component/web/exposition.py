"""A strict reader of Prometheus' text format: what promtool does not find is found here."""
import re

NAME = r"[a-z_][a-z0-9_]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)\Z", re.DOTALL)
LABEL = re.compile(rf'({NAME})="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|\Z)')
NUMBER = re.compile(r"-?\d+(\.\d*[1-9])?\Z")
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Family:
    def __init__(self, name, help_text):
        self.name, self.help, self.type = name, help_text, None
        self.samples = {}  # (name, labels as a sorted tuple): text of the number


def labels_of(text):
    labels = {}
    at = 0
    while at < len(text):
        found = LABEL.match(text, at)
        assert found, text[at:]
        assert found[1] not in labels, text
        labels[found[1]] = re.sub(r"\\.", lambda escape: ESCAPES[escape[0]], found[2])
        at = found.end()
    assert not text.endswith(","), text
    return labels


def check_histogram(family):
    groups = {}
    for (name, labels), number in family.samples.items():
        rest = tuple(label for label in labels if label[0] != "le")
        groups.setdefault(rest, {}).setdefault(name.removeprefix(family.name), []).append(
            (dict(labels).get("le"), float(number)))
    for group in groups.values():
        assert set(group) == {"_bucket", "_sum", "_count"}, group
        bounds = [float(bound) for bound, _ in group["_bucket"]]
        counts = [number for _, number in group["_bucket"]]
        assert bounds == sorted(set(bounds)) and bounds[-1] == float("inf"), bounds
        assert counts == sorted(counts) and counts[-1] == group["_count"][0][1], counts


def parse(body):
    """Families by name; AssertionError where the page is not as it should be."""
    text = body.decode("utf-8")
    assert text.endswith("\n") and "\r" not in text and "\t" not in text
    families = {}
    family = None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            _, _, name, words = line.split(" ", 3)
            assert name not in families, f"{name} is there twice"
            assert re.fullmatch(NAME, name) and not name.endswith(("_bucket", "_sum", "_count"))
            assert not re.search(r"\\[^\\n]", words.replace("\\\\", "")), words
            family = families[name] = Family(name, words)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == family.name and family.type is None and not family.samples
            assert kind in ("gauge", "counter", "histogram")
            assert (kind == "counter") == name.endswith("_total"), name
            family.type = kind
        else:
            found = SAMPLE.match(line)
            assert found, line
            suffix = found[1].removeprefix(family.name)
            assert suffix in (("_bucket", "_sum", "_count") if family.type == "histogram" else ("",)), line
            assert NUMBER.match(found[3]), line
            key = found[1], tuple(sorted(labels_of(found[2] or "").items()))
            assert key not in family.samples, f"twice: {line}"
            family.samples[key] = found[3]
    for each in families.values():
        assert each.type and each.samples, each.name
        if each.type == "histogram":
            check_histogram(each)
    return families


def value(families, name, suffix="", **labels):
    """The number's text; None where there is none."""
    key = "vmreclaim_" + name + suffix, tuple(sorted(labels.items()))
    family = families.get("vmreclaim_" + name)
    return family.samples.get(key) if family else None
