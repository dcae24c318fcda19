#!/usr/bin/python3
"""vmreclaim's lists: every form, in a terminal and elsewhere, once and watched.

usage: test-lists.py VMRECLAIM API_SERVER
"""
import json
import os
import re
import signal
import subprocess
import unittest

import terminal
from cli import VMRECLAIM, CliTestCase


class ListsTest(CliTestCase):
    def test_the_table(self):
        lines = self.run_cli("vm", "list").stdout.splitlines()
        self.assertEqual(lines, [
            "NAME  STATE   FOOTPRINT  MEMORY RETURNABLE HOW",
            "web1  managed   2.0 GiB 4.0 GiB    1.0 GiB reclaim, by itself",
            "web2  managed         -       -          - -",
            "alone managed         -       -          - footprint unknown",
            "3 VMs           2.0 GiB 4.0 GiB    1.0 GiB"])

    def test_wide(self):
        lines = self.run_cli("vm", "list", "-o", "wide").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["NAME", "STATE", "AGENT", "FOOTPRINT", "MEMORY", "IN",
                                            "USE", "CACHE", "TRAPPED", "REPORTED", "BALLOON",
                                            "POLICY", "RETURNABLE", "HOW"])
        self.assertEqual(lines[1].split(), ["web1", "managed", "yes", "2.0", "GiB", "4.0", "GiB",
                                            "412.0", "MiB", "1.0", "GiB", "500.0", "MiB", "2.0",
                                            "GiB", "0", "B", "balanced", "1.0", "GiB", "reclaim,",
                                            "by", "itself"])
        self.assertEqual(lines[2].split(), ["web2", "managed", "yes", *["-"] * 7, "balanced", "-",
                                            "-"])

    def test_names(self):
        for words in (["-o", "name"], ["-q"], ["--output=name"], ["-oname"], ["--quiet"]):
            self.assertEqual(self.run_cli("vm", "list", *words).stdout, "web1\nweb2\nalone\n")
        self.assertEqual(self.run_cli("-o", "name", "vm", "list").stdout, "web1\nweb2\nalone\n")

    def test_some_vms(self):
        def names(*words):
            return self.run_cli("vm", "list", "-q", *words).stdout.split()

        self.assertEqual(names("web2"), ["web2"])
        self.assertEqual(names("web2", "al*"), ["web2", "alone"])
        self.assertEqual(names("-l", "tier=front"), ["web1"])
        self.assertEqual(names("-l", "tier=front", "alone"), ["web1", "alone"])
        self.assertEqual(names("cid:5"), ["web1", "web2", "alone"])
        self.assertEqual(names("--all"), ["web1", "web2", "alone"])
        self.assertEqual(len(self.run_json("vm", "list", "web1")["vms"]), 1)
        for words in (["web3"], ["web1", "db*"], ["-l", "tier=back"]):
            result = self.run_cli("vm", "list", *words, code=3)
            self.assertEqual(result.stdout, "")
            self.assertIn("no VM", result.stderr)
        self.run_cli("vm", "list", "-l", "=", code=2)

    def test_columns_and_order(self):
        text = self.run_cli("vm", "list", "-o", "columns=labels,name", "--sort", "name",
                            "--no-headings").stdout
        self.assertEqual(text, "-                    alone\n"
                               "tier=front, env=test web1\n"
                               "-                    web2\n")
        self.assertEqual(self.run_cli("vm", "list", "-q", "--sort", "-name").stdout,
                         "web2\nweb1\nalone\n")
        self.assertIn('did you mean "state"?',
                      self.run_cli("vm", "list", "-o", "columns=stat", code=2).stderr)
        error = self.run_cli("vm", "list", "--sort", "bogus", code=2).stderr
        self.assertIn("There are: name, state", error)
        self.assertLessEqual(max(map(len, error.splitlines())), 80)

    def test_documents(self):
        answer = json.loads(self.run_cli("vm", "list", "-o", "json").stdout)
        self.assertEqual(answer, self.run_json("vm", "list"))
        self.assertEqual(answer["vms"][0]["returns"]["bytes"], 1 << 30)
        self.assertNotIn("returns", answer["vms"][1])
        answer = self.run_json("vm", "list", "--sort", "-name")
        self.assertEqual([vm["name"] for vm in answer["vms"]], ["web2", "web1", "alone"])
        text = self.run_cli("vm", "list", "-o", "yaml").stdout
        self.assertTrue(text.startswith("---\nvms:\n- name: web1\n"))
        self.assertIn("\n    footprint: 2147483648\n", text)
        self.assertEqual(text.count("waterfall:"), 2)  # nobody measured web2
        self.assertEqual(self.run_cli("version", "-o", "yaml").stdout.splitlines()[0], "---")

    def test_watched_by_nobody(self):
        """Nothing changes, so nothing is written that could fail."""
        with subprocess.Popen([VMRECLAIM, "--api", self.api, "vm", "list", "-w"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE) as program:
            program.stdout.readline()
            program.stdout.close()
        self.assertEqual(program.returncode, 0)

    # ---- the others ----

    COMMANDS = (["vm", "list"], ["host"], ["plan"], ["actions"], ["reserve", "list"],
                ["policy", "list"], ["policy", "history", "idle"], ["history", "web1"],
                ["ranges", "web1"])

    def test_every_list_has_every_form(self):
        for command in self.COMMANDS:
            with self.subTest(command=command):
                wide = self.run_cli(*command, "-o", "wide", "--no-headings").stdout
                self.assertNotRegex(wide, r"(?m)^[A-Z-]{4,} +[A-Z-]{4,}")
                text = self.run_cli(*command, "--help").stdout
                listed = text.split("\ncolumns, for")[1].split("\nexample:")[0]
                keys = re.findall(r"(?m)^  ([a-z0-9-]+) ", listed)
                shown = self.run_cli(*command, "-o", "columns=" + ",".join(keys)).stdout
                self.assertGreater(len(shown.splitlines()), 1)
                for key in (keys[0], keys[-1]):
                    up, down = (self.run_cli(*command, "-o", "columns=" + key, "--no-headings",
                                             "--sort", order + key).stdout.splitlines()
                                for order in ("", "-"))
                    self.assertEqual(sorted(up), sorted(down))
                first = self.run_cli(*command, "-o", "json").stdout.splitlines()[0]
                self.assertTrue(json.loads(first))
                self.assertTrue(self.run_cli(*command, "-o", "yaml").stdout.startswith("---\n"))
                self.run_cli(*command, "-o", "columns=bogus", code=2)

    def test_names_of_every_list(self):
        for command, names in ((["host"], ["db", "silent", "web1"]),
                               (["plan"], ["db", "web1", "web2", "silent"]),
                               (["actions"], ["a-17"]), (["reserve", "list"], ["7", "9"]),
                               (["policy", "list"], ["idle"]),
                               (["policy", "history", "idle"], ["2", "1"])):
            self.assertEqual(sorted(self.run_cli(*command, "-q").stdout.split()), sorted(names))
        for command in (["history", "web1"], ["ranges", "web1"]):
            self.assertIn("its rows have no names", self.run_cli(*command, "-q", code=2).stderr)

    def test_what_stands_around_a_table(self):
        for command in (["host"], ["plan"]):
            self.assertIn("arbiter", self.run_cli(*command).stdout)
            self.assertNotIn("arbiter", self.run_cli(*command, "--no-headings").stdout)
            self.assertNotIn("arbiter", self.run_cli(*command, "-o", "columns=vm").stdout)
        self.assertNotIn("more VMs", self.run_cli("plan", "--no-headings").stdout)

    def test_host_in_another_order(self):
        self.assertEqual(self.run_cli("host", "-q").stdout, "web1\ndb\nsilent\n")
        self.assertEqual(self.run_cli("host", "-q", "--sort", "vm").stdout, "db\nsilent\nweb1\n")
        self.assertEqual(self.run_cli("host", "-q", "--sort", "-holds").stdout,
                         "db\nweb1\nsilent\n")

    def test_history_as_figures(self):
        lines = self.run_cli("history", "web1", "-o", "columns=time,footprint,reportable").stdout
        lines = lines.splitlines()
        self.assertEqual(lines[0].split(), ["TIME", "FOOTPRINT", "REPORTABLE"])
        self.assertRegex(lines[1], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} +2\.0 GiB +0 B$")
        self.assertRegex(lines[2], r" 2\.0 GiB +-$")  # without the guest
        self.assertEqual(self.run_cli("history", "web2", "-o", "wide").stdout,
                         "Nothing was recorded in this time.\n")

    def test_ranges_by_size(self):
        self.assertEqual(self.run_cli("ranges", "web1", "--sort", "-size").stdout,
                         "START          END               SIZE STATE\n"
                         "0x000040000000 0x000040400000 4.0 MiB reportable\n"
                         "0x000000000000 0x000000200000 2.0 MiB reported\n"
                         "2 ranges                      6.0 MiB\n")

    def test_times_have_their_zone(self):
        for zone, offset in (("UTC", r"\+0000"), ("Asia/Kolkata", r"\+0530")):
            text = self.run_cli("policy", "list", environment={"TZ": zone}).stdout
            self.assertRegex(text, r" \d\d:\d\d:\d\d " + offset + " alice")

    def test_the_help_names_the_columns(self):
        text = self.run_cli("vm", "list", "--help").stdout
        self.assertIn("--sort COLUMN", text)
        self.assertRegex(text, r"\n  in-use +by its processes and kernel \(with -o wide\)\n")

    def test_options_that_exclude_each_other(self):
        for words in (["-q", "-o", "yaml"], ["--json", "-o", "yaml"], ["-q", "--json"],
                      ["-o", "xml"], ["-o", "columns="]):
            self.run_cli("vm", "list", *words, code=2)



class CrowdTest(CliTestCase):
    """Names, states and figures as wide as they get."""
    script = ("60",)

    def command(self, *words):
        return [VMRECLAIM, "--api", self.api, *words]

    def test_no_line_is_wrapped(self):
        for columns in (80, 100, 200):
            with self.subTest(columns=columns):
                lines = terminal.show(self.command("vm", "list"), columns)
                self.assertEqual(len(lines), 62)
                self.assertEqual(lines[0].split(), ["NAME", "STATE", "FOOTPRINT", "MEMORY",
                                                    "RETURNABLE", "HOW"])
                self.assertRegex(lines[-1], r"^60 VMs +5\d\.\d TiB +60\.0 TiB +\d+\.\d TiB$")
        self.assertLessEqual(max(map(len, self.run_cli("vm", "list").stdout.splitlines())), 80)

    def test_a_name_keeps_both_ends(self):
        lines = terminal.show(self.command("vm", "list"))
        self.assertRegex(lines[1], r"^00-0+…0+ managed ")
        self.assertRegex(lines[18], r"^17-0+…0+17 ")
        self.assertRegex(terminal.show(self.command("vm", "list"), 200)[18], r"^17-0{57}17 ")

    def test_what_matters_comes_first(self):
        states = {line.split()[1] for line in terminal.show(self.command("vm", "list"))[1:-1]}
        self.assertLessEqual({"starved", "halted", "lost", "discovered"}, states)

    def test_colours_are_for_terminals(self):
        def colours(environment, *words):
            program = terminal.Terminal(self.command("vm", "list", *words),
                                        environment=environment)
            self.assertEqual(program.close(), 0)
            return b"\x1b[31mstarved\x1b[0m" in program.text

        self.assertTrue(colours({"NO_COLOR": ""}))
        self.assertFalse(colours({"NO_COLOR": "1"}))
        self.assertFalse(colours({"TERM": "dumb"}))
        self.assertTrue(colours({"NO_COLOR": "1"}, "--color", "always"))
        self.assertFalse(colours({}, "--color", "never"))
        self.assertNotIn("\x1b", self.run_cli("vm", "list").stdout)
        self.assertIn("\x1b[31m", self.run_cli("vm", "list", "--color=always").stdout)

    # ---- watched ----

    def test_watched_in_a_pipe(self):
        """One document per change: every second answer is another one."""
        with subprocess.Popen(self.command("vm", "list", "-w", "--json"), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as program:
            found = [json.loads(program.stdout.readline())["vms"][0]["waterfall"]["footprint"]
                     for _ in range(2)]
            program.send_signal(signal.SIGINT)
        self.assertNotEqual(found[0], found[1])
        self.assertEqual(program.returncode, -signal.SIGINT)

    def test_watched_in_a_terminal(self):
        """It is drawn over what was there, and cut where the terminal ends."""
        watched = terminal.Terminal(self.command("vm", "list", "-w", "-o", "wide"), 80, 24)
        while watched.text.count(b"more lines") < 2 and watched.read():
            pass
        screen = watched.screen.display
        os.kill(watched.program.pid, signal.SIGINT)
        self.assertEqual(watched.close(), -signal.SIGINT)
        self.assertNotIn(b"\x1b[?", watched.text)  # no mode that an interrupt could leave behind
        self.assertEqual(screen[0].split()[:2], ["NAME", "STATE"])
        self.assertRegex(screen[22], r"^\d+ more lines; the terminal has no room for them")
        self.assertEqual(screen[23].strip(), "")

    def test_it_is_drawn_in_place(self):
        watched = terminal.Terminal(self.command("vm", "list", "-w"), 80, 200)
        while watched.text.count(b"\n\x1b[K60 VMs") < 2 and watched.read():
            pass
        lines = watched.lines()
        os.kill(watched.program.pid, signal.SIGINT)
        self.assertEqual(watched.close(), -signal.SIGINT)
        self.assertEqual(len([line for line in lines if line.startswith("NAME ")]), 1)

    def test_lines_are_cut_where_a_narrow_terminal_ends(self):
        """Colours take no room, and end where the line is cut."""
        for columns in (20, 80):
            watched = terminal.Terminal(self.command("--color", "always", "vm", "list", "-w",
                                                     "-o", "columns=name,state,how"), columns, 200)
            while b"\x1b[J" not in watched.text and watched.read():
                pass
            lines = watched.lines()
            os.kill(watched.program.pid, signal.SIGINT)
            watched.close()
            self.assertEqual(len(lines), watched.text.split(b"\x1b[J")[0].count(b"\n"))
            self.assertEqual(watched.screen.cursor.attrs.fg, "default")

    def test_watching_ends_with_the_daemon(self):
        self.assertIn("cannot reach", self.run_cli("vm", "list", "-w", api="unix:/nowhere",
                                                   code=4).stderr)


if __name__ == "__main__":
    unittest.main(argv=["test-lists.py"])
