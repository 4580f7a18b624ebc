#!/usr/bin/env python3
"""Writes frames of captures as files of their own, one of each size and opcode: seeds for fuzzing.

    frames.py FOLDER CAPTURE...
"""
import os
import sys

import roce


def main():
    folder, seen = sys.argv[1], set()
    for path in sys.argv[2:]:
        for frame in roce.read_frames(path):
            packet = roce.parse(frame.data)
            kind = (len(frame.data), packet.opcode if packet else None)
            if kind not in seen:
                seen.add(kind)
                with open(os.path.join(folder, f"frame-{len(seen)}"), "wb") as file:
                    file.write(frame.data)


if __name__ == "__main__":
    main()
