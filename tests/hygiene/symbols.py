#!/usr/bin/env python3
"""The objects of the pure folders call no thread, clock, file, socket or DPDK function.

    symbols.py ROOT BUILD

It reads the undefined symbols of what the compiler made, so that no macro and no header hides anything. (It cannot see
when memory is allocated, only that it is: that is for the tests that count allocations.)
"""
import json
import os
import re
import subprocess
import sys

import tree
from dependencies import PURE

FORBIDDEN = re.compile(r"""^(
    rte_.* | pthread_.* | (__)?clock_.* | time | gettimeofday | nanosleep | usleep | sleep | sched_.* | syscall |
    open | openat | creat | close | read | write | pread | pwrite | readv | writev | ioctl | fcntl | poll | epoll_.* |
    select | socket | bind | connect | listen | accept | send(to|msg)? | recv(from|msg)? | mmap | munmap |
    fopen | fclose | fread | fwrite | f?printf | __f?printf_chk | v?fprintf | puts | fputs | putchar | perror |
    getenv | setenv | system | fork | exec.* | kill | signal | sigaction | abort_handler_s | rand | random | srand |
    std::chrono::.* | std::thread.* | std::mutex.* | std::condition_variable.* | std::cout.* | std::cerr.* |
    std::basic_(o|i)?f?stream.* | std::ios_base.* | std::ostream.* | std::filesystem.* | std::random_device.* |
    std::this_thread.* | std::__atomic_wait.* | std::(_V2::)?(steady|system)_clock.*
    )(\(.*)?(@.*)?$""", re.VERBOSE)


def pure_objects(root, build):
    with open(os.path.join(build, "compile_commands.json")) as file:
        for entry in json.load(file):
            source = os.path.relpath(os.path.join(entry["directory"], entry["file"]), root)
            if source.startswith(PURE) and "output" in entry:
                yield source, os.path.join(entry["directory"], entry["output"])


def check_object(source, path):
    done = subprocess.run(["nm", "--undefined-only", "--demangle", "--format=posix", path], capture_output=True,
                          text=True)
    if done.returncode:
        return [f"{source}: nm: {done.stderr.strip()}"]
    names = (re.sub(r" U\s*\d*\s*\d*$", "", line).strip() for line in done.stdout.splitlines())
    return [f"{source}: calls {name}" for name in names if FORBIDDEN.match(name)]


def check(root, build):
    problems, seen = [], 0
    for source, path in pure_objects(root, build):
        seen += 1
        problems += check_object(source, path)
    pure_sources = [name for name in tree.files(root) if name.startswith(PURE) and name.endswith(".cpp")]
    if seen < len(pure_sources):
        problems.append(f"{len(pure_sources)} pure sources, but only {seen} objects in {build}")
    return problems


if __name__ == "__main__":
    tree.report(check(os.path.realpath(sys.argv[1]), sys.argv[2]), "the pure objects call nothing impure")
