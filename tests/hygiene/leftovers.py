#!/usr/bin/env python3
"""What a test run left behind: namespaces, TAP and veth links, processes, DPDK's files, hugepage files, sockets.

    leftovers.py snapshot FILE        before: writes what there is
    leftovers.py compare FILE         after: names what there is now and was not; exit code 1 if anything

A process counts if it carries the mark of this run, the value of BRAIDWAY_TEST_RUN, in its environment; sockets and
FIFOs count below the folder that is that value.
"""
import json
import os
import stat
import subprocess
import sys
import time

MARK = "BRAIDWAY_TEST_RUN"


def listing(folder):
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def links():
    """TAPs and veths of this namespace."""
    done = subprocess.run(["ip", "-j", "-d", "link", "show"], capture_output=True, text=True)
    if done.returncode:
        return []
    return [link["ifname"] for link in json.loads(done.stdout or "[]")
            if link.get("linkinfo", {}).get("info_kind") in ("tun", "veth", "bridge")]


def processes(run):
    """Those marked as started by this run, but for the one that looks and its ancestors."""
    ours, pid = set(), os.getpid()
    while pid > 1:
        ours.add(pid)
        with open(f"/proc/{pid}/stat") as file:
            pid = int(file.read().rsplit(")", 1)[1].split()[1])
    found, mark = [], f"{MARK}={run}".encode()
    for entry in listing("/proc"):
        if not entry.isdigit() or int(entry) in ours:
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                marked = mark in file.read().split(b"\0")
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                command = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if marked and command:
            found.append(f"{entry} {command[:120]}")
    return found


def sockets(folder):
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            mode = os.lstat(os.path.join(place, name)).st_mode
            if stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode):
                found.append(os.path.join(place, name))
    return found


def snapshot(run):
    return {"network namespace": listing("/run/netns"), "link": links(), "process": processes(run),
            "DPDK file": listing("/var/run/dpdk"), "hugepage file": listing("/dev/hugepages"),
            "socket": sockets(run)}


def compare(before, after):
    return [f"left behind: {kind} {name}" for kind in after for name in after[kind] if name not in before[kind]]


def main():
    action, path = sys.argv[1:]
    run = os.environ[MARK]
    if action == "snapshot":
        with open(path, "w") as file:
            json.dump(snapshot(run), file)
        return 0
    with open(path) as file:
        before = json.load(file)
    # What was told to end may still be ending: it gets five seconds.
    deadline = time.monotonic() + 5
    while (found := compare(before, snapshot(run))) and time.monotonic() < deadline:
        time.sleep(0.1)
    print("\n".join(found) or "nothing was left behind")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
