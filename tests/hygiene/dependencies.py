#!/usr/bin/env python3
"""Who may know whom (design, section 2): folders include only what they may, and the pure folders stay pure.

    dependencies.py ROOT

Pure folders may include, directly or through project headers, only standard headers that bring no thread, clock or
I/O. That is a list of what is allowed, not of what is forbidden: a header nobody thought of fails.
"""
import os
import re
import sys

import tree

PURE = ("lb/", "telemetry/", "ctrl/model/")
PURE_HEADERS = set("""
    algorithm array atomic bit cassert cfloat charconv climits cmath compare complex concepts cstddef cstdint cstdlib
    cstring deque functional immintrin.h initializer_list iterator limits list map memory memory_resource new numbers
    numeric optional queue random ranges ratio set span stack stdexcept string string_view system_error tuple
    type_traits unordered_map unordered_set utility valarray variant vector version x86intrin.h""".split())
# crypto_shorthash (SipHash) is a function of its arguments; other parts of libsodium take random numbers and lock memory.
PURE_THIRD_PARTY = {"ctrl/model/": re.compile(r"(unsupported/)?Eigen/"),
                    "telemetry/": re.compile(r"sodium/crypto_shorthash\.h$")}
# What a folder may include; the longest matching folder decides.
MAY_USE = {
    "lb/": ("lb/",),
    "telemetry/": ("telemetry/", "lb/"),
    "dataplane/": ("dataplane/", "lb/", "telemetry/"),
    "ctrl/": ("ctrl/", "dataplane/", "lb/", "telemetry/"),
    "ctrl/model/": ("ctrl/model/", "lb/", "telemetry/"),
    "ctrl/record/": ("ctrl/record/", "ctrl/model/", "lb/"),
    "bench/": ("bench/", "dataplane/", "lb/", "telemetry/"),
    "bench/micro/": ("bench/", "dataplane/", "lb/", "telemetry/", "ctrl/model/"),
    "bench/forecast/": ("bench/forecast/", "bench/fabric/", "lb/", "telemetry/", "ctrl/model/", "ctrl/record/"),
    "bench/fabric/": ("bench/fabric/", "lb/", "telemetry/", "ctrl/model/"),
    "tests/": ("tests/", "bench/", "ctrl/", "dataplane/", "lb/", "telemetry/"),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')
MAIN = re.compile(r"^int main\(", re.MULTILINE)


def includes(root, name):
    """(line number, header, is it quoted) of every #include."""
    found = []
    for number, line in enumerate(tree.lines(root, name), 1):
        match = INCLUDE.match(line)
        if match:
            found.append((number, match[1] or match[2], match[2] is not None))
    return found


def folder_of(name):
    return max((folder for folder in MAY_USE if name.startswith(folder)), key=len, default=None)


def check(root):
    problems = []
    names = tree.sources(root)
    for name in names:
        folder = folder_of(name)
        if folder is None:
            problems.append(f"{name}: source outside the folders of the design")
            continue
        may_use = MAY_USE[folder]
        # Nothing uses ctrl but the programs' main files; the simulator has its own rule.
        if folder in ("bench/", "bench/micro/") and MAIN.search(tree.read(root, name)):
            may_use += ("ctrl/",)
        for number, header, quoted in includes(root, name):
            if not quoted:
                if any(header.startswith(known) for known in MAY_USE):
                    problems.append(f"{name}:{number}: <{header}> is ours: include it in quotes")
                continue
            if header.startswith(("./", "../")) or "/" not in header:
                problems.append(f'{name}:{number}: "{header}": say the path from the root')
            elif not header.startswith(may_use):
                problems.append(f'{name}:{number}: {folder} may not include "{header}"')
    for name in names:
        pure = next((folder for folder in PURE if name.startswith(folder)), None)
        if pure:
            problems += impure(root, name, pure)
    return problems


def impure(root, start, pure):
    """The impure headers that a file reaches, each with the way to it."""
    problems, seen, todo = [], {start}, [(start, (start,))]
    while todo:
        name, way = todo.pop()
        for number, header, quoted in includes(root, name):
            if quoted:
                if header not in seen and os.path.exists(os.path.join(root, header)):
                    seen.add(header)
                    todo.append((header, way + (header,)))
            elif header not in PURE_HEADERS:
                third_party = PURE_THIRD_PARTY.get(pure)
                if not (third_party and third_party.match(header)):
                    problems.append(f"{name}:{number}: <{header}> in pure code ({' -> '.join(way)})")
    return problems


if __name__ == "__main__":
    tree.report(check(sys.argv[1]), "every include keeps to the design")
