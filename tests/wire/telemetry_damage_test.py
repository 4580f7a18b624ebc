#!/usr/bin/env python3
"""Of a damaged packet telemetry_decoder.py says what is wrong and where, and no changed byte goes unseen."""
import contextlib
import random
import unittest

from golden import (ACK6, CNP, FEEDBACK, HOPS, PROBE, REPORT, REPORT_FRAME, REPORT_TLV, SEND, STRAND, STRAND6, TRACE,
                    TUNNEL, TUNNEL6, WIDE, changed, read, udp4, with_extension)

TRACED, OPAQUE = with_extension(TRACE), with_extension(WIDE)
ALL = (CNP, SEND, ACK6, HOPS, STRAND, STRAND6, TUNNEL, TUNNEL6, TRACED, OPAQUE, REPORT, REPORT_FRAME, REPORT_TLV, PROBE,
       FEEDBACK)
# What the traces leave open: how and with what they are padded, and the free space.
UNREAD = {TRACED: (42, *range(56, 72)), OPAQUE: (42, 86, 87)}

# description, packet, bytes changed by offset, what the error must say.
DAMAGED = [
    ("another IP version", CNP, {0: "55"}, "byte 0: IP version: 5 instead of 4 or 6"),
    ("a short IPv4 header", CNP, {0: "44"}, "byte 0: IPv4 IHL: 4 words"),
    ("an IPv4 length below its header's", CNP, {2: "0013"}, "byte 2: IPv4 total length: 19 bytes"),
    ("an IPv4 length beyond the end", CNP, {2: "003d"}, "byte 2: IPv4 total length: 61 bytes, 60 are there"),
    ("IPv4's reserved flag", CNP, {6: "c000"}, "byte 6: IPv4 flags: the reserved flag"),
    ("a changed TTL", CNP, {8: "3f"}, "byte 10: IPv4 header checksum: 0x9161 is stored, 0x9261 is right"),
    ("an IPv6 length beyond the end", ACK6, {4: "001d"}, "byte 4: IPv6 payload length: 29 bytes, 28 are there"),
    ("an IPv6 length before the end", ACK6, {4: "001b"}, "byte 44: UDP length: 28 bytes, IP carries 27"),
    ("a UDP length of less than IP's", CNP, {24: "0027"}, "byte 24: UDP length: 39 bytes, IP carries 40"),
    ("a UDP length of less than a header", CNP, {24: "0007"}, "byte 24: UDP length: 7 bytes"),
    ("a UDP checksum", SEND, {26: "aca3"}, "byte 26: UDP checksum: 0xaca3 is stored, 0xaca2 is right"),
    ("a BTH opcode of no class", CNP, {28: "40"}, "byte 28: BTH opcode: 0x40 is none"),
    ("an opcode no class has", CNP, {28: "15"}, "byte 28: BTH opcode: 0x15 is none"),
    ("more padding than payload", ACK6, {49: "30"}, "byte 64: payload: 4 bytes are left for 3 of padding"),
    ("a CNP that says something", CNP, {40: "01"}, "byte 40: CNP payload: not all zero"),
    ("a CNP that says more", udp4(CNP[28:40] + bytes(24), 4791), {}, "byte 40: CNP payload: 20 bytes instead of 16"),
    ("a changed PSN", CNP, {39: "01"}, "byte 56: ICRC: 0x2a00fd82 is stored"),
    ("an ICRC turned round", ACK6, {64: "c603c693"}, "byte 64: ICRC: 0x93c603c6 is stored, 0xc603c693 is right"),
    ("a shim of type 3", HOPS, {28: "34"}, "byte 28: INT shim Type: 3 instead of 1"),
    ("NPT 0", HOPS, {28: "10"}, "byte 28: INT shim NPT: 0"),
    ("a shim's reserved bit", HOPS, {28: "15"}, "byte 28: INT shim reserved"),
    ("a shim too short for the header", HOPS, {29: "02"}, "byte 29: INT shim Length: 2 words"),
    ("a shim beyond the packet", HOPS, {29: "ff"}, "byte 32: INT shim Length: 1020 bytes are needed, 76 are left"),
    ("a shim of half a hop", HOPS, {29: "0a"}, "byte 29: INT shim Length: 7 words of stack are no multiple of 4"),
    ("a shim without its order tag", TUNNEL, {29: "05"}, "byte 29: INT shim Length: 2 words of stack"),
    ("NPT 2 with the port beside the protocol", TUNNEL, {30: "12"}, "byte 30: INT shim byte 2: 0x12"),
    ("INT 1", HOPS, {32: "10"}, "byte 32: INT Ver: 1 instead of 2"),
    ("the header's reserved bit", HOPS, {32: "21"}, "byte 32: INT reserved"),
    ("the header's reserved byte", HOPS, {33: "80"}, "byte 32: INT reserved"),
    ("the reserved bits beside HopML", HOPS, {34: "24"}, "byte 34: INT reserved"),
    ("a HopML that the bitmap contradicts", HOPS, {34: "03"}, "byte 34: INT HopML: 3 words, bitmap 0xf000 has 4"),
    ("instructions of an unknown domain", HOPS, {38: "42584000"}, "byte 38: INT DomainSpecificID: 0x4258 is unknown"),
    ("an instruction the domain lacks", TUNNEL, {40: "c001"}, "byte 40: INT DSInstruction: unknown bits 0x0001"),
    ("a flag of the domain", TUNNEL, {42: "0100"}, "byte 42: INT DSFlags: 0x0100"),
    ("INT around INT's own port", HOPS, {30: "138d"}, "byte 28: INT: the packet that carries it had INT already"),
    ("INT around a packet with INT", TUNNEL, {78: "f15f", 82: "0000"}, "byte 28: INT: the packet that carries it"),
    ("a wrong payload behind the stack", HOPS, {83: "fe"}, "original packet: byte 56: ICRC"),
    ("a wrong packet in a tunnel", TUNNEL, {64: "3f"}, "original packet: byte 10: IPv4 header checksum"),
    ("a report of version 1", REPORT, {0: "10"}, "byte 0: report Ver: 1 instead of 2"),
    ("a report of IOAM", REPORT, {8: "24"}, "byte 8: report RepType: 2"),
    ("a report with an unknown inner", REPORT, {8: "16"}, "byte 8: report InType: 6"),
    ("a report with an inner of another version", REPORT, {8: "15"}, "byte 28: IP version: 4, InType says 6"),
    ("a report without inner that has one", REPORT, {8: "10"}, "byte 28: report inner: 76 bytes"),
    ("a report longer than the datagram", REPORT, {9: "18"}, "byte 12: report ReportLength: 96 bytes are needed"),
    ("a report shorter than the datagram", REPORT, {9: "16"}, "byte 103: report reserved"),
    ("an MDLength the bits contradict", REPORT, {10: "03"}, "byte 10: report MDLength: 3 words, the bits set have 2"),
    ("a report's reserved flag", REPORT, {11: "28"}, "byte 11: report reserved"),
    ("metadata a report has no place for", REPORT, {12: "d000"}, "byte 12: report RepMdBits: reserved bits 0x8000"),
    ("a report of an unknown domain", REPORT, {14: "42584000"}, "byte 14: report DomainID: 0x4258 is unknown"),
    ("a report of data the domain lacks", REPORT, {14: "42570001"}, "byte 16: report DSMdBits: unknown bits 0x0001"),
    ("a wrong packet in a report", REPORT, {36: "3f"}, "inner packet at byte 28: byte 10: IPv4 header checksum"),
    ("an inner packet that is not there", REPORT_TLV, {13: "00"}, "byte 16: report inner: empty"),
    ("metadata of a report that has none", REPORT_TLV, {10: "01"}, "byte 10: report MDLength: 1 words though"),
    ("a TLV of type 4", REPORT_TLV, {12: "40"}, "byte 12: report TLVType: 4"),
    ("a TLV's reserved bit", REPORT_TLV, {12: "21"}, "byte 12: report TLV reserved: 1"),
    ("a TLV beyond the report", REPORT_TLV, {45: "02"}, "byte 48: report TLV length: 8 bytes are needed, 4 are left"),
    ("a message of version 2", PROBE, {0: "02"}, "byte 0: message version: 2"),
    ("a message of type 3", PROBE, {1: "03"}, "byte 1: message type: 3"),
    ("a message's wrong length", PROBE, {3: "35"}, "byte 2: message length: 53 bytes, the UDP payload has 52"),
    ("a message of more than 1200 bytes", PROBE + bytes(1149), {2: "04b1"}, "byte 2: message length: 1201 bytes, at"),
    ("a probe of a feedback's length", FEEDBACK, {1: "01"}, "byte 2: message length: 148 bytes, type 1 has 52"),
    ("a feedback of a probe's length", PROBE, {1: "02"}, "byte 2: message length: 52 bytes, type 2 has 60"),
    ("a sender that never started", PROBE, {8: "00" * 8}, "byte 8: sender's boot id: 0"),
    ("the sequence 0", PROBE, {31: "00"}, "byte 24: sequence: 0"),
    ("an unknown flag of a message", PROBE, {43: "13"}, "byte 43: message flags: unknown bits 0x2"),
    ("an unknown capability", FEEDBACK, {44: "00000008"}, "byte 44: capabilities: unknown bits 0x00000008"),
    ("a record too many", FEEDBACK, {48: "03"}, "byte 48: record count: 3 records of 44 bytes in 88 bytes"),
    ("more records than paths", FEEDBACK, {50: "0001"}, "byte 48: record count: 2 records, 1 announced"),
    ("a first record beyond the paths", FEEDBACK, {49: "04"}, "byte 49: first record's index: 4 of 4"),
    ("an unknown flag of a record", FEEDBACK, {53: "91"}, "byte 53: record flags: unknown bits 0x01"),
    ("a mean delay below the least", FEEDBACK, {80: "00000001"}, "byte 76: record delays"),
    ("one delay of three that is none", FEEDBACK, {80: "ffffffff"}, "byte 76: record delays: some are none"),
    ("a utilisation without its flag", FEEDBACK, {53: "80"}, "byte 88: record utilisation: 0x25, and it is not told"),
    ("a utilisation of more than all", FEEDBACK, {88: "ff"}, "byte 88: record utilisation: 255 of 254"),
    ("a changed count", FEEDBACK, {59: "e9"}, "byte 140: authenticator: 0x244fc0df66d3c15a is stored"),
    ("a trace that is not aligned", TRACED, {42: "00310a"}, "byte 43: IOAM option: does not start"),
    ("a hop-by-hop header beyond the packet", TRACED, {41: "20"}, "byte 42: hop-by-hop length"),
    ("a hop-by-hop header longer than IPv6 says", TRACED, {4: "0030"}, "byte 41: hop-by-hop length"),
    ("a trace of half a word", TRACED, {45: "39"}, "byte 56: IOAM option length: 47 bytes"),
    ("nodes that have written nothing", TRACED, {50: "0004000000"}, "byte 72: IOAM TraceType: 0 though"),
    ("an option beyond its header", TRACED, {45: "3b"}, "byte 46: hop-by-hop option length: 59 bytes"),
    ("a trace's reserved byte", TRACED, {46: "01"}, "byte 46: IOAM reserved"),
    ("a trace's reserved flag", TRACED, {50: "2084"}, "byte 50: IOAM Flags"),
    ("a NodeLen that the TraceType contradicts", TRACED, {50: "2804"}, "byte 50: IOAM NodeLen: 5 words"),
    ("a RemLen beyond the option", TRACED, {51: "0d"}, "byte 51: IOAM RemLen: 13 words of 48 bytes"),
    ("a RemLen inside a node", TRACED, {51: "05"}, "byte 92: IOAM node data: 12 bytes are left"),
    ("a TraceType's reserved bit", TRACED, {54: "01"}, "byte 52: IOAM TraceType: the reserved bit 23"),
    ("a trace header's reserved byte", TRACED, {55: "01"}, "byte 55: IOAM trace reserved"),
    ("an opaque snapshot beyond the option", OPAQUE, {64: "08"}, "IOAM opaque snapshot data: 32 bytes"),
]


class Damage(unittest.TestCase):
    def test_what_is_wrong_is_said_with_its_place(self):
        for description, packet, changes, words in DAMAGED:
            with self.subTest(description):
                with self.assertRaises(ValueError) as caught:
                    read(packet, changed(packet, changes))
                self.assertIn(words, str(caught.exception))

    def test_no_byte_is_left_unread(self):
        for packet in ALL:
            right = read(packet, packet)
            for at in set(range(len(packet))) - set(UNREAD.get(packet, ())):
                for flip in (0x01, 0x80, 0xFF):
                    other = changed(packet, {at: f"{packet[at] ^ flip:02x}"})
                    with contextlib.suppress(ValueError):
                        self.assertNotEqual(read(packet, other), right, f"{packet.hex()}: byte {at} ^ 0x{flip:02x}")

    def test_a_packet_that_is_cut_anywhere_is_malformed(self):
        for packet in ALL:
            for size in range(len(packet)):
                with self.assertRaises(ValueError, msg=f"{packet.hex()}: {size} bytes"):
                    read(packet, packet[:size])

    def test_any_damage_ends_in_a_packet_read_or_a_value_error(self):
        dice = random.Random(1)
        for _ in range(4000):
            packet = dice.choice(ALL)
            damaged = bytearray(packet[:dice.randint(len(packet) // 2, len(packet))])
            for _ in range(dice.randint(1, 4)):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            with contextlib.suppress(ValueError):
                read(packet, bytes(damaged))


if __name__ == "__main__":
    unittest.main()
