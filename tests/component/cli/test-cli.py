#!/usr/bin/python3
"""vmreclaim against an API server with a script: what is sent, what is shown, how it ends.

usage: test-cli.py VMRECLAIM API_SERVER MANUAL
"""
import json
import os
import re
import socket
import subprocess
import sys
import unittest

from cli import API_SERVER, VMRECLAIM, CliTestCase

MANUAL = sys.argv[3]


class CliTest(CliTestCase):
    # ---- the way to the daemon ----

    def test_roots_own_socket(self):
        api = "unix:" + os.path.join(self.directory.name, "own.sock")
        with subprocess.Popen([API_SERVER, api + ".root"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as server:
            self.assertEqual(server.stdout.readline(), "ready\n")
            self.run_cli("vm", "list", api=api)  # nobody listens on the other
            server.stdin.close()
            server.wait(timeout=20)

    def test_what_an_earlier_daemon_left_of_it(self):
        path = self.api.removeprefix("unix:") + ".root"
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(path)
        self.run_cli("vm", "list")
        os.unlink(path)

    @unittest.skipIf(os.geteuid() != 0, "needs root, to listen as another user")
    def test_another_users_is_not_roots(self):
        path = self.api.removeprefix("unix:") + ".root"
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(path)
            os.seteuid(65534)
            other.listen()
            os.seteuid(0)
            self.run_cli("vm", "list")
        os.unlink(path)

    # ---- what is shown ----

    def test_what_is_not_known_is_no_figure(self):
        line = self.run_cli("vm", "list", "-o", "wide").stdout.splitlines()[3]
        self.assertEqual(line.split(), ["alone", "managed", "yes", "-", "-", "412.0", "MiB", "1.0",
                                        "GiB", "0", "B", "-", "-", "balanced", "-", "footprint",
                                        "unknown"])
        text = self.run_cli("vm", "show", "alone").stdout
        self.assertIn("What the host holds for it is not known:\nits hypervisor is not known", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        self.assertNotIn("never touched", text)
        self.assertNotIn("remainder", text)
        self.assertRegex(text, "footprint +- its hypervisor is not known")
        self.assertRegex(text, "reported +- not known: the guest's kernel shows no marks")
        self.assertRegex(text, "reporting order +-: the guest reports nothing")
        self.assertNotIn("smallest report", text)
        answer = self.run_json("vm", "show", "alone")
        waterfall = answer["vm"]["waterfall"]
        for name in ("footprint", "swapped", "balloon", "reported", "remainder", "vm_ram",
                     "unmanaged"):
            self.assertNotIn(name, waterfall)
        self.assertEqual(waterfall["trapped"], 0)
        self.assertNotIn("reporting_order", answer["info"])
        self.assertNotIn("balloon_target", answer["vm"])

    def test_a_hypervisor_that_nobody_can_ask(self):
        self.assertIn("The host holds 512.0 MiB for it; what memory it has is not known.",
                      self.run_cli("vm", "show", "found").stdout)

    def test_a_starved_guest_is_an_alarm(self):
        self.assertIn("STARVED: the guest is short of memory (1 OOM kill)\n",
                      self.run_cli("vm", "show", "starved").stdout)
        self.assertNotIn("STARVED", self.run_cli("vm", "show", "web1").stdout)

    def test_vm_list_as_json(self):
        answer = self.run_json("vm", "list")
        self.assertEqual([vm["name"] for vm in answer["vms"]], ["web1", "web2", "alone"])
        self.assertEqual(answer["vms"][0]["waterfall"]["footprint"], 2 << 30)
        self.assertEqual(answer["vms"][0]["waterfall"]["guest"]["shmem"], 112 << 20)
        self.assertNotIn("waterfall", answer["vms"][1])

    def test_no_more_pages_than_were_asked_for(self):
        self.assertEqual(len(self.run_cli("actions", "--vm", "many", "-n", "7").stdout.splitlines()),
                         1 + 7)
        self.assertEqual(len(self.run_json("actions", "--vm", "many", "-n", "3")["actions"]), 3)

    def test_a_daemon_that_repeats_a_page(self):
        self.assertIn("Protocol error", self.run_cli("actions", "--vm", "mad", code=1).stderr)

    def test_json_may_follow_the_command(self):
        result = self.run_cli("vm", "show", "web1", "--json")
        self.assertEqual(json.loads(result.stdout)["vm"]["cid"], 5)

    def test_vm_show(self):
        text = self.run_cli("vm", "show", "web1").stdout
        self.assertIn("web1 · managed · policy balanced (revision 3)", text)
        self.assertRegex(text, r"guest  U+k+C+T+p+r+\n")
        self.assertRegex(text, r"host   #{36}\.{36}\n")
        self.assertRegex(text, r"trapped +500\.0 MiB +free, in pieces too small to report")
        self.assertRegex(text, r"CID +5")

    def test_what_is_not_on_the_host(self):
        text = self.run_cli("vm", "show", "fresh").stdout
        self.assertRegex(text, r"remainder +-2\.0 GiB +of the above, not on the host")
        self.assertRegex(text, r"never touched +2\.0 GiB +at most")
        self.assertNotIn("left the host", text)
        text = self.run_cli("vm", "show", "left").stdout
        self.assertRegex(text, r"never touched +96\.0 MiB +at most")
        self.assertRegex(text, r"left the host +1\.9 GiB +at least: was there, not used since")
        lines = self.run_cli("history", "fresh").stdout.splitlines()
        self.assertRegex(lines[2], r"  U+k+C+T+p+\.{21}    2\.0 GiB$")

    def test_explain(self):
        text = self.run_cli("explain", "web1").stdout
        holds = text.index("What holds the memory")
        self.assertLess(holds, text.index("1.0 GiB is file cache."))
        self.assertLess(holds, text.index("What you can do now"))
        self.assertIn("      vmreclaim reclaim web1\n", text)

    def test_hostile_text_does_not_reach_the_terminal(self):
        for arguments in (["vm", "show", "hostile"], ["explain", "hostile"], ["events", "-f"],
                          ["--json", "vm", "show", "hostile"], ["--json", "events", "-f"],
                          ["debug", "dump"]):
            output = self.run_cli(*arguments, text=False).stdout
            self.assertIn(b"turned", output)
            for steering in (b"\x1b", b"\x07", b"\x7f", b"\xc2\x9b", b"\xe2\x80\xae"):
                self.assertNotIn(steering, output, arguments)

    def test_a_text_is_no_line_of_its_own(self):
        for arguments in (["events", "-f"], ["vm", "show", "hostile"]):
            lines = self.run_cli(*arguments).stdout.splitlines()
            self.assertFalse([line for line in lines if line.startswith("12:00:00.000")])

    def test_hostile_text_is_valid_json(self):
        hostile = ("\x1b[31mred? \x1b]0;owned\x07 del\x7f csi\x9b turned\u202e"
                   "\n12:00:00.000  web1  forged")
        self.assertEqual(self.run_json("vm", "show", "hostile")["vm"]["state"], hostile)

    def test_ranges(self):
        lines = self.run_cli("ranges", "web1").stdout.splitlines()
        self.assertEqual(lines[1].split(), ["0x000000000000", "0x000000200000", "2.0", "MiB",
                                            "reported"])
        self.assertEqual(lines[3], "reported 2.0 MiB, reportable 4.0 MiB")

    def test_what_fails_has_no_header(self):
        for command in ("ranges", "history"):
            self.assertEqual(self.run_cli(command, "missing", code=3).stdout, "")

    def test_ranges_as_json_is_one_document_per_line(self):
        lines = self.run_cli("ranges", "web1", "--json").stdout.splitlines()
        self.assertEqual([json.loads(line)["ranges"][0]["state"] for line in lines],
                         ["reported", "reportable"])

    def test_ping(self):
        self.assertEqual(self.run_cli("ping", "web1").stdout,
                         "web1: the agent answered in 1.25 ms; the guest is up for 60 s\n")

    def test_events(self):
        lines = self.run_cli("events", "-f", "--samples").stdout.splitlines()
        self.assertEqual(len(lines), 3)
        self.assertIn("web1  connected  agent 0.1.0", lines[0])
        self.assertIn("footprint 2.0 GiB, cache 1.0 GiB, trapped 500.0 MiB", lines[1])

    def test_events_by_kind(self):
        """This daemon sends all of them, as one of before."""
        for arguments, kinds in (([], ["connected", "action"]), (["--kind", "action"], ["action"]),
                                 (["--kind", "state,sample"], ["connected", "sample"]),
                                 (["-k", "action", "--samples"], ["sample", "action"])):
            text = self.run_cli("--json", "events", "-f", *arguments).stdout
            self.assertEqual([json.loads(line)["kind"] for line in text.splitlines()], kinds)
        result = self.run_cli("events", "-f", "--kind", "action,presure", code=2)
        self.assertIn('there is no "presure"; did you mean "pressure"?', result.stderr)

    # ---- what is sent ----

    def why(self, *arguments):
        return self.run_json(*arguments)["action"]["why"]

    def test_compact_sends_its_options(self):
        self.assertEqual(self.why("compact", "web1"), "time_limit=0 force=0")
        self.assertEqual(self.why("compact", "web1", "--time-limit", "1m30s", "--force"),
                         "time_limit=90000000000 force=1")
        self.assertEqual(self.why("compact", "-f", "web1"), "time_limit=0 force=1")

    def test_reclaim_sends_its_options(self):
        self.assertEqual(self.why("reclaim", "web1"), "bytes=0 drop=0")
        self.assertEqual(self.why("reclaim", "--bytes", "1.5GiB", "--drop", "web1"),
                         f"bytes={3 << 29} drop=1")

    def test_reporting_sends_its_options(self):
        self.assertEqual(self.why("reporting", "web1", "--order", "5", "--kick"),
                         "set=1 order=5 restore=0 kick=1")
        self.assertEqual(self.why("reporting", "web1", "--order", "0"),
                         "set=1 order=0 restore=0 kick=0")
        self.assertEqual(self.why("reporting", "web1", "--restore"),
                         "set=0 order=0 restore=1 kick=0")

    def test_action_is_told_in_words(self):
        text = self.run_cli("compact", "web1").stdout
        self.assertIn("compact web1: done (1.5 s, action a-17)", text)
        self.assertRegex(text, r"trapped +500\.0 MiB -> +20\.0 MiB")
        self.assertIn("returned to the host: 448.0 MiB (confidence: high)", text)

    # ---- leases, records, the daemon ----

    def test_balloon(self):
        self.assertEqual(self.why("balloon", "web1", "2GiB", "--for", "10m", "--owner", "ci"),
                         f"size={2 << 30} duration=600000000000 owner=ci")
        self.assertIn("cannot be 0", self.run_cli("balloon", "web1", "0", code=2).stderr)
        self.assertIn('"1024" has no unit; did you mean 1024MiB?',
                      self.run_cli("balloon", "web1", "1024", code=2).stderr)
        self.assertIn('--bytes: "3000000000" has no unit; did you mean 3000000000B?',
                      self.run_cli("reclaim", "web1", "--bytes", "3000000000", code=2).stderr)
        self.assertIn("does not give more", self.run_cli("balloon", "stalled", "1GiB", code=7).stdout)
        self.run_cli("release", "web1")
        self.run_cli("release", "missing", code=3)

    def test_actions(self):
        line = self.run_cli("actions").stdout.splitlines()[1]
        self.assertRegex(line, r"^a-17 .* web1 compact alice +-2\.0 MiB +- guest-busy$")
        self.assertEqual(self.run_cli("actions", "--vm", "web2").stdout, "No actions.\n")

    def test_verify(self):
        self.assertIn("returned to the host: 448.0 MiB", self.run_cli("verify", "a-17").stdout)
        self.run_cli("verify", "b", code=3)

    def test_verify_shows_what_a_reason_rests_on(self):
        text = self.run_cli("verify", "a-18").stdout
        self.assertIn("returned to the host: -2.0 MiB, its share of a run of the guest's own", text)
        self.assertIn("why not more: It is free in pieces. [guest-busy]\n", text)
        self.assertIn("evidence of guest-busy:\n  trapped: 200.0 MiB\n  unmovable_blocks: 17\n", text)
        self.assertEqual(self.run_json("verify", "a-18")["action"]["evidence"][0]["name"], "trapped")

    def test_verify_of_what_was_not_measured(self):
        text = self.run_cli("verify", "a-19").stdout
        self.assertIn("not measured: interrupted\n", text)
        self.assertNotIn("returned to the host", text)

    def test_history(self):
        lines = self.run_cli("history", "web1", "--since", "1h").stdout.splitlines()
        self.assertRegex(lines[2], r"  U+k+C+T+p+\.{21}    2\.0 GiB$")
        self.assertRegex(lines[3], r"> compact by alice: host got -2\.0 MiB, guest-busy$")
        self.assertRegex(lines[4], r"  #{21}\.{21}    2\.0 GiB$")
        self.assertRegex(self.run_cli("history", "web3").stdout, r"> compact by alice: not measured,")
        self.assertIn("Nothing was recorded", self.run_cli("history", "web2").stdout)
        self.run_cli("history", "web1", "--lines", "0", code=2)
        left_out = "Older actions are left out; ask for a shorter time"
        self.assertIn(left_out, self.run_cli("history", "web1", "-n", "1").stdout)
        self.assertNotIn(left_out, self.run_cli("history", "web1", "-n", "2").stdout)
        self.assertTrue(self.run_json("history", "web1", "-n", "1")["actions_left_out"])

    def test_status_tells_what_is_degraded(self):
        result = self.run_cli("status", code=7)
        self.assertIn("store: the disk is full", result.stdout)
        self.assertIn("3 records wait", result.stdout)
        self.assertIn("4 agents' connections; the log says why", result.stdout)
        self.assertEqual(self.run_json("status", code=7)["degraded"][0]["part"], "store")

    def test_status_tells_what_the_fleet_wants(self):
        result = " ".join(self.run_cli("status", code=7).stdout.split())
        self.assertIn("fleet this host is rack7-12; state 7 since -, of key d75a980182b10ab7, "
                      "2 policies", result)
        self.assertIn("refused: desired state 6 is older than 7", result)
        self.assertIn("db: pinned: alice made policy db on this host", result)
        self.assertNotIn("web: ", result)
        fleet = self.run_json("status", code=7)["fleet"]
        self.assertEqual(fleet["generation"], 7)
        self.assertNotIn("expires_ns", fleet)

    def test_reload_tells_what_is_not_in_force(self):
        result = self.run_cli("reload", code=7)
        self.assertEqual(result.stdout, "")
        self.assertIn("not in force: vms/b.yaml: cid 9 is already given in vms/a.yaml",
                      result.stderr)
        self.assertIn("and 3 more", result.stderr)
        self.assertEqual(self.run_json("reload", code=7)["problems"][0]["part"], "vms:b.yaml")
        self.assertEqual(self.run_cli("reload").stdout,
                         "configuration and 2 VMs are in force\n")

    def test_debug_dump(self):
        self.assertEqual(json.loads(self.run_cli("debug", "dump").stdout),
                         {"vms": [1, "del\x7f csi\x9b turned\u202e"]})

    # ---- how it ends ----

    def test_exit_codes_of_the_daemons_answers(self):
        for vm, code, words in (("missing", 3, 'did you mean "web1"?'),
                                ("denied", 5, "you may read, not control"),
                                ("away", 4, "no agent is connected"),
                                ("vanish", 4, "went away: ")):
            for command in (["vm", "show", vm], ["explain", vm], ["compact", vm], ["reclaim", vm],
                            ["reporting", vm, "--kick"], ["ranges", vm], ["ping", vm]):
                with self.subTest(command=command):
                    result = self.run_cli(*command, code=code)
                    self.assertIn(words, result.stderr)
                    self.assertTrue(result.stderr.startswith("vmreclaim: "))

    def test_several_vms(self):
        """One line as each ends, one table, and the worst exit code."""
        lines = self.run_cli("compact", "web1", "forbidden", "missing", code=3).stdout.splitlines()
        told = {line.split(":")[0]: line for line in lines[:3]}
        self.assertEqual(set(told), {"web1", "forbidden", "missing"})
        self.assertIn("returned 448.0 MiB", told["web1"])
        self.assertIn('did you mean "web1"?', told["missing"])
        self.assertEqual(lines[4].split(), ["NAME", "RETURNED", "TOOK", "HOW", "IT", "ENDED"])
        self.assertEqual([line.split()[0] for line in lines[5:8]], ["web1", "forbidden", "missing"])
        self.assertEqual(self.run_cli("compact", "web1", "slow", code=7).returncode, 7)
        self.run_cli("reclaim", "web1", "vanish", code=4)

    def test_daemon_that_goes_away_before_all_have_begun(self):
        names = ["vanish"] + [f"later{i}" for i in range(12)]
        result = self.run_cli("--json", "reclaim", *names, code=4)
        documents = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual(sorted(d["vm"] for d in documents), sorted(names))
        self.assertEqual({d["code"] for d in documents}, {4})
        for d in documents:
            begun = d["vm"] == "vanish" or int(d["vm"][5:]) < 7
            self.assertTrue(d["error"].endswith("; what was begun may still go on") if begun
                            else d["error"].startswith("not asked any more: "), d)
        self.assertIn("went away: ", result.stderr)

    def test_what_may_go_on_when_the_connection_is_lost(self):
        see = "What was begun may still go on: vmreclaim "
        for command, trace in ((["compact", "vanish"], "actions --vm vanish\n"),
                               (["squeeze", "vanish"], "actions --vm vanish\n"),
                               (["ping", "vanish"], None),
                               (["compact", "away"], None),
                               (["compact", "vanish", "--dry-run"], None)):
            with self.subTest(command=command):
                said = self.run_cli(*command, code=4).stderr
                if trace is None:
                    self.assertNotIn("go on", said)
                else:
                    self.assertIn(see + trace, said)
        self.assertIn("with --timeout; what was begun may still go on: vmreclaim actions",
                      self.run_cli("--timeout", "50ms", "compact", "silent", code=6).stderr)
        self.assertNotIn("go on", self.run_cli("--timeout", "50ms", "ping", "silent",
                                               code=6).stderr)

    def test_globs_labels_and_all(self):
        def vms(*words):
            lines = self.run_cli("compact", *words).stdout.splitlines()
            return [line.split()[0] for line in lines[lines.index("") + 2:]]

        self.assertEqual(vms("web*"), ["web1", "web2"])
        self.assertEqual(vms("web*", "web2", "[a]lone"), ["web1", "web2", "alone"])
        self.assertEqual(vms("-l", "tier=front"), ["web1"])
        self.assertEqual(vms("--label=env=test", "web2"), ["web2", "web1"])
        self.assertEqual(vms("--all"), ["web1", "web2", "alone"])
        self.assertEqual(vms("-l", "tier in (front,back),env!=live"), ["web1"])
        self.assertEqual(vms("-l", "!tier"), ["web2", "alone"])
        for words in (["db*"], ["-l", "tier=back"]):
            self.assertRegex(self.run_cli("compact", *words, code=3).stderr, "no VM")
        error = self.run_cli("compact", "-l", "tier=front,", code=2).stderr
        self.assertIn('"tier=front," does not say which labels; write', error)
        text = self.run_cli("explain", "web*").stdout
        self.assertRegex(text, "^== web1\n")
        self.assertIn("\n== web2\n", text)
        lines = self.run_cli("--json", "balloon", "web*", "1GiB").stdout.splitlines()
        self.assertEqual([json.loads(line)["action"]["why"].split()[0] for line in lines],
                         ["size=1073741824"] * 2)

    def test_several_vms_as_json(self):
        lines = self.run_cli("--json", "compact", "web1", "missing", code=3).stdout.splitlines()
        documents = [json.loads(line) for line in lines]
        self.assertEqual(sorted(d.get("vm", "") or d["action"]["vm"] for d in documents),
                         ["missing", "web1"])
        failed = [d for d in documents if "error" in d][0]
        self.assertEqual(failed["code"], 3)
        lines = self.run_cli("--json", "compact", "vanish", b"no-\xff-text", code=4).stdout
        self.assertEqual(sorted(json.loads(line)["vm"] for line in lines.splitlines()),
                         ["no-?-text", "vanish"])

    def test_time_out(self):
        result = self.run_cli("--timeout", "50ms", "ping", "silent", code=6)
        self.assertIn("no answer within 50ms", result.stderr)

    def test_action_that_stopped_early(self):
        self.assertIn("stopped at the time limit", self.run_cli("compact", "slow", code=7).stdout)
        self.assertEqual(self.run_json("compact", "slow", code=7)["action"]["guest"]["outcome"],
                         "stopped_time_limit")

    def test_action_that_the_policy_forbids(self):
        self.assertIn("forbidden by the guest's policy",
                      self.run_cli("reclaim", "forbidden", code=5).stdout)

    def test_no_daemon(self):
        result = self.run_cli("vm", "list", api="unix:/nonexistent/api.sock", code=4)
        self.assertIn("cannot reach the daemon: unix:/nonexistent/api.sock", result.stderr)
        self.assertIn("systemctl status vmreclaimd", result.stderr)

    def test_daemon_that_goes_away_in_a_stream(self):
        result = self.run_cli("events", "-f", "--vm", "vanish", code=4)
        self.assertEqual(len(result.stdout.splitlines()), 1)

    def test_closed_output_ends_a_stream(self):
        cli = subprocess.Popen([VMRECLAIM, "--api", self.api, "events", "-f", "--vm", "silent"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        cli.stdout.close()
        self.assertEqual(cli.wait(timeout=60), 1)
        cli.stderr.close()

    def test_usage_errors(self):
        for arguments, words in (
                (["frobnicate"], '"frobnicate" is not a command'),
                (["vm"], "vmreclaim vm list"),
                (["vm", "lost"], '"vm lost" is not a command'),
                (["history"], "usage: vmreclaim history VM"),
                (["history", "a", "b"], '"b" is one word too many'),
                (["compact"], "name VMs, or give --label KEY=VALUE or --all"),
                (["compact", "a", "--all"], "--all is every VM"),
                (["halt", "--all", "-l", "tier=front"], "--all is every VM"),
                (["balloon", "1GiB"], "name VMs, or give --label KEY=VALUE or --all"),
                (["compact", "a", "--time-limit", "soon"], '"soon" is not a duration'),
                (["compact", "a", "--time-limit"], "--time-limit needs a value"),
                (["compact", "a", "--tmie-limit", "1s"], "unknown option --tmie-limit"),
                (["reclaim", "a", "--bytes", "-1"], '"-1" is not a size'),
                (["reporting", "a"], "say what to do"),
                (["reporting", "a", "--order", "1", "--restore"], "exclude each other"),
                (["reporting", "a", "--order", "64"], "no kernel has blocks of order 64"),
                (["events"], "vmreclaim events -f"),
                (["--timeout", "x", "vm", "list"], '"x" is not a duration'),
                (["--bogus"], "unknown option --bogus"),
                (["--color", "sometimes", "version"], "is not auto, always or never"),
                (["explain", "web1", "-o", "wide"], "it is no list; write json, yaml or"),
                (["--jsno", "vm", "list"], "did you mean --json?"),
                (["compact", "a", "--time-limt", "1s"], "did you mean --time-limit?"),
                (["vm", "list", "--timeout", "0"], "is not a duration"),
                (["explian", "web1"], "did you mean: vmreclaim explain?"),
                (["polcy", "list"], "did you mean: vmreclaim policy list?")):
            with self.subTest(arguments=arguments):
                self.assertIn(words, self.run_cli(*arguments, code=2).stderr)

    def test_bad_address(self):
        self.assertIn("--api", self.run_cli("vm", "list", api="bogus", code=2).stderr)

    # ---- help ----

    def commands(self):
        """The names in the overview, without their operands."""
        listed = self.run_cli("--help").stdout.split("\ncommands:\n")[1].split("\n\n")[0]
        names = re.findall(r"(?m)^  ([a-z]+(?: [a-z]+)*) ", listed)
        self.assertEqual(len(names), len(re.findall(r"(?m)^  \S", listed)))
        self.assertLessEqual(max(map(len, listed.splitlines())), 80)
        self.assertGreater(len(names), 20)
        return names

    def test_help_of_a_group(self):
        text = self.run_cli("policy", "--help").stdout
        self.assertEqual(text, self.run_cli("help", "policy").stdout)
        self.assertIn("policy apply FILE", text)
        self.assertNotIn("vm list", text)

    def test_as_other_programs_call_it(self):
        listed = self.run_cli("vm", "list").stdout
        for words in (["ls"], ["list"], ["vm", "ls"], ["get", "vms"]):
            self.assertEqual(self.run_cli(*words).stdout, listed)
        shown = self.run_cli("vm", "show", "alone").stdout
        for words in (["show"], ["get"], ["get", "vm"], ["inspect"]):
            self.assertEqual(self.run_cli(*words, "alone").stdout, shown)
        self.assertTrue(self.run_cli("describe", "web1").stdout)

    def test_options_of_every_command_stand_anywhere(self):
        listed = self.run_cli("vm", "list").stdout
        self.assertEqual(self.run_cli("vm", "list", "--api", self.api, api="unix:/nowhere").stdout,
                         listed)
        self.assertEqual(self.run_cli("vm", "list", "--timeout=5s").stdout, listed)
        self.assertRegex(self.run_cli("vm", "list", "--version").stdout, r"^vmreclaim \d")

    def test_every_command_is_taught(self):
        for command in self.commands():
            with self.subTest(command=command):
                text = self.run_cli(*command.split(), "--help").stdout
                self.assertEqual(text, self.run_cli("help", *command.split()).stdout)
                self.assertTrue(text.startswith(f"usage: vmreclaim {command}"))
                self.assertRegex(text, rf"example:\n  vmreclaim {command}")
                self.assertIn("See also: ", text)
                self.assertLessEqual(max(map(len, text.splitlines())), 90)

    def test_every_command_is_in_the_manual(self):
        with open(MANUAL, encoding="utf-8") as file:
            manual = file.read()
        for command in self.commands():
            with self.subTest(command=command):
                self.assertRegex(manual, rf"\*{command}( -f)?\*")

    def test_version(self):
        self.assertRegex(self.run_cli("--version").stdout, r"^vmreclaim \d+\.\d+\.\d+\n$")
        self.assertRegex(self.run_cli("version").stdout, r"^vmreclaim  \d\S+\nvmreclaimd \d\S+\n$")
        self.assertEqual(set(self.run_json("version")), {"vmreclaim", "vmreclaimd"})
        self.assertRegex(self.run_cli("version", api="unix:/nowhere", code=4).stdout,
                         r"^vmreclaim  \d\S+\n$")

    # ---- another host ----

    def fake_ssh(self, script):
        path = os.path.join(self.directory.name, "ssh")
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + script)
        os.chmod(path, 0o755)
        return {"PATH": self.directory.name + ":" + os.path.dirname(VMRECLAIM) + ":"
                        + os.environ["PATH"]}

    def test_another_host(self):
        environment = self.fake_ssh('echo "$@" >"$0.log"\nwhile [ "$1" != -- ]; do shift; done\n'
                                    'shift 2; exec "$@"\n')
        result = self.run_cli("-H", "ssh://alice@host2:2222", "ping", "web1",
                              environment=environment)
        self.assertIn("1.25 ms", result.stdout)
        with open(os.path.join(self.directory.name, "ssh.log"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "-T -p 2222 -- alice@host2 vmreclaim --api "
                                          f"{self.api} relay\n")

    def test_another_host_that_refuses(self):
        environment = self.fake_ssh("echo 'Permission denied (publickey).' >&2; exit 255\n")
        result = self.run_cli("-H", "ssh://host2", "vm", "list", environment=environment, code=4)
        self.assertIn("Permission denied (publickey).", result.stderr)
        self.assertIn("the daemon at ssh://host2 went away", result.stderr)
        result = self.run_cli("-H", "ssh://host2", "fleet", "hosts", environment=environment, code=4)
        self.assertIn("the coordinator at ssh://host2 went away", result.stderr)

    def test_another_host_without_a_daemon(self):
        environment = self.fake_ssh('while [ "$1" != -- ]; do shift; done\nshift 2; exec "$@"\n')
        result = self.run_cli("-H", "ssh://host2", "vm", "list", environment=environment, code=4,
                              api="unix:/nonexistent/api.sock")
        self.assertIn("cannot reach the daemon at unix:/nonexistent/api.sock on this host",
                      result.stderr)

    def test_host_that_is_none(self):
        for host in ("host2", "ssh://", "ssh://-oProxyCommand=x", "ssh://a b", "ssh://h:0",
                     "ssh://h:x", "ssh://h;reboot"):
            with self.subTest(host=host):
                self.run_cli("-H", host, "vm", "list", code=2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
