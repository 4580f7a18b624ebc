#!/usr/bin/env python3
"""embed.py OUT NAME=FILE[#SYMBOL]...: writes a C++ header with the bytes of each FILE as an array NAME.

With SYMBOL, NAME is a number instead: where in FILE, a 64-bit little-endian ELF object, that variable lies.
"""
import pathlib
import struct
import sys

SYMTAB = 2


def text_at(data, at):
    return data[at:data.index(b"\0", at)].decode()


def offset_of(data, symbol):
    """In bytes from the file's beginning (System V ABI, "Object Files": ELF header, sections, symbol table)."""
    if data[:6] != b"\x7fELF\x02\x01":
        sys.exit("embed.py: not a 64-bit little-endian ELF object")
    table, = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    # Of each section: type, offset, size, link.
    sections = [struct.unpack_from("<4xI16xQQI", data, table + i * size) for i in range(count)]
    for kind, start, length, link in sections:
        for at in range(start, start + length, 24) if kind == SYMTAB else ():
            name, section, value = struct.unpack_from("<I2xHQ", data, at)
            if text_at(data, sections[link][1] + name) == symbol:
                return sections[section][1] + value
    sys.exit(f"embed.py: there is no symbol {symbol}")


def main():
    out, *pairs = sys.argv[1:]
    lines = ["#pragma once", "", "#include <array>", "#include <cstddef>", ""]
    for pair in pairs:
        name, _, file = pair.partition("=")
        file, _, symbol = file.partition("#")
        data = pathlib.Path(file).read_bytes()
        if symbol:
            lines.append(f"inline constexpr std::size_t {name} = {offset_of(data, symbol)};")
        else:
            numbers = ",".join(map(str, data))
            lines.append(f"inline constexpr std::array<unsigned char, {len(data)}> {name}{{{numbers}}};")
    pathlib.Path(out).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
