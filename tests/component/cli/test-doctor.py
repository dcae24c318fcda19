#!/usr/bin/python3
"""vmreclaim doctor: what it shows, and what it has other programs do.

usage: test-doctor.py VMRECLAIM API_SERVER
"""
import json
import os
import sys
import unittest

from cli import CliTestCase


class DoctorTest(CliTestCase):
    def fake_program(self, name, script):
        """A program that logs how it was called and what it read, then does as the script says."""
        directory = os.path.join(self.directory.name, "bin-" + self.id().rsplit(".", 1)[-1])
        os.makedirs(directory, exist_ok=True)
        path = os.path.join(directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\nlog=$(dirname "$0")/log\necho "$(basename "$0") $*" >> "$log"\n'
                       'for last; do :; done\ncase "$*" in */dev/stdin*) cat >> "$log" ;; esac\n' +
                       script)
        os.chmod(path, 0o755)
        return {"PATH": directory + ":" + os.environ["PATH"]}, os.path.join(directory, "log")

    def log_of(self, path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def test_doctor(self):
        text = self.run_cli("doctor", "web1").stdout
        self.assertRegex(text, r"(?m)^ *ok +hypervisor +answers$")
        self.assertRegex(text, r"(?m)^FAILURE +vsock device +none: no agent can connect$")
        self.assertRegex(text, r"(?m)^- +backing +the hypervisor does not report it$")
        self.assertIn("    give to virsh attach-device --live --config; works in the running VM:\n"
                      "        <vsock model='virtio'><cid auto='yes'/></vsock>\n", text)
        self.assertIn("    the domain's XML must have; needs a cold start: power off, then start:\n"
                      "        <memballoon model='virtio' freePageReporting='on'>\n", text)
        self.assertIn("    type; works in the running VM:\n"
                      "        virsh -c qemu:///system dommemstat", text)
        self.assertIn("    install vmreclaim-agent in the guest\n", text)
        self.assertNotIn("\x1b", text)

    def test_doctor_of_all(self):
        text = self.run_cli("doctor").stdout
        for line in ("web1\n", "web2\n", "alone\n", "qm set 104 --args", "guest-cid=7"):
            self.assertIn(line, text)
        documents = [json.loads(line) for line in
                     self.run_cli("--json", "doctor").stdout.splitlines()]
        self.assertEqual([document["manager"] for document in documents],
                         ["libvirt", "proxmox", "qemu"])
        self.assertEqual(documents[0]["checks"][1]["time"], "now")
        self.run_cli("doctor", "missing", code=3)

    def test_doctor_fixes_a_domain(self):
        domain = "<domain><devices><memballoon model='virtio'/></devices></domain>"
        environment, log = self.fake_program(
            "virsh", f'case "$*" in *dumpxml*) echo "{domain}" ;; esac\n')
        result = self.run_cli("doctor", "web1", "--fix", environment=environment, code=2)
        self.assertIn("say --yes", result.stderr)
        self.assertNotIn("define", self.log_of(log)) # nothing was done
        os.unlink(log)
        text = self.run_cli("doctor", "web1", "--fix", "--yes", environment=environment).stdout
        self.assertLess(text.index("To be done:"), text.index("Done."))
        self.assertIn("with <memballoon model='virtio' freePageReporting='on'/>", text)
        self.assertIn("Power the VM off and start it again", text)
        self.assertEqual(self.log_of(log), """\
virsh -c qemu:///system dumpxml --inactive --security-info web-1
virsh -c qemu:///system attach-device web-1 /dev/stdin --live --config
<vsock model='virtio'><cid auto='yes'/></vsock>\
virsh -c qemu:///system dommemstat web-1 --period 10 --live --config
virsh -c qemu:///system define /dev/stdin
<domain><devices><memballoon model='virtio' freePageReporting='on'/></devices></domain>
""")

    def test_doctor_fix_that_fails(self):
        environment, log = self.fake_program(
            "virsh", 'case "$*" in *dumpxml*) echo "<domain><devices></devices></domain>" ;;\n'
                     '*dommemstat*) echo "error: no such domain" >&2; exit 1 ;; esac\n')
        result = self.run_cli("doctor", "web1", "--fix", "--yes", environment=environment, code=7)
        self.assertIn("error: no such domain", result.stderr)
        self.assertIn("2 of 3 steps were done", result.stderr)
        self.assertNotIn("Done.", result.stdout)
        self.assertIn("define", self.log_of(log))
        environment, log = self.fake_program("virsh", "echo garbage\n")
        result = self.run_cli("doctor", "web1", "--fix", "--yes", environment=environment, code=1)
        self.assertIn("no domain's XML", result.stderr)

    def test_doctor_fixes_proxmox(self):
        environment, log = self.fake_program(
            "qm", 'case "$*" in "config 104") printf "agent: 1\\nargs: -cpu max\\n" ;; esac\n')
        text = self.run_cli("doctor", "web2", "--fix", "--yes", environment=environment).stdout
        self.assertIn("--args '-cpu max -device vhost-vsock-pci,guest-cid=104'", text)
        self.assertEqual(self.log_of(log), """\
qm config 104
qm set 104 --delete balloon
qm set 104 --args -cpu max -device vhost-vsock-pci,guest-cid=104
""")

    def test_doctor_fixes_cloud_hypervisor(self):
        environment, log = self.fake_program("ch-remote", "")
        text = self.run_cli("doctor", "web3", "--fix", "--yes", environment=environment).stdout
        # As a shell would read it back, whatever the path is.
        self.assertIn("  ch-remote --api-socket '/run/ch/cid=9;b\'\\\'\'us/web3.sock' add-vsock "
                      "cid=7,socket=/run/ch/web3.vsock    (now)\n", text)
        self.assertEqual(self.log_of(log), "ch-remote --api-socket /run/ch/cid=9;b'us/web3.sock "
                                           "add-vsock cid=7,socket=/run/ch/web3.vsock\n")

    def test_doctor_fix_by_hand(self):
        text = self.run_cli("doctor", "alone", "--fix", "--yes").stdout
        self.assertIn("Nothing here can be done by vmreclaim", text)
        self.run_cli("doctor", "--fix", code=2)
        self.run_cli("doctor", "web1", "--yes", code=2)
        self.run_cli("--json", "doctor", "web1", "--fix", code=2)
        self.run_cli("-H", "ssh://host2", "doctor", "web1", "--fix", code=2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
