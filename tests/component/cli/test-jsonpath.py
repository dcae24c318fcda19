#!/usr/bin/python3
"""-o jsonpath of every command.

usage: test-jsonpath.py VMRECLAIM API_SERVER
"""
import json
import os
import unittest

from cli import CliTestCase

# Those that read; each prints documents, one or many.
COMMANDS = (["vm", "list"], ["vm", "show", "web1"], ["vm", "show", "web1", "web2"], ["host"], ["plan"],
            ["explain", "web1"], ["doctor", "web1"], ["history", "web1"], ["actions"],
            ["ranges", "web1"], ["events", "-f"], ["ping", "web1"], ["policy", "list"],
            ["policy", "show", "idle"], ["policy", "history", "idle"], ["policy", "why", "web1"],
            ["reserve", "list"], ["verify", "a-17"], ["compact", "--dry-run", "web1", "web2"],
            ["status"], ["version"], ["debug", "dump"])


class JsonpathTest(CliTestCase):
    def pick(self, template, *words, **keywords):
        return self.run_cli(*words, "-o", "jsonpath=" + template, **keywords).stdout

    def test_every_command(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                code = 7 if command == ["status"] else 0
                whole = self.run_cli(*command, "-o", "json", code=code).stdout.splitlines()
                picked = self.pick("{$}", *command, code=code).splitlines()
                self.assertTrue(whole)
                self.assertEqual(self.timeless(picked), self.timeless(whole))

    def timeless(self, lines):
        """Of this process and moment: its calls."""
        documents = [json.loads(line) for line in lines]
        for document in documents:
            document.pop("round_trip_ns", None)
        return documents

    def test_an_action(self):
        self.assertEqual(self.pick("{.action.kind}", "compact", "web1"), "compact\n")

    def test_what_the_manual_shows(self):
        self.assertEqual(
            self.pick(r'{range .vms[*]}{.name}{"\t"}{.waterfall.footprint}{"\n"}{end}', "vm", "list"),
            f"web1\t{2 << 30}\nweb2\t\nalone\t\n")
        self.assertEqual(self.pick("{.vms[?(@.halted==true)].name}", "vm", "list"), "")

    def test_an_order_holds(self):
        self.assertEqual(self.pick("{.vms[*].name}", "vm", "list", "--sort", "-name"),
                         "web2 web1 alone\n")

    def test_a_document_ends_its_line(self):
        self.assertEqual(self.pick("{.vm.name}", "vm", "show", "web1", "web2"), "web1\nweb2\n")
        self.assertEqual(self.pick('{.vm.name}{"\\n"}', "vm", "show", "web1", "web2"), "web1\nweb2\n")
        self.assertEqual(self.pick("{.nothing}", "vm", "show", "web1", "web2"), "")
        first = self.pick("{.vm}: {.kind}", "events", "-f").splitlines()[0]
        self.assertRegex(first, r"^\w+: \w+$")

    def test_from_a_file(self):
        path = os.path.join(self.directory.name, "template")
        with open(path, "w", encoding="utf-8") as file:
            file.write("{range .vms[*]}\n{.name}{end}\n")
        self.assertEqual(self.run_cli("vm", "list", "-o", "jsonpath-file=" + path).stdout,
                         "\nweb1\nweb2\nalone\n")
        error = self.run_cli("vm", "list", "-o", "jsonpath-file=/nowhere/t", code=2).stderr
        self.assertIn("/nowhere/t: No such file", error)

    def test_what_cannot_be_read_is_refused_before_anybody_is_asked(self):
        for template, words in (("{.vms[*.name}", 'at "[*.name}"'), (".vms", "write {.vms}"),
                                ("{vms}", "begins with a dot"), ("", "no expression")):
            for command in (["vm", "list"], ["compact", "web1"]):
                error = self.run_cli(*command, "-o", "jsonpath=" + template, api="unix:/nowhere",
                                     code=2).stderr
                self.assertIn(words, " ".join(error.split()))
                self.assertLessEqual(max(map(len, error.splitlines())), 80)

    def test_it_is_a_form_as_any_other(self):
        for words in (["--json", "-o", "jsonpath={.}"], ["-q", "-o", "jsonpath={.}"],
                      ["-o", "jsonpath"]):
            self.run_cli("vm", "list", *words, code=2)

    def test_hostile_text_steers_no_terminal(self):
        output = self.pick("{..state}", "vm", "show", "hostile", text=False)
        self.assertIn(b"turned", output)
        for steering in (b"\x1b", b"\x07", b"\x7f", b"\xc2\x9b", b"\xe2\x80\xae"):
            self.assertNotIn(steering, output)


if __name__ == "__main__":
    unittest.main(argv=["test-jsonpath.py"])
