#!/usr/bin/env python3
"""clang-tidy has nothing to say about any source of the build.   tidy.py ROOT BUILD [--jobs N]

The time goes into headers, so sources are looked at several together, as one unit that includes them. Where a unit has
anything to tell, be it that it does not compile, its halves are looked at, down to single sources: only they can fail.

A file that was clean is not looked at again until it, a project header it reaches, its compile command, a .clang-tidy,
clang-tidy or this check changes: the key of all that is remembered under BUILD/tidy.
"""
import argparse
import concurrent.futures
import hashlib
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess

import tree
from dependencies import includes

TOOL = "clang-tidy-19"
CONFIGS = (".clang-tidy", "tests/.clang-tidy")
TOGETHER = 8
# The names that a source defines at the start of a line: `struct Name {`, `constexpr int name = `, `void name(`.
DEFINED = re.compile(r"^(?!using\b|namespace\b|return\b|[A-Z_]+\()[a-z][^(){}=;#/]*?[\s*&](\w+)(?=\s*[({=;])", re.MULTILINE)
# What g++ knows and clang does not; and warnings stay the compiler's business: here they are not errors.
GCC_ONLY = re.compile(r"-Werror(=.*)?$|-fno-(var-tracking.*|gnu-unique)$|-fconcepts$|-Wno-maybe-uninitialized$|"
                      r"-W(no-)?(logical-op|duplicated-.*|useless-cast|cast-align=strict|format-overflow.*|"
                      r"format-truncation.*|stringop-.*|volatile)$")
ALIAS = re.compile(r"^\s*(?:using\s+[\w:]*::|namespace\s+)(\w+)\s*[;=]", re.MULTILINE)


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
    for path in (*CONFIGS, *reached(root, name)):
        digest.update(path.encode() + b"\0")
        if os.path.exists(os.path.join(root, path)):
            with open(os.path.join(root, path), "rb") as file:
                digest.update(file.read())
    return digest.hexdigest()


def flags_of(entry):
    """The compile command without what it reads and writes."""
    words = list(itertools.dropwhile(lambda word: not word.startswith("-"), shlex.split(entry["command"])))
    return [word for before, word in zip([""] + words, words) if not {before, word} & {"-c", "-o", "-MF", "-MQ"}]


def units_of(root, commands, names):
    """The sources in lists that can be one unit each: of the same configuration and flags, and no name is defined twice."""
    units = []
    for name in names:
        text = tree.read(root, name)
        if any(len(re.findall(rf"\b{alias}\b", text)) == 1 for alias in ALIAS.findall(text)):
            units.append((None, set(), [name]))  # clang-tidy judges an alias only in the main file
            continue
        kind = (name.startswith("tests/"), flags_of(commands[name]))
        defined = set(DEFINED.findall(text))
        for other, taken, unit in units:
            if other == kind and len(unit) < TOGETHER and not taken & defined:
                taken |= defined
                unit.append(name)
                break
        else:
            units.append((kind, defined, [name]))
    return [unit for _, _, unit in units]


def tidy(directory, *words):
    return subprocess.run(["nice", "-n", "5", TOOL, "--quiet", *words], cwd=directory, capture_output=True, text=True)


def is_clean(root, memory, entry, unit):
    path = os.path.join(memory, os.path.dirname(unit[0]), "with_" + os.path.basename(unit[0]))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.writelines(f'#include "{os.path.join(root, name)}"  // NOLINT\n' for name in unit)
    return tidy(entry["directory"], path, "--", *flags_of(entry)).returncode == 0


def look_at(root, memory, commands, unit):
    """{source: what is told of it}"""
    if len(unit) > 1:
        if is_clean(root, memory, commands[unit[0]], unit):
            return dict.fromkeys(unit, "")
        half = len(unit) // 2
        return {**look_at(root, memory, commands, unit[:half]), **look_at(root, memory, commands, unit[half:])}
    done = tidy(root, "-p", memory, os.path.join(root, unit[0]))
    lines = [line for line in done.stdout.splitlines() if line.strip()] or done.stderr.splitlines()[-10:]
    return {unit[0]: f"{unit[0]}: {TOOL} failed:\n" + "\n".join(lines) if done.returncode else ""}


def check(root, build, jobs):
    commands = compile_commands(root, build)
    memory = os.path.join(build, "tidy")
    os.makedirs(memory, exist_ok=True)
    with open(os.path.join(memory, "compile_commands.json"), "w") as file:
        json.dump(list(commands.values()), file)
    for config in CONFIGS:  # for the units, which lie in there as their sources do in the project
        if os.path.exists(os.path.join(root, config)):
            os.makedirs(os.path.dirname(os.path.join(memory, config)), exist_ok=True)
            shutil.copy(os.path.join(root, config), os.path.join(memory, config))
    version = subprocess.run([TOOL, "--version"], capture_output=True, text=True, check=True).stdout
    clean_file = os.path.join(memory, "clean")
    known = set(tree.lines(memory, "clean")) if os.path.exists(clean_file) else set()
    keys = {name: key_of(root, name, entry, version) for name, entry in commands.items()}
    todo = sorted(name for name, key in keys.items() if key not in known)
    problems = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool, open(clean_file, "a") as clean:
        for told in pool.map(lambda unit: look_at(root, memory, commands, unit), units_of(root, commands, todo)):
            problems += filter(None, told.values())
            clean.writelines(keys[name] + "\n" for name, words in told.items() if not words)
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
