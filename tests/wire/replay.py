"""Runs `braidway replay`, for the tests in this folder."""
import json
import os
import subprocess

import roce


class Replayed:
    """What came out: frames by port name, and the result's JSON."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "result.json")) as file:
            self.result = json.load(file)
        self.frames = {name[:-len(".pcap")]: roce.read_frames(os.path.join(folder, name))
                       for name in sorted(os.listdir(folder)) if name.endswith(".pcap")}

    def drops(self):
        return {reason: count for reason, count in self.result["drops"].items() if count}

    def bytes(self):
        """Every byte of every file that came out."""
        found = {}
        for name in sorted(os.listdir(self.folder)):
            with open(os.path.join(self.folder, name), "rb") as file:
                found[name] = file.read()
        return found


def replay(braidway, config, inputs, folder, *options):
    """`inputs`: {port: capture}. Fails the calling test with what the program said if it does not end well."""
    os.makedirs(folder)
    command = [braidway, "replay", config]
    for port, capture in inputs.items():
        command += ["--in", f"{port}={capture}"]
    command += ["--out", folder, "--json", os.path.join(folder, "result.json"), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise AssertionError(f"`{' '.join(command)}` ended with {done.returncode}:\n{said}")
    return Replayed(folder)
