#!/usr/bin/env python3
"""A replay test that is a folder.   folder_test.py BRAIDWAY FOLDER

    config.yaml        the gateway
    PORT.in.*          what enters a port:  .pcap, or .hex (a frame a line, spaces as you like, # comments)
    PORT.expect.*      what must leave a port, in this order; a port without one must stay silent
    drops.json         {reason: count}; without one nothing may be dropped
"""
import json
import os
import sys
import tempfile

import roce
from replay import replay


def load(path):
    if path.endswith(".pcap"):
        return roce.read_frames(path)
    frames = []
    with open(path) as file:
        for line in file:
            text = "".join(line.split("#", 1)[0].split())
            if text:
                frames.append(roce.Frame(1, len(frames) * 10, bytes.fromhex(text)))
    return frames


def by_port(folder, word):
    found = {}
    for name in sorted(os.listdir(folder)):
        port, _, ending = name.partition(f".{word}.")
        if ending in ("pcap", "hex"):
            found[port] = load(os.path.join(folder, name))
    return found


def check(braidway, folder):
    """What is wrong, as sentences."""
    entering, expected = by_port(folder, "in"), by_port(folder, "expect")
    drops_file = os.path.join(folder, "drops.json")
    drops = {}
    if os.path.exists(drops_file):
        with open(drops_file) as file:
            drops = json.load(file)
    if not entering:
        return [f"{folder}: nothing enters: there is no PORT.in.pcap or PORT.in.hex"]
    problems = []
    with tempfile.TemporaryDirectory(prefix="braidway-wire-") as work:
        inputs = {}
        for port, frames in entering.items():
            inputs[port] = os.path.join(work, f"{port}.in.pcap")
            roce.write_frames(inputs[port], frames)
        out = replay(braidway, os.path.join(folder, "config.yaml"), inputs, os.path.join(work, "out"))
        for port in sorted(set(out.frames) | set(expected)):
            got = [frame.data for frame in out.frames.get(port, [])]
            want = [frame.data for frame in expected.get(port, [])]
            if len(got) != len(want):
                problems.append(f"{port}: {len(got)} frames left, {len(want)} expected")
            problems += [f"{port}: frame {number}:\n  left     {a.hex()}\n  expected {b.hex()}"
                         for number, (a, b) in enumerate(zip(got, want), 1) if a != b]
        if out.drops() != drops:
            problems.append(f"dropped {out.drops()}, expected {drops}")
    return problems


if __name__ == "__main__":
    found = check(*sys.argv[1:])
    print("\n".join(found) or "as expected")
    sys.exit(1 if found else 0)
