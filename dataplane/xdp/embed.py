#!/usr/bin/env python3
"""embed.py OUT NAME=FILE...: writes a C++ header with the bytes of each FILE as an array NAME."""
import pathlib
import sys

out, *pairs = sys.argv[1:]
lines = ["#pragma once", "", "#include <array>", ""]
for pair in pairs:
    name, file = pair.split("=", 1)
    data = pathlib.Path(file).read_bytes()
    lines.append(f"inline constexpr std::array<unsigned char, {len(data)}> {name}{{{','.join(map(str, data))}}};")
pathlib.Path(out).write_text("\n".join(lines) + "\n")
