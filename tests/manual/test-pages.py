#!/usr/bin/python3
"""The manual: its pages are well-formed, and have what the sources have, all of it and no more.

usage: test-pages.py SOURCE_DIRECTORY PAGE...
"""
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(sys.argv[1])
PAGES = {pathlib.Path(path).name: pathlib.Path(path) for path in sys.argv[2:]}


def headings(page, section):
    """The words in bold that begin the paragraphs of one section."""
    text = PAGES[page].read_text().replace("\\&", "")
    body = re.search(rf'^\.SH "?{section}"?\n(.*?)(?=^\.SH|\Z)', text, re.M | re.S).group(1)
    return re.findall(r"^\\fB([^\\]+)\\fR(?=[^\n]*\n\.RS)", body, re.M)


class PagesTest(unittest.TestCase):
    maxDiff = None

    @unittest.skipIf(shutil.which("mandoc") is None, "mandoc is not installed")
    def test_are_well_formed(self):
        for path in PAGES.values():
            result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path],
                                    capture_output=True, text=True, check=False)
            self.assertEqual(result.stdout + result.stderr, "", path)

    def test_every_reason_is_there(self):
        codes = set()
        for path in (SOURCE / "controller/explain").glob("reason*.c"):
            codes |= set(re.findall(r'\{\s*"([a-z]+(?:-[a-z]+)*)",\s+"', path.read_text()))
        self.assertGreater(len(codes), 20)
        self.assertEqual(sorted(headings("vmreclaim-reasons.7", "REASONS")), sorted(codes))

    def settings_of(self, path, pattern):
        """The names in a table of the sources: the rows that the pattern finds."""
        names = re.findall(pattern, (SOURCE / path).read_text(), re.M)
        self.assertGreater(len(names), 5)
        return sorted(names)

    def test_every_setting_is_there_and_nothing_else(self):
        row = r'^    \{(?:\.name = |\{)?"([a-z_]+)",\s+'
        for page, path, pattern in (
                ("vmreclaimd.yaml.5", "controller/config/daemon-config.c", row + r"[a-z_]+, MEMBER"),
                ("vmreclaim-vm.5", "controller/config/vm-file.c", row + r"\.set = "),
                ("agent.conf.5", "agent/config/configuration.c", row + r'"')):
            self.assertEqual(sorted(headings(page, "KEYS")), self.settings_of(path, pattern), page)

    def test_every_setting_has_its_facts(self):
        for page in ("vmreclaimd.yaml.5", "vmreclaim-vm.5", "agent.conf.5"):
            text = PAGES[page].read_text().replace("\\&", "")
            for name in headings(page, "KEYS"):
                self.assertRegex(text, rf"\\fB{name}\\fR\n\.RS 4\nType: .*Since [0-9.]+", page)

    def test_every_key_of_a_policy_is_there_and_nothing_else(self):
        keys = self.settings_of("common/policy/policy.c", r"^    \{FIELD\(\w+, ([a-z_]+)\)")
        self.assertEqual(sorted(headings("vmreclaim-policy.5", "KEYS")), keys)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
