#!/usr/bin/env python3
"""Sums the results of meson test runs: `PASSED FAILED SKIPPED` on a line, then the names of what failed.

    tally.py TESTLOG.json...
"""
import json
import sys

PASSED, SKIPPED = {"OK", "EXPECTEDFAIL"}, {"SKIP", "IGNORED"}


def count(path):
    """(passed, failed, skipped, names of the failed) of one testlog.json."""
    passed, failed, skipped = 0, [], 0
    with open(path) as file:
        for line in file:
            test = json.loads(line)
            if test["result"] in PASSED:
                passed += 1
            elif test["result"] in SKIPPED:
                skipped += 1
            else:
                failed.append(test["name"])
    return passed, len(failed), skipped, failed


if __name__ == "__main__":
    counts = [count(path) for path in sys.argv[1:]]
    print(*(sum(column) for column in list(zip(*counts))[:3]))
    for name in (name for each in counts for name in each[3]):
        print(name)
