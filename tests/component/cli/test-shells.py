#!/usr/bin/python3
"""Completion in zsh, fish and PowerShell as they are: each loads the script and completes a line.

usage: test-shells.py VMRECLAIM API_SERVER COMPLETION_DIRECTORY
"""
import os
import pty
import re
import shutil
import subprocess
import sys
import unittest

from cli import VMRECLAIM, CliTestCase

SCRIPTS = sys.argv[3]

# An interactive zsh. What a widget finds on the line after completing goes to a file of its own,
# for the screen has prompts and colours in it. Matches are taken where the completion adds them.
ZSH = r"""
PS1= PS2= RPS1= PROMPT_EOL_MARK=
unsetopt zle_bracketed_paste list_beep 2>/dev/null
fpath=("$FOLDER" $fpath)
autoload -Uz compinit
compinit -u -D
zstyle ':completion:*' insert-unambiguous yes
compadd() {
    local -a found shown
    if [[ ${@[(I)-(O|A|D)]} -ne 0 ]]; then
        builtin compadd "$@"
        return
    fi
    builtin compadd -A found "$@"
    print -rl -- "${found[@]}" >>"$FOLDER/matches"
    builtin compadd "$@"
}
show() { print -r -- "$BUFFER" >"$FOLDER/line"; exit }
zle -N show
bindkey '^X^E' show
bindkey '^I' expand-or-complete
"""

# What it would offer at the end of the line, and the help beside it.
POWERSHELL = r"""
. $env:SCRIPT
(TabExpansion2 -inputScript $env:LINE -cursorColumn $env:LINE.Length).CompletionMatches |
    ForEach-Object { $_.CompletionText + "`t" + $_.ToolTip }
"""


def needs(shell):
    return unittest.skipUnless(shutil.which(shell), f"{shell} is not installed here")


class ShellsTest(CliTestCase):
    def environment(self):
        path = os.path.dirname(os.path.abspath(VMRECLAIM)) + ":" + os.environ["PATH"]
        return {"PATH": path, "VMRECLAIM_API": self.api, "LC_ALL": "C.UTF-8", "TERM": "dumb",
                "HOME": self.directory.name, "FOLDER": self.directory.name}

    # ---- fish ----

    def fish(self, line):
        result = subprocess.run(["fish", "--no-config", "-c",
                                 "source $argv[1]; complete -C $argv[2]",
                                 os.path.join(SCRIPTS, "fish"), line],
                                capture_output=True, text=True, timeout=60, check=True,
                                cwd=self.directory.name, env=self.environment())
        self.assertEqual(result.stderr, "")
        return result.stdout.splitlines()

    @needs("fish")
    def test_fish(self):
        self.assertEqual(self.fish("vmreclaim policy ro"), ["rollback\tback to an older revision"])
        self.assertEqual(self.fish("vmreclaim explain web"), ["web1\tmanaged", "web2\tmanaged"])
        self.assertEqual(self.fish("vmreclaim policy show "), ["idle"])
        self.assertEqual(self.fish("vmreclaim verify "), ["a-17\tcompact"])
        self.assertEqual(self.fish("vmreclaim actions --vm 'web"),
                         ["web1\tmanaged", "web2\tmanaged"])
        self.assertEqual(self.fish("vmreclaim actions --vm=w"),
                         ["--vm=web1\tmanaged", "--vm=web2\tmanaged"])
        self.assertEqual(self.fish("vmreclaim policy unassign l"), ["label:tier=db\tidle"])
        self.assertRegex(self.fish("vmreclaim explain --ex")[0], r"^--exact\t")
        self.assertEqual(self.fish("vmreclaim history web1 "), [])

    @needs("fish")
    def test_fish_has_files(self):
        open(os.path.join(self.directory.name, "night.yaml"), "w", encoding="utf-8").close()
        self.assertEqual(self.fish("vmreclaim policy apply ni"), ["night.yaml"])
        self.assertNotIn("night.yaml", self.fish("vmreclaim policy show ni"))

    # ---- PowerShell ----

    def powershell(self, line):
        result = subprocess.run(
            ["pwsh", "-NoProfile", "-NonInteractive", "-Command", POWERSHELL],
            capture_output=True, text=True, timeout=60, check=True, cwd=self.directory.name,
            env={**self.environment(), "SCRIPT": os.path.join(SCRIPTS, "powershell"), "LINE": line})
        self.assertEqual(result.stderr, "")
        return result.stdout.splitlines()

    @needs("pwsh")
    def test_powershell(self):
        self.assertEqual(self.powershell("vmreclaim policy ro"),
                         ["rollback\tback to an older revision"])
        self.assertEqual(self.powershell("vmreclaim explain 'w"),
                         ["web1\tmanaged", "web2\tmanaged"])
        self.assertEqual(self.powershell("vmreclaim policy show "), ["idle\tidle"])
        self.assertEqual(self.powershell("vmreclaim actions --vm=w"),
                         ["--vm=web1\tmanaged", "--vm=web2\tmanaged"])

    # ---- zsh ----

    def zsh(self, line):
        """The line after one press of the tab key, and what could stand there."""
        folder = self.directory.name
        shutil.copy(os.path.join(SCRIPTS, "zsh"), os.path.join(folder, "_vmreclaim"))
        for name in "matches", "line":
            with open(os.path.join(folder, name), "w", encoding="utf-8"):
                pass
        with open(os.path.join(folder, "start"), "w", encoding="utf-8") as file:
            file.write(ZSH)
        environment = self.environment()
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"], environment)
        os.write(terminal, b"source ./start\n" + line.encode() + b"\t\x18\x05")
        screen = b""
        try:
            while part := os.read(terminal, 4096):
                screen += part
        except OSError: # it has exited
            pass
        os.close(terminal)
        os.waitpid(child, 0)
        with open(os.path.join(folder, "line"), encoding="utf-8") as file:
            after = file.read().rstrip("\n")
        with open(os.path.join(folder, "matches"), encoding="utf-8") as file:
            matches = sorted(match for match in file.read().splitlines() if match)
        self.assertIsNone(re.search(rb"not found|bad |no such", screen), screen)
        return after, matches

    @needs("zsh")
    def test_zsh(self):
        self.assertEqual(self.zsh("vmreclaim policy ro"),
                         ("vmreclaim policy rollback ", ["rollback"]))
        self.assertEqual(self.zsh("vmreclaim explain w"),
                         ("vmreclaim explain web", ["web1", "web2"]))
        self.assertEqual(self.zsh("vmreclaim policy show "),
                         ("vmreclaim policy show idle ", ["idle"]))
        self.assertEqual(self.zsh("vmreclaim verify ")[0], "vmreclaim verify a-17 ")
        self.assertEqual(self.zsh("vmreclaim actions --vm=w")[0], "vmreclaim actions --vm=web")
        self.assertEqual(self.zsh("vmreclaim events -f --kind action,po")[0],
                         "vmreclaim events -f --kind action,policy ")
        self.assertEqual(self.zsh("vmreclaim policy unassign l")[0],
                         "vmreclaim policy unassign label:tier=db ")
        self.assertEqual(self.zsh("vmreclaim explain --ex")[0], "vmreclaim explain --exact ")
        self.assertEqual(self.zsh("vmreclaim history web1 ")[1], [])

    @needs("zsh")
    def test_zsh_knows_quotes(self):
        self.assertEqual(self.zsh(f"vmreclaim --api '{self.api}' actions --vm w")[1],
                         ["web1", "web2"])
        self.assertEqual(self.zsh("vmreclaim explain 'w")[1], ["web1", "web2"])

    @needs("zsh")
    def test_zsh_has_files(self):
        open(os.path.join(self.directory.name, "night.yaml"), "w", encoding="utf-8").close()
        self.assertEqual(self.zsh("vmreclaim policy apply ni")[0],
                         "vmreclaim policy apply night.yaml ")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
