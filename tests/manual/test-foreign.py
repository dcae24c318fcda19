#!/usr/bin/python3
"""What the tutorials and the troubleshooting have beside our own commands: names of our packages and
units are ours, other programs' commands have their published syntax, links lead somewhere.

usage: test-foreign.py SOURCE_DIRECTORY
"""
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(sys.argv[1])
TUTORIALS = sorted((SOURCE / "docs/tutorials").glob("*.md"))
TEXTS = TUTORIALS + [SOURCE / "docs" / name for name in ("troubleshooting.md", "numbers.md")]

# A line of another program, as that publishes it; where, and whether a test of ours runs it.
SIZE = r"(size=\w+)"
PUBLISHED = (
    (r"qemu-system-x86_64( -[a-z]+ [-\w./:=,]+)+", "QEMU's -help; the lab", True),
    (r"<memballoon model='virtio'( autodeflate='on'| freePageReporting='on')+>",
     "libvirt, docs/formatdomain.rst; the lab", True),
    (r"<vsock model='virtio'><cid auto='yes'/></vsock>", "libvirt, docs/formatdomain.rst; the lab",
     True),
    (r"virsh (shutdown|start|dominfo) [-\w]+", "virsh help; the lab", True),
    (r"qm (stop|start) \d+", "qemu-server 9.2.6, PVE/CLI/qm.pm", False),
    (r"qm set \d+ (--args '[^']+'|--delete balloon)", "qemu-server 9.2.6, PVE/CLI/qm.pm and "
     "PVE/API2/Qemu.pm", False),
    (r"curl --unix-socket \S+ -X PUT http://localhost/(balloon|vsock) -d '\{.*\}'",
     "Firecracker, src/firecracker/swagger/firecracker.yaml", False),
    (rf"cloud-hypervisor --api-socket \S+ --memory {SIZE} --balloon {SIZE},deflate_on_oom=on,"
     r"free_page_reporting=on --vsock cid=\d+,socket=\S+", "Cloud Hypervisor, docs/balloon.md and "
     "cloud-hypervisor/src/main.rs", False),
    (r"ch-remote --api-socket \S+ add-vsock cid=\d+,socket=\S+",
     "Cloud Hypervisor, cloud-hypervisor/src/bin/ch-remote.rs", False),
    (r"\[(boot|experimental)\]|systemd=true|autoMemoryReclaim=disabled|wsl\.exe --shutdown",
     "Microsoft, WSL/wsl-config.md", False),
)


def blocks(path, kind):
    """(text before it since the last block, lines) of each block."""
    text = path.read_text()
    for found in re.finditer(rf"^```{kind}\n(.*?)^```$", text, re.M | re.S):
        before = text[:found.start()]
        yield before, found.group(1).splitlines()


def published(line):
    for pattern, _, is_run in PUBLISHED:
        if re.fullmatch(pattern, line):
            return is_run
    return None


class ForeignTest(unittest.TestCase):
    def test_lines_have_their_published_syntax(self):
        count = 0
        for path in TEXTS:
            for _, lines in blocks(path, "foreign"):
                for line in lines:
                    self.assertIsNotNone(published(line), f"{path.name}: {line}")
                    count += 1
        self.assertGreater(count, 10)

    def test_what_was_never_run_is_said_to_be_so(self):
        for path in TEXTS:
            for before, lines in blocks(path, "foreign"):
                if not all(published(line) for line in lines):
                    self.assertRegex(before, r"(?i)never run|was run by us", f"{path.name}: {lines}")

    @unittest.skipIf(shutil.which("qemu-system-x86_64") is None, "no QEMU here")
    def test_devices_have_these_properties(self):
        for path in TEXTS:
            for device, rest in re.findall(r"-device ([-\w]+),([-\w=,]+)", path.read_text()):
                text = subprocess.run(["qemu-system-x86_64", "-device", device + ",help"],
                                      capture_output=True, text=True, check=True).stdout
                for name in re.findall(r"([-\w]+)=", rest):
                    self.assertTrue(name == "id" or re.search(rf"^  {name}=", text, re.M),
                                    f"{path.name}: {device} has no {name}")

    @unittest.skipIf(shutil.which("virsh") is None, "no virsh here")
    def test_virsh_has_these_commands(self):
        for path in TEXTS:
            for _, lines in blocks(path, "foreign"):
                for command in re.findall(r"^virsh ([-\w]+)", "\n".join(lines), re.M):
                    subprocess.run(["virsh", "help", command], capture_output=True, check=True)


class OursTest(unittest.TestCase):
    def test_packages_are_ours(self):
        control = (SOURCE / "deploy/debian/control").read_text()
        packages = re.findall(r"^Package: (\S+)", control, re.M)
        for path in TEXTS:
            for _, lines in blocks(path, "system"):
                for name in re.findall(r"(vmreclaim[-\w]*)_\*\.deb", "\n".join(lines)):
                    self.assertIn(name, packages, path.name)

    def test_units_are_ours(self):
        units = {path.name.removesuffix(".in") for path in (SOURCE / "deploy/systemd").iterdir()}
        for path in TEXTS:
            for name in re.findall(r"(?:systemctl \w+|journalctl -u) (vmreclaim[-.\w]*)",
                                   path.read_text()):
                self.assertTrue(name in units or name + ".service" in units, (path.name, name))

    def test_links_lead_somewhere(self):
        for path in TEXTS:
            for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
                self.assertTrue((path.parent / target).exists(), f"{path.name}: {target}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
