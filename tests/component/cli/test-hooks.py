#!/usr/bin/python3
"""What libvirt and a service manager run before a VM starts: the hook and the drop-in of deploy/.

The hook is called as libvirt's manual has it (docs/hooks.rst, libvirt 2756609a3eee): the domain's
name, the operation, the sub-operation and "-", with the domain's XML on standard input.

usage: test-hooks.py VMRECLAIM API_SERVER DEPLOY_DIRECTORY
"""
import os
import shlex
import shutil
import subprocess
import sys
import unittest

from cli import VMRECLAIM, CliTestCase

DEPLOY = sys.argv[3]
TOOLS = ("cat", "echo", "grep", "sh", "timeout")  # nothing of libvirt's is there
DOMAIN = """<domain type='kvm' id='3'>
  <name>web9</name>
  <uuid>afca425a-2c3a-420c-b2fb-dd7b4950d722</uuid>
  <memory unit='KiB'>4194304</memory>
  <currentMemory unit='KiB'>4194304</currentMemory>
  <vcpu placement='static'>2</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
  </os>
  <devices>
    <memballoon model='virtio'/>
  </devices>
</domain>
"""


class HooksTest(CliTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bin = os.path.join(cls.directory.name, "bin")
        os.mkdir(cls.bin)
        for tool in TOOLS:
            os.symlink(shutil.which(tool), os.path.join(cls.bin, tool))
        os.symlink(os.path.abspath(VMRECLAIM), os.path.join(cls.bin, "vmreclaim"))

    def setUp(self):
        self.settings = os.path.join(self.directory.name, "libvirt-hook.conf")
        self.write_settings("")
        with open(os.path.join(DEPLOY, "libvirt", "qemu-hook"), encoding="utf-8") as file:
            text = file.read()
        self.assertIn("settings=/etc/vmreclaim/libvirt-hook.conf\npatience=9 ", text)
        text = text.replace("/etc/vmreclaim/libvirt-hook.conf\np", self.settings + "\np")
        self.write_hook(text)

    def write_settings(self, text):
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write(text)

    def write_hook(self, text):
        self.hook = os.path.join(self.directory.name, "hook")
        self.text = text
        with open(self.hook, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.hook, 0o755)

    def run_hook(self, name, *words, xml=DOMAIN, code=0, api=None):
        """Its words on standard error; on standard output there are none."""
        result = subprocess.run([self.hook, name, *words], input=xml, capture_output=True,
                                text=True, timeout=60, check=False,
                                env={"PATH": self.bin, "LC_ALL": "C.UTF-8",
                                     "VMRECLAIM_API": api or self.api})
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        return result.stderr

    def test_a_vm_that_starts(self):
        self.assertIn("4.0 GiB are free for web9 after 3.2 s, and kept so for 2m.",
                      self.run_hook("web9", "prepare", "begin", "-"))

    def test_nothing_is_done_otherwise(self):
        xml = DOMAIN + "<!-- " + "x" * (1 << 20) + " -->"
        for words in (("start", "begin", "-"), ("started", "begin", "-"), ("stopped", "end", "-"),
                      ("release", "end", "shutdown"), ("migrate", "begin", "-"),
                      ("restore", "begin", "-"), ("reconnect", "begin", "-")):
            self.assertEqual(self.run_hook("web9", *words, xml=xml), "")

    def test_no_start_fails_by_itself(self):
        self.assertIn("is the most that could be free", self.run_hook("short", "prepare", "begin",
                                                                      "-"))
        self.run_hook("gone", "prepare", "begin", "-")
        self.run_hook("denied", "prepare", "begin", "-")
        self.assertIn("no domain's XML", self.run_hook("web9", "prepare", "begin", "-", xml=""))
        self.run_hook("web9", "prepare", "begin", "-", api="unix:/nowhere/api.sock")
        os.rename(os.path.join(self.bin, "vmreclaim"), os.path.join(self.bin, "away"))
        self.assertNotIn(" within ", self.run_hook("web9", "prepare", "begin", "-"))
        os.rename(os.path.join(self.bin, "away"), os.path.join(self.bin, "vmreclaim"))

    def test_a_start_that_is_told_to_fail(self):
        self.write_settings("# the host must have the memory\nrequired=yes\n")
        self.run_hook("web9", "prepare", "begin", "-")
        self.run_hook("short", "prepare", "begin", "-", code=7)
        self.run_hook("web9", "prepare", "begin", "-", xml="", code=2)
        self.run_hook("web9", "prepare", "begin", "-", code=4, api="unix:/nowhere/api.sock")
        self.run_hook("web9", "stopped", "end", "-")
        self.write_settings("#required=yes\nrequired=yes please\n")
        self.run_hook("short", "prepare", "begin", "-")

    def test_a_daemon_that_does_not_answer(self):
        self.write_hook(self.text.replace("patience=9", "patience=1"))
        self.assertIn("no memory was reserved for endless within 1 s",
                      self.run_hook("endless", "prepare", "begin", "-"))
        self.write_settings("required=yes\n")
        self.run_hook("endless", "prepare", "begin", "-", code=124)

    def test_names_are_words(self):
        self.assertIn("free for $(touch x) `y` ;z",
                      self.run_hook("$(touch x) `y` ;z", "prepare", "begin", "-"))

    def test_the_drop_in(self):
        with open(os.path.join(DEPLOY, "examples", "reserve.conf"), encoding="utf-8") as file:
            line = next(line for line in file if line.startswith("ExecStartPre="))
        words = shlex.split(line.removeprefix("ExecStartPre=-").replace("%p", "web9"))
        self.assertEqual(words[0], "/usr/bin/vmreclaim")
        self.assertIn("4.0 GiB are free for web9", self.run_cli(*words[1:]).stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
