#!/usr/bin/env python3
"""clang-tidy has nothing to say about any source of the build.   tidy.py ROOT BUILD [--jobs N]

A file that was clean is not looked at again until it, a project header it reaches, its compile command, a .clang-tidy,
clang-tidy or this check changes: the key of all that is remembered under BUILD/tidy.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess

import tree
from dependencies import includes

TOOL = "clang-tidy-19"
# What g++ knows and clang does not; and warnings stay the compiler's business: here they are not errors.
GCC_ONLY = re.compile(r"-Werror(=.*)?$|-fno-(var-tracking.*|gnu-unique)$|-fconcepts$|-Wno-maybe-uninitialized$|"
                      r"-W(no-)?(logical-op|duplicated-.*|useless-cast|cast-align=strict|format-overflow.*|"
                      r"format-truncation.*|stringop-.*|volatile)$")


def compile_commands(root, build):
    """{source: arguments} of our own .cpp files, for clang."""
    with open(os.path.join(build, "compile_commands.json")) as file:
        entries = json.load(file)
    commands = {}
    for entry in entries:
        path = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
        name = os.path.relpath(path, root)
        inside_build = not os.path.relpath(path, os.path.realpath(build)).startswith("..")
        if name.startswith("..") or inside_build or not name.endswith(".cpp") or not os.path.exists(path):
            continue
        words = [word for word in shlex.split(entry["command"]) if not GCC_ONLY.match(word)]
        commands[name] = dict(entry, file=path, command=shlex.join(words + ["-Wno-unknown-warning-option"]))
    return commands


def reached(root, name):
    """A source and every project header that it reaches."""
    seen, todo = {name}, [name]
    while todo:
        for _, header, quoted in includes(root, todo.pop()):
            if quoted and header not in seen and os.path.exists(os.path.join(root, header)):
                seen.add(header)
                todo.append(header)
    return sorted(seen)


def key_of(root, name, entry, version):
    digest = hashlib.sha256(f"{version}\0{entry['command']}\0{entry['directory']}".encode())
    with open(__file__, "rb") as file:
        digest.update(file.read())
    for path in (".clang-tidy", "tests/.clang-tidy", *reached(root, name)):
        digest.update(path.encode() + b"\0")
        if os.path.exists(os.path.join(root, path)):
            with open(os.path.join(root, path), "rb") as file:
                digest.update(file.read())
    return digest.hexdigest()


def look_at(root, database, name):
    done = subprocess.run(["nice", "-n", "5", TOOL, "--quiet", "-p", database, os.path.join(root, name)],
                          cwd=root, capture_output=True, text=True)
    if done.returncode == 0:
        return []
    told = [line for line in done.stdout.splitlines() if line.strip()]
    return [f"{name}: {TOOL} failed:\n" + "\n".join(told or done.stderr.splitlines()[-10:])]


def check(root, build, jobs):
    commands = compile_commands(root, build)
    memory = os.path.join(build, "tidy")
    os.makedirs(memory, exist_ok=True)
    with open(os.path.join(memory, "compile_commands.json"), "w") as file:
        json.dump(list(commands.values()), file)
    version = subprocess.run([TOOL, "--version"], capture_output=True, text=True, check=True).stdout
    clean_file = os.path.join(memory, "clean")
    known = set(tree.lines(memory, "clean")) if os.path.exists(clean_file) else set()
    keys = {name: key_of(root, name, entry, version) for name, entry in commands.items()}
    todo = sorted(name for name, key in keys.items() if key not in known)
    problems = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool, open(clean_file, "a") as clean:
        for name, found in zip(todo, pool.map(lambda name: look_at(root, memory, name), todo)):
            problems += found
            if not found:
                clean.write(keys[name] + "\n")
                clean.flush()
    print(f"{len(commands)} sources, {len(todo)} of them new or changed since they were clean")
    if not commands:
        problems.append(f"no source in {build}/compile_commands.json")
    return problems


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("build")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    tree.report(check(os.path.realpath(options.root), os.path.realpath(options.build), options.jobs),
                "clang-tidy has nothing to say")
