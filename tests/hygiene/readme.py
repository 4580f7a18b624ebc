#!/usr/bin/env python3
"""Every command that README shows is run by something.   readme.py ROOT [BUILD]

The commands are the lines of README's ```sh blocks. tests/hygiene/readme_commands.txt has one line for each:

    command | what covers it

where what covers it is `here` (this check runs it; cheap ones), `script: FILE TEXT` (FILE is called by scripts/test,
or is it, and contains TEXT) or `test: NAME` (a test of the build). Lines for commands that README no longer shows fail.
"""
import json
import os
import re
import subprocess
import sys

import tree

TABLE = "tests/hygiene/readme_commands.txt"


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


if __name__ == "__main__":
    tree.report(check(os.path.realpath(sys.argv[1]), sys.argv[2]), "every command in README is run by something")
