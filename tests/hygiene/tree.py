"""The project's own files, for the checks in this folder, and how a check reports."""
import os
import subprocess
import sys

SOURCE_ENDINGS = (".cpp", ".hpp", ".c", ".h")
DATA = "tests/data/"


def files(root):
    """Paths relative to root of what git knows or would add; of everything, where root is no checkout."""
    if os.path.exists(os.path.join(root, ".git")):
        done = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                              capture_output=True, check=True)
        names = done.stdout.decode().split("\0")
    else:
        names = [os.path.relpath(os.path.join(folder, name), root)
                 for folder, _, found in os.walk(root) for name in found]
    return sorted(name for name in set(names) if name and os.path.isfile(os.path.join(root, name)))


def sources(root):
    return [name for name in files(root) if name.endswith(SOURCE_ENDINGS)]


def read(root, name):
    """The text of a file, or None for what is not text."""
    with open(os.path.join(root, name), "rb") as file:
        data = file.read()
    if b"\0" in data:
        return None
    return data.decode(errors="replace")


def lines(root, name):
    text = read(root, name)
    return [] if text is None else text.splitlines()


def table(root, name):
    """Lines `key | value` of a list beside the checks: {key: value}."""
    rows = {}
    for line in lines(root, name) if os.path.exists(os.path.join(root, name)) else []:
        if line.strip() and not line.startswith("#"):
            key, _, reason = line.partition("|")
            rows[key.strip()] = reason.strip()
    return rows


def report(problems, good):
    """Prints the verdict of a check; the exit code."""
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problem(s)" if problems else good)
    sys.exit(1 if problems else 0)
