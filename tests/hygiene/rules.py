#!/usr/bin/env python3
"""Rules about the tree itself.   rules.py ROOT

No unfinished work, no path of one machine, no file over 400 lines but those listed with a reason, packages named only
in scripts/setup, and no new folder or file at the top by accident.
"""
import os
import re
import shutil
import subprocess
import sys

import tree

LINES = 400
LONG_FILES = "tests/hygiene/long_files.txt"
TOP = {".ci", "bench", "ctrl", "dataplane", "lb", "scripts", "telemetry", "tests",
       ".clang-format", ".clang-tidy", ".gitignore", "LICENSE", "README.md", "meson.build", "meson_options.txt"}
# Spelt in pieces, so that this file does not break its own rules.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|DIS" r"ABLED_|not imple" r"mented)\b|\bDIS" r"ABLED_")
MACHINE_PATH = re.compile(r"/wo" r"rk/|/fa" r"rm/|/ro" r"ot/|/ho" r"me/[a-z]|\.\./sha" r"red|bash_" r"jobs")
INSTALLS = re.compile(r"\b(apt" r"-get|apt-" r"cache|aptit" r"ude|pip3? ins" r"tall|apt ins" r"tall)\b")


def unfinished(root):
    return [f"{name}:{number}: {what}: {line.strip()}"
            for name in tree.files(root) if not name.startswith(tree.DATA)
            for number, line in enumerate(tree.lines(root, name), 1)
            for pattern, what in ((UNFINISHED, "unfinished"), (MACHINE_PATH, "a path of one machine"))
            if pattern.search(line)]


def long_files(root):
    allowed, problems = tree.table(root, LONG_FILES), []
    for name in tree.files(root):
        if name.startswith(tree.DATA) or name.endswith((".json", ".md", "LICENSE", ".pcap", ".txt", ".hex", ".yaml")):
            continue
        count = len(tree.lines(root, name))
        if count > LINES and not allowed.pop(name, None):
            problems.append(f"{name}: {count} lines: two things in one file? (or give a reason in {LONG_FILES})")
    return problems + [f"{LONG_FILES}: {name}: not over {LINES} lines, or no reason given" for name in allowed]


def setup_packages(root):
    done = subprocess.run([os.path.join(root, "scripts", "setup"), "--list"], capture_output=True, text=True,
                          check=True)
    return done.stdout.split()


def packages(root, names):
    """`names`: of packages; those that are plain words or also the name of a program prove nothing."""
    telling = [name for name in names if "-" in name and not shutil.which(name)]
    named = re.compile(r"(?<![\w./-])(" + "|".join(map(re.escape, telling)) + r")(?![\w./-])") if telling else None
    problems = []
    for name in tree.files(root):
        if name == "scripts/setup" or name.startswith(tree.DATA):
            continue
        for number, line in enumerate(tree.lines(root, name), 1):
            if INSTALLS.search(line):
                problems.append(f"{name}:{number}: only scripts/setup installs: {line.strip()}")
            elif named and (found := named.search(line)):
                problems.append(f"{name}:{number}: package {found[1]} is named outside scripts/setup")
    return problems


def top_level(root):
    return [f"{name}: not among the files and folders of the design's section 2"
            for name in sorted({name.split("/")[0] for name in tree.files(root)} - TOP)]


if __name__ == "__main__":
    top = os.path.realpath(sys.argv[1])
    tree.report(unfinished(top) + long_files(top) + packages(top, setup_packages(top)) + top_level(top),
                "the tree keeps its rules")
