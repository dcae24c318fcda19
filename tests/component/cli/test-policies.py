#!/usr/bin/python3
"""vmreclaim policy: the files it reads, what it says of them and of the VMs.

usage: test-policies.py VMRECLAIM API_SERVER
"""
import os
import socket
import subprocess
import sys
import unittest

from cli import VMRECLAIM, CliTestCase


def words(result):
    """What it complains about, without the ends of lines."""
    return " ".join(result.stderr.split())


class PoliciesTest(CliTestCase):
    def write(self, text):
        path = os.path.join(self.directory.name, "policy.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_a_policy_file_that_is_not_utf8(self):
        path = self.write("profile: balanced\n")
        with open(path, "ab") as file:
            file.write(b"# Stra\xdfe\n")
        for command in (["apply", path], ["check", path]):
            result = self.run_cli("policy", *command, code=2)
            self.assertIn("UTF-8", result.stderr)

    def test_policy_apply(self):
        path = self.write("profile: balanced\n")
        head = "policy balanced, revision 4, is stored\n"
        lines = ("  web1   in force now; the guest does not know refault_rate\n",
                 "  web20  waits for its agent: no agent of VM 'web20' is connected\n",
                 "  web3   refused: the agent did not take it\n",
                 "  web4   not for it: policy 'night' is assigned to it more closely\n")
        apply = ("policy", "apply", path, "--vm")
        self.assertEqual(self.run_cli(*apply, "results-0-4", code=7).stdout, head + "".join(lines))
        self.assertEqual(self.run_cli(*apply, "results-1-1").stdout, head + lines[1])
        self.run_cli(*apply, "results-2-1", code=5)
        self.run_cli(*apply, "results-3-1", code=7)
        found = self.run_json(*apply, "results-1-2", code=7)["results"]
        self.assertEqual([result["outcome"] for result in found], ["pending", "refused"])
        # nobody is meant
        result = self.run_cli(*apply, "web-*")
        self.assertEqual(result.stdout, head)
        self.assertIn('warning: "web-*" means no VM now', result.stderr)
        self.assertIn("it is assigned to no VM yet", self.run_cli("policy", "apply", path).stdout)
        self.assertIn("an older daemon does not say", self.run_cli(*apply, "older").stdout)

    def write_several(self, **texts):
        folder = os.path.join(self.directory.name, self.id().rsplit(".", maxsplit=1)[-1])
        os.makedirs(folder, exist_ok=True)
        for name, text in texts.items():
            with open(os.path.join(folder, name.replace("_", ".")), "w", encoding="utf-8") as file:
                file.write(text)
        return folder

    def test_policy_apply_of_a_directory(self):
        folder = self.write_several(b_yaml="profile: gentle\n", a_yaml="profile: observe\n",
                                    c_txt="no policy\n")
        stored = "policy balanced, revision 4, is stored\n"
        text = self.run_cli("policy", "apply", "-f", folder).stdout
        self.assertEqual(text.count(stored), 2)
        answers = self.run_cli("--json", "policy", "apply", folder).stdout.splitlines()
        self.assertEqual(len(answers), 2)
        result = self.run_cli("policy", "apply", folder, "--vm", "web1", code=2)
        self.assertIn("--vm is for one policy, and", words(result))
        # all are checked first
        self.write_several(z_yaml="profile: gentle\ncache_flor: 1MiB\n", y_yaml="name: b\n")
        result = self.run_cli("policy", "apply", folder, code=2)
        self.assertEqual(result.stdout, "")
        self.assertIn(f"{folder}/z.yaml:2: unknown key 'cache_flor'", words(result))
        self.assertIn(f'{folder}/y.yaml: is policy "b", and so is {folder}/b.yaml', words(result))
        self.assertIn("nothing was applied", words(result))

    def test_policy_apply_of_a_directory_that_the_daemon_refuses(self):
        folder = self.write_several(a_yaml="profile: gentle\n",
                                    b_yaml="# bogus\nprofile: gentle\n",
                                    c_yaml="profile: gentle\n")
        result = self.run_cli("policy", "apply", folder, code=2)
        self.assertEqual(result.stdout.count("is stored"), 1)
        self.assertIn(f"what comes after {folder}/b.yaml was not applied: 1 of 3 files",
                      words(result))

    def test_policy_apply_without_a_file(self):
        folder = self.write_several()
        self.assertIn("there is no *.yaml",
                      words(self.run_cli("policy", "apply", folder, code=2)))
        for operands in [], ["a.yaml", "-f", "b.yaml"]:
            result = self.run_cli("policy", "apply", *operands, code=2)
            self.assertIn("name one file, one directory, or -", words(result))

    def test_policy_apply_of_standard_input(self):
        command = [VMRECLAIM, "--api", self.api, "policy", "apply", "-"]
        ours, theirs = socket.socketpair() # as ssh gives it
        ours.sendall(b"name: night\nprofile: gentle\n")
        ours.shutdown(socket.SHUT_WR)
        result = subprocess.run(command, stdin=theirs, capture_output=True, text=True, timeout=60,
                                check=True)
        ours.close()
        theirs.close()
        self.assertIn("is stored", result.stdout)

    # ---- edit ----

    def edit(self, script, code, name="idle"):
        """Runs `policy edit` with a shell script for an editor, which has the file's path as $1."""
        folder = self.write_several()
        editor = os.path.join(folder, "editor")
        with open(editor, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nset -e\n" + script)
        os.chmod(editor, 0o755)
        self.temporary = os.path.join(folder, "tmp")
        os.makedirs(self.temporary, exist_ok=True)
        return self.run_cli("policy", "edit", name, code=code,
                            environment={"VISUAL": editor, "TMPDIR": self.temporary})

    def test_policy_edit(self):
        result = self.edit('cat "$1" >>"$0.seen"\nsed -i s/128MiB/256MiB/ "$1"\n', 0)
        self.assertIn("policy balanced, revision 4, is stored", result.stdout)
        self.assertEqual(os.listdir(self.temporary), [])
        with open(os.path.dirname(self.temporary) + "/editor.seen", encoding="utf-8") as file:
            self.assertEqual(file.read(), "# vmreclaim: policy idle, revision 2.\n"
                             "# vmreclaim: Saved and changed it is applied; else nothing is done.\n"
                             "profile: balanced\ncache_floor: 128MiB\n")

    def test_policy_edit_without_a_change(self):
        result = self.edit("true\n", 0)
        self.assertEqual(result.stdout, "policy idle: not changed, nothing was done\n")
        self.assertEqual(os.listdir(self.temporary), [])
        self.edit("true\n", 3, name="other")

    def test_policy_edit_of_an_error(self):
        result = self.edit('if [ -e "$0.once" ]\n'
                           'then cat "$1" >"$0.seen"; sed -i s/cache_flor/cache_floor/ "$1"\n'
                           'else touch "$0.once"; sed -i s/cache_floor/cache_flor/ "$1"; fi\n', 0)
        self.assertEqual(result.stdout, "policy idle: not changed, nothing was done\n")
        with open(os.path.dirname(self.temporary) + "/editor.seen", encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.assertEqual(lines[0], "# vmreclaim: idle.yaml:4: unknown key 'cache_flor'; "
                                   "did you mean 'cache_floor'?")
        self.assertEqual(lines[3], "cache_flor: 128MiB")

    def test_policy_edit_of_an_error_that_stays(self):
        result = self.edit("sed -i s/cache_floor/cache_flor/ \"$1\"\n", 2)
        self.assertIn("unknown key 'cache_flor'", words(result))
        self.assertIn("nothing was done", words(result))
        kept = os.path.join(self.temporary, os.listdir(self.temporary)[0])
        self.assertIn(f"your text is kept in {kept}", words(result))

    def test_policy_edit_of_what_only_the_daemon_refuses(self):
        result = self.edit('grep -q bogus "$1" || echo "# bogus" >>"$1"\n', 2)
        self.assertIn('idle.yaml:2: unknown key "bogus" nothing was done', words(result))

    def test_policy_edit_is_of_one_policy(self):
        result = self.edit('grep -q day "$1" || echo "name: day" >>"$1"\n', 2)
        self.assertIn("this is policy 'idle', so its name cannot be 'day'", words(result))

    def test_policy_edit_with_an_editor_that_fails(self):
        self.assertIn("ended with 3; nothing was done", words(self.edit("exit 3\n", 1)))
        result = self.run_cli("policy", "edit", "idle", code=1,
                              environment={"VISUAL": "no-editor"})
        self.assertIn('cannot run "no-editor"; set VISUAL or EDITOR', words(result))

    def test_policy_edit_after_somebody_else(self):
        result = self.edit('sed -i s/128MiB/1GiB/ "$1"\n', 5)
        self.assertIn("revision 3 now", words(result))
        self.assertIn("your text is kept in ", words(result))

    def test_policy_check_needs_no_daemon(self):
        path = self.write("name: night\nprofile: gentle\ncache_floor: 256MiB\n")
        text = self.run_cli("policy", "check", path, api="unix:/nonexistent").stdout
        self.assertIn('is a valid policy: "night", profile gentle', text)
        self.assertRegex(text, r"cache_floor +256MiB ")
        settings = self.run_json("policy", "check", path)["settings"]
        self.assertEqual(settings["cache_floor"], "256MiB")

    def test_policy_check_names_a_policy_after_its_file(self):
        path = self.write("profile: gentle\n")
        self.assertIn('is a valid policy: "policy", profile gentle',
                      self.run_cli("policy", "check", path).stdout)
        self.assertEqual(self.run_json("policy", "check", path)["name"], "policy")
        nameless = os.path.join(self.directory.name, ".yaml")
        os.rename(path, nameless)
        self.assertIn("the policy has no name; add a line",
                      self.run_cli("policy", "check", nameless, code=2).stderr)

    def test_policy_check_names_file_and_line(self):
        path = self.write("profile: gentle\n\ncache_flor: 256MiB\n")
        result = self.run_cli("policy", "check", path, code=2)
        self.assertIn(f"{path}:3: ", result.stderr)
        self.assertIn("cache_floor", result.stderr)

    def test_policy_list(self):
        line = self.run_cli("policy", "list").stdout.splitlines()[1]
        self.assertRegex(line, r"^idle +2 .* alice +web-\*, label:tier=db$")

    def test_policy_show_can_be_applied_again(self):
        text = self.run_cli("policy", "show", "idle", "--revision", "1").stdout
        self.assertRegex(text, r"^# idle, revision 1 of .* by alice\n"
                               r"profile: balanced\ncache_floor: 64MiB\n$")
        self.run_cli("policy", "check", self.write(text))

    def test_policy_show_effective(self):
        lines = self.run_cli("policy", "show", "--effective", "web1").stdout.splitlines()
        self.assertEqual(lines[0], "web1 runs policy idle, revision 2, profile balanced")
        rows = [" ".join(line.split()) for line in lines]
        self.assertIn("idle_window 2m profile balanced", rows)
        self.assertIn("cache_floor 64MiB policy idle, revision 2", rows)
        self.assertIn("cpu_budget 10s the guest's limit (policy: 1m)", rows)
        self.assertIn("trickle 512MiB profile balanced; the agent does not know it", rows)
        self.assertIn('schedule: force from "0 20 * * *" for 10h, Europe/Berlin (now UTC+1 h)', rows)
        answer = self.run_json("policy", "show", "--effective", "web1")
        self.assertEqual(answer["settings"][2]["asked"], "1m")
        self.assertIn("no policy is assigned",
                      self.run_cli("policy", "show", "-e", "web9", code=3).stderr)
        self.run_cli("policy", "show", "--effective", "web1", "--revision", "1", code=2)

    def test_policy_unassign(self):
        self.assertEqual(self.run_cli("policy", "unassign", "web-*").stdout,
                         "policy idle is no longer assigned to web-*\n"
                         "instead:\n"
                         "  web1  policy idle, assigned to label:tier=db: in force now; "
                         "the guest does not know refault_rate\n")
        self.run_cli("policy", "unassign", "db-*", code=3)

    def test_policy_diff(self):
        expected = ("--- idle, revision 1\n+++ idle, revision 2\n@@ -1,2 +1,2 @@\n"
                    " profile: balanced\n-cache_floor: 64MiB\n+cache_floor: 128MiB\n")
        self.assertEqual(self.run_cli("policy", "diff", "idle").stdout, expected)
        self.assertEqual(self.run_cli("policy", "diff", "idle", "--from", "1", "--to", "2").stdout,
                         expected)
        path = self.write("profile: balanced\n")
        self.assertEqual(self.run_cli("policy", "diff", "idle", "--file", path).stdout,
                         f"--- idle, revision 2\n+++ {path}\n@@ -1,2 +1 @@\n"
                         " profile: balanced\n"
                         "-cache_floor: 128MiB\n")
        path = self.write("profile: balanced\ncache_floor: 128MiB\n")
        self.assertEqual(self.run_cli("policy", "diff", "idle", "--file", path).stdout,
                         "no difference\n")
        path = self.write("profile: \x1b[31mred\n")
        self.assertIn("?[31mred", self.run_cli("policy", "diff", "idle", "--file", path).stdout)
        without = self.run_cli("policy", "diff", "idle", code=1, environment={"PATH": "/none"})
        self.assertIn("install diffutils", without.stderr)
        self.run_cli("policy", "diff", "other", code=3)

    def test_policy_history_and_rollback(self):
        lines = self.run_cli("policy", "history", "idle").stdout.splitlines()
        self.assertRegex(lines[1], r"^ +2 .* alice +0123456789ab back to revision 1$")
        self.assertRegex(lines[2], r"^ +1 .* alice +0123456789ab idle.yaml$")
        self.assertEqual(self.run_cli("policy", "rollback", "idle", "--to", "1").stdout,
                         "policy idle: revision 3 has the text of revision 1\n"
                         "  web1   in force now; the guest does not know refault_rate\n"
                         "  web20  waits for its agent: no agent of VM 'web20' is connected\n")
        self.run_cli("policy", "rollback", "other", code=3)

    def test_error_of_the_file_names_file_and_line(self):
        path = self.write("profile: balanced\nbogus: 1\n")
        result = self.run_cli("policy", "apply", path, "--vm", "web1", code=2)
        self.assertEqual(result.stderr, f'vmreclaim: {path}:2: unknown key "bogus"\n')

    def test_policy_file_that_is_not_there(self):
        result = self.run_cli("policy", "apply", "/nonexistent.yaml", code=2)
        self.assertEqual(result.stderr,
                         "vmreclaim: /nonexistent.yaml: No such file or directory\n")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
