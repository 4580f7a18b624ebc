#!/usr/bin/env python3
"""Every source is as clang-format would leave it.   formatting.py ROOT"""
import os
import subprocess
import sys

import tree


def check(root):
    names = tree.sources(root)
    if not names:
        return []
    done = subprocess.run(["clang-format-19", "--dry-run", "-Werror", "--style=file", *names], cwd=root,
                          capture_output=True, text=True)
    wrong = sorted({line.split(":")[0] for line in done.stderr.splitlines() if ": error: " in line})
    problems = [f"{name}: not formatted: clang-format-19 -i {name}" for name in wrong if name in names]
    if done.returncode and not problems:
        problems.append(f"clang-format-19 failed: {done.stderr.strip()}")
    return problems


if __name__ == "__main__":
    tree.report(check(os.path.realpath(sys.argv[1])), "every source is formatted")
