"""Messages between gateways, version 1: probes and feedback, with their authenticator.

Sources: Braidway's wire-format reference, 7a; SipHash-2-4: Aumasson and Bernstein, 2012.
"""
PORT = 61792
VERSION, LARGEST = 1, 1200
PROBE, FEEDBACK = 1, 2
HEADER, FEEDBACK_HEADER, RECORD, AUTHENTICATOR = 44, 8, 44, 8
NONE, NO_QUEUE, FULL = 0xFFFFFFFF, 0xFFFFFF, 254
_WORD = (1 << 64) - 1


def siphash24(key, message):
    """The 64-bit number whose bytes, least significant first, are the authenticator."""
    def rotated(word, by):
        return (word << by | word >> 64 - by) & _WORD

    def rounds(count):
        nonlocal a, b, c, d
        for _ in range(count):
            a, c = (a + b) & _WORD, (c + d) & _WORD
            b, d = rotated(b, 13) ^ a, rotated(d, 16) ^ c
            a = rotated(a, 32)
            c, a = (c + b) & _WORD, (a + d) & _WORD
            b, d = rotated(b, 17) ^ c, rotated(d, 21) ^ a
            c = rotated(c, 32)

    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    a, b, c, d = (k ^ int.from_bytes(text, "big") for k, text in
                  zip((k0, k1, k0, k1), (b"somepseu", b"dorandom", b"lygenera", b"tedbytes")))
    padded = message + bytes(7 - len(message) % 8) + bytes([len(message) & 0xFF])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at:at + 8], "little")
        d ^= word
        rounds(2)
        a ^= word
    c ^= 0xFF
    rounds(4)
    return a ^ b ^ c ^ d


def measured(value):
    return None if value == NONE else value


def record(reader):
    path, heard, lost, counted, told, reserved = reader.bits("record path, flags", 8, 1, 1, 1, 1, 4)
    reader.demand(reserved == 0, "record flags", f"unknown bits 0x{reserved:02x}", back=1)
    period = reader.number(2, "record period")
    packets, octets, marked, late = reader.bits("record counters", 32, 64, 32, 32)
    smallest, mean, largest = (measured(value) for value in reader.bits("record delays", 32, 32, 32))
    known = [delay for delay in (smallest, mean, largest) if delay is not None]
    reader.demand(len(known) in (0, 3), "record delays", "some are none and some are not", back=12)
    reader.demand(known == sorted(known), "record delays", f"min, mean, max of {known} do not rise", back=12)
    utilisation, queue, hold = reader.bits("record utilisation, queue, hold", 8, 24, 32)
    unused = 0xFF if queue == NO_QUEUE else 0
    reader.demand(told or utilisation == unused, "record utilisation", f"0x{utilisation:02x}, and it is not told", back=8)
    reader.demand(not told or utilisation <= FULL, "record utilisation", f"{utilisation} of {FULL}", back=8)
    return {"path": path, "heard": heard, "fifo_lost": lost, "counted": counted, "period": period, "packets": packets, "bytes": octets,
            "ce_marked": marked, "late": late, "delay_min": smallest, "delay_mean": mean, "delay_max": largest,
            "utilisation": utilisation if told else None, "deepest_queue": None if queue == NO_QUEUE else queue,
            "longest_hold": hold}


def feedback(reader, end):
    reserved, ioam, tunnels, order = reader.bits("capabilities", 29, 1, 1, 1)
    reader.demand(reserved == 0, "capabilities", f"unknown bits 0x{reserved << 3:08x}", back=4)
    count, first, announced = reader.bits("records", 8, 8, 16)
    room = end - AUTHENTICATOR - reader.at
    reader.demand(count * RECORD == room, "record count", f"{count} records of {RECORD} bytes in {room} bytes", back=4)
    reader.demand(count <= announced, "record count", f"{count} records, {announced} announced paths", back=4)
    reader.demand(first < announced or first == count == 0, "first record's index",
                  f"{first} of {announced} announced paths", back=3)
    return {"restores_order": order, "reads_tunnels": tunnels, "ioam": ioam, "record_count": count,
            "first_record": first, "announced_paths": announced, "records": [record(reader) for _ in range(count)]}


def decode(reader, key=None):
    """A whole UDP payload; without a key the authenticator is only shown."""
    start, size, end = reader.at, reader.left, reader.end
    version, kind, length = reader.bits("message version, type, length", 8, 8, 16)
    reader.demand(version == VERSION, "message version", f"{version} instead of {VERSION}", back=4)
    reader.demand(kind in (PROBE, FEEDBACK), "message type", f"{kind} instead of 1 or 2", back=3)
    reader.demand(length == size, "message length", f"{length} bytes, the UDP payload has {size}", back=2)
    reader.demand(length <= LARGEST, "message length", f"{length} bytes, at most {LARGEST} are allowed", back=2)
    smallest = HEADER + AUTHENTICATOR + (FEEDBACK_HEADER if kind == FEEDBACK else 0)
    right = length == smallest if kind == PROBE else length >= smallest
    reader.demand(right, "message length", f"{length} bytes, type {kind} has {smallest}", back=2)
    sender, receiver, boot, echo, sequence, sent = reader.bits("message header", 16, 16, 64, 64, 64, 64)
    reader.demand(boot != 0, "sender's boot id", "0, which says not yet known", back=32)
    reader.demand(sequence != 0, "sequence", "0, it counts from 1", back=16)
    generation, path, lane, flags, blocked = reader.bits("generation, path, lane, flags", 16, 8, 4, 3, 1)
    reader.demand(flags == 0, "message flags", f"unknown bits 0x{flags << 1:x}", back=1)
    found = {"version": version, "type": kind, "length": length, "sender": sender, "receiver": receiver,
             "sender_boot": boot, "receiver_boot": echo, "sequence": sequence, "time_sent": sent,
             "generation": generation, "path": path, "lane": lane, "blocked": blocked}
    if kind == FEEDBACK:
        found.update(feedback(reader, end))
    covered = bytes(reader.data[start:reader.at])
    stored = int.from_bytes(reader.bytes(AUTHENTICATOR, "authenticator"), "little")
    if key is not None:
        right = siphash24(key, covered)
        reader.demand(stored == right, "authenticator", f"0x{stored:016x} is stored, 0x{right:016x} is right",
                      back=AUTHENTICATOR)
    return {**found, "authenticator": stored, "authentic": key is not None or None}
