#!/usr/bin/env python3
"""Reads what Braidway writes: one line a packet of a capture, every field named.

    telemetry_decoder.py FILE.pcap [--int-port N] [--report-port N] [--key FILE|HEX] [--json]

Written from the formats' descriptions alone and sharing nothing with the gateway's own code, so that both cannot be
wrong in the same way. A packet that breaks a rule of its format is malformed, and what is wrong is said with the
byte's offset in the frame, or in the packet inside it that the message names. Addresses aside, numbers are decimal and
bytes are hex; "-" or null is what a node could not tell. Exit code 0: every packet is well-formed; 1: some are not; 2:
the capture or the key cannot be used.
"""
import argparse
import json
import os
import re
import sys

import roce
from decoding.packet import Options, decode_frame

SHOWN = 32  # bytes a line shows; JSON shows all


def key(text):
    """16 bytes: 32 hex digits, or a file of them, or a file of the bytes themselves."""
    content = text.encode()
    if os.path.exists(text):
        with open(text, "rb") as file:
            content = file.read()
    if re.fullmatch(rb"[0-9a-fA-F]{32}", content.strip()):
        return bytes.fromhex(content.strip().decode())
    if len(content) != 16:
        raise argparse.ArgumentTypeError("neither 32 hex digits nor a file of 16 bytes")
    return content


def line(value):
    if isinstance(value, dict):
        return " ".join(f"{name}={{{line(what)}}}" if isinstance(what, dict) else f"{name}={line(what)}"
                        for name, what in value.items())
    if isinstance(value, list):
        return "[" + ", ".join(f"{{{line(what)}}}" for what in value) + "]"
    if isinstance(value, bytes):
        return value.hex() if len(value) <= SHOWN else f"({len(value)} bytes)"
    return "-" if value is None else str(value)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", metavar="FILE.pcap")
    parser.add_argument("--int-port", type=int, default=Options().int_port, help="UDP port of INT (%(default)s)")
    parser.add_argument("--report-port", type=int, help="UDP port of Telemetry Reports (none)")
    parser.add_argument("--key", type=key, help="of the messages between gateways: hex, or a file")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    given = parser.parse_args(arguments)
    options = Options(given.int_port, given.report_port, given.key)
    try:
        frames = roce.read_frames(given.capture)
    except (OSError, roce.CaptureError) as error:
        print(f"telemetry_decoder: {error}", file=sys.stderr)
        return 2
    malformed = []
    for number, frame in enumerate(frames, 1):
        found = {"frame": number, "seconds": frame.seconds, "fraction": frame.fraction}
        try:
            found.update(decode_frame(frame.data, options))
        except ValueError as error:
            found["malformed"] = str(error)
            malformed.append(number)
        print(json.dumps(found, default=bytes.hex) if given.json else line(found))
    if malformed:
        numbers = ", ".join(map(str, malformed))
        print(f"telemetry_decoder: {len(malformed)} of {len(frames)} frames are malformed: {numbers}", file=sys.stderr)
    return 1 if malformed else 0


if __name__ == "__main__":
    sys.exit(main())
