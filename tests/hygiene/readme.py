#!/usr/bin/env python3
"""Every command that README shows is run by something, and README explains every drop.   readme.py ROOT [BUILD]

The commands are the lines of README's ```sh blocks. tests/hygiene/readme_commands.txt has one line for each:

    command | what covers it

where what covers it is `here` (this check runs it; cheap ones), `script: FILE TEXT` (FILE is called by scripts/test,
or is it, and contains TEXT) or `test: NAME` (a test of the build). Lines for commands that README no longer shows fail.

The drops are the names in the first column of README's table `| reason |`. They must be those that are counted: by the
pipeline's stages (tests/data/pipeline.dot, which a unit test holds equal to `braidway pipeline --dot`), by the devices
and by the XDP program.
"""
import json
import os
import re
import subprocess
import sys

import tree

TABLE = "tests/hygiene/readme_commands.txt"
DROPS = {"tests/data/pipeline.dot": r"drops (\w+)",
         "ctrl/api/commands/statistics.cpp": r'out\["(device_\w+)"\]',
         "dataplane/xdp/verdicts.h": r"X\((dropped_\w+),"}


def commands(text):
    """The commands in ```sh blocks: comments cut, continued lines joined."""
    found = []
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            line = re.sub(r"(^|\s)#.*$", "", line).strip()
            line = re.sub(r"^\$ ", "", re.sub(r"\s+", " ", line))
            if line:
                found.append(line)
    return found


def test_names(build):
    done = subprocess.run(["meson", "introspect", "--tests", build], capture_output=True, text=True, check=True)
    return {test["name"] for test in json.loads(done.stdout)}


def covered(root, build, command, cover):
    """What is wrong with a row's claim, or None."""
    kind, _, rest = cover.partition(":")
    rest = rest.strip()
    if kind == "here":
        done = subprocess.run(["bash", "-c", command], cwd=root, capture_output=True, text=True, timeout=120)
        return None if done.returncode == 0 else f"exit code {done.returncode}: {done.stderr.strip()[-300:]}"
    if kind == "script":
        file, _, words = rest.partition(" ")
        runner = tree.read(root, "scripts/test") or ""
        if file != "scripts/test" and file not in runner:
            return f"scripts/test does not call {file}"
        if not words or words.strip() not in (tree.read(root, file) or ""):
            return f"{file} does not contain `{words.strip()}`"
        return None
    if kind == "test":
        return None if rest in test_names(build) else f"there is no test {rest}"
    return f"`{cover}` is neither here, script: nor test:"


def check(root, build):
    shown = commands(tree.read(root, "README.md") or "")
    rows = tree.table(root, TABLE)
    problems = [f"README.md: `{command}`: nothing runs it: add a line to {TABLE}"
                for command in dict.fromkeys(shown) if command not in rows]
    for command, cover in rows.items():
        if command not in shown:
            problems.append(f"{TABLE}: `{command}` is not in README")
        elif wrong := covered(root, build, command, cover):
            problems.append(f"{TABLE}: `{command}`: {wrong}")
    return problems


def check_drops(root):
    text = tree.read(root, "README.md") or ""
    rows = re.search(r"^\| reason \|.*\n\|[-|]+\n((?:\|.*\n)*)", text, re.MULTILINE)
    told = {name for row in (rows.group(1) if rows else "").splitlines()
            for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    problems, counted = [], set()
    for file, pattern in DROPS.items():
        found = set(re.findall(pattern, tree.read(root, file) or ""))
        counted |= found
        if not found:
            problems.append(f"{file}: no drop is named there; readme.py must look elsewhere")
        problems += [f"README.md: the drop `{name}` ({file}) is not in the table of drops"
                     for name in sorted(found - told)]
    return problems + [f"README.md: nothing counts a drop `{name}`" for name in sorted(told - counted)]


if __name__ == "__main__":
    source = os.path.realpath(sys.argv[1])
    tree.report(check(source, sys.argv[2]) + check_drops(source),
                "every command in README is run by something, and every drop is in its table")
