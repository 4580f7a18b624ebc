#!/usr/bin/env python3
"""What makes a run of the main job a bad one."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "main_job"))
import verdict  # noqa: E402

TRAFFIC = {"seconds": 3.0, "sent": 100, "delivered": 100, "lost": 0, "reordered": 0, "icrc_errors": 0, "duplicates": 0,
           "payload_errors": 0, "protocol_errors": 0, "retransmitted": 0, "implied_naks": 0, "messages": 5, "bytes": 5000,
           "finished": True}
PATHS = [[{"name": "fabric0", "packets": 30, "bytes": 300}, {"name": "fabric1", "packets": 20, "bytes": 200}],
         [{"name": "fabric0", "packets": 45, "bytes": 450}, {"name": "fabric1", "packets": 5, "bytes": 50}]]


def run(drops=(), **changes):
    return verdict.result(TRAFFIC | changes, verdict.add_drops(drops), verdict.add_paths(PATHS), {})


class Verdict(unittest.TestCase):
    def test_a_clean_run_has_no_problem(self):
        self.assertEqual(verdict.problems(run()), [])

    def test_each_fault_alone_is_a_problem_and_says_how_many(self):
        for changes in ({"lost": 7, "delivered": 93}, {"reordered": 7}, {"icrc_errors": 7}, {"duplicates": 7},
                        {"payload_errors": 7}, {"protocol_errors": 7}, {"implied_naks": 7}):
            with self.subTest(changes=changes):
                problem, = verdict.problems(run(**changes))
                self.assertIn("7", problem)

    def test_frames_that_nobody_counted_as_lost_are_missed_all_the_same(self):
        self.assertEqual(verdict.problems(run(delivered=99)), ["99 frames were delivered of 100 sent"])

    def test_a_run_without_frames_or_with_unfinished_messages_is_bad(self):
        self.assertEqual(verdict.problems(run(sent=0, delivered=0)), ["nothing was sent"])
        self.assertEqual(verdict.problems(run(finished=False)), ["some messages were never completed"])

    def test_drops_of_both_gateways_add_up_and_each_reason_is_a_problem(self):
        bad = run(drops=({"fcs": 0, "no_path": 2, "tx_full": 1}, {"fcs": 0, "no_path": 3, "tx_full": 0}))
        self.assertEqual(bad["drops"], {"no_path": 5, "tx_full": 1})
        self.assertEqual(verdict.problems(bad), ["5 packets were dropped: no_path", "1 packets were dropped: tx_full"])

    def test_a_path_carries_what_both_gateways_sent_over_it(self):
        self.assertEqual(run()["paths"], [{"name": "fabric0", "packets": 75, "share": 0.75},
                                          {"name": "fabric1", "packets": 25, "share": 0.25}])

    def test_paths_without_packets_have_no_share(self):
        idle = verdict.add_paths([[{"name": "fabric0", "packets": 0, "bytes": 0}]])
        self.assertEqual(verdict.result(TRAFFIC, {}, idle, {})["paths"][0]["share"], 0.0)


if __name__ == "__main__":
    unittest.main()
