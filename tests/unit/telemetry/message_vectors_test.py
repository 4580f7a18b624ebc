#!/usr/bin/env python3
"""The authenticators of the message vectors, by a SipHash that shares no code with Braidway's.

    message_vectors_test.py FILE            checks them
    message_vectors_test.py FILE --print    prints what they should be

SipHash-2-4 from its paper (Aumasson and Bernstein 2012), section 2.
"""
import sys

MASK = (1 << 64) - 1


def rotated(x, by):
    return (x << by | x >> (64 - by)) & MASK


def rounds(v, count):
    a, b, c, d = v
    for _ in range(count):
        a, c = (a + b) & MASK, (c + d) & MASK
        b, d = rotated(b, 13) ^ a, rotated(d, 16) ^ c
        a = rotated(a, 32)
        c, a = (c + b) & MASK, (a + d) & MASK
        b, d = rotated(b, 17) ^ c, rotated(d, 21) ^ a
        c = rotated(c, 32)
    return a, b, c, d


def siphash(key, data):
    k0, k1 = (int.from_bytes(key[i:i + 8], "little") for i in (0, 8))
    v = (k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573)
    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 0xFF])
    for i in range(0, len(padded), 8):
        word = int.from_bytes(padded[i:i + 8], "little")
        a, b, c, d = rounds((v[0], v[1], v[2], v[3] ^ word), 2)
        v = (a ^ word, b, c, d)
    a, b, c, d = rounds((v[0], v[1], v[2] ^ 0xFF, v[3]), 4)
    return (a ^ b ^ c ^ d).to_bytes(8, "little")


def vectors(path):
    """(name, key, message) of each."""
    found = []
    with open(path) as file:
        for line in file:
            words = line.split("#")[0].split()
            if words[:1] == ["message"]:
                found.append([words[1], b"", b""])
            elif words[:1] == ["key"]:
                found[-1][1] = bytes.fromhex(words[1])
            elif words:
                found[-1][2] += bytes.fromhex("".join(words))
    return found


def main():
    # The paper's own vector, appendix A.
    assert siphash(bytes(range(16)), bytes(range(15))).hex() == (0xA129CA6149BE45E5).to_bytes(8, "little").hex()
    found, wrong = vectors(sys.argv[1]), 0
    assert len(found) >= 3
    for name, key, message in found:
        right = siphash(key, message[:-8])
        if sys.argv[2:] == ["--print"]:
            print(name, right.hex())
        elif message[-8:] != right or int.from_bytes(message[2:4], "big") != len(message):
            print(f"{name}: {len(message)} bytes, authenticator {message[-8:].hex()}, should be {right.hex()}")
            wrong += 1
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
