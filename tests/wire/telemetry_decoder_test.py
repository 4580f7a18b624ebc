#!/usr/bin/env python3
"""telemetry_decoder.py reads the golden vectors field by field, and says of damaged packets what is wrong where."""
import contextlib
import io
import json
import os
import random
import struct
import tempfile
import unittest

import roce
import telemetry_decoder
from decoding import message, report
from decoding.octets import Reader
from decoding.packet import Options, cut_packet, decode_frame, decode_ip
from golden import (ACK6, ACK6_IP, ACK6_READ, ACK6_ROCE, ACK6_UDP, CNP, CNP_READ, ETHERNET4, ETHERNET6, FEEDBACK,
                    FEEDBACK_READ, HOPS, HOPS_INT, HOPS_IP, HOPS_UDP, KEY, PROBE, PROBE_READ, REPORT, REPORT_READ, SEND,
                    SEND_IP, SEND_READ, SEND_UDP, STRAND, STRAND6, TAG_INT, TRACE, TUNNEL, TUNNEL6, TUNNEL_INT, WIDE)

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")
def udp4(payload, port):
    """An IPv4 packet of 10.0.0.1 to 10.0.0.2 without a UDP checksum."""
    header = bytearray(struct.pack(">BBHHHBBHII", 0x45, 0, 28 + len(payload), 0, 0x4000, 64, 17, 0, 10 << 24 | 1,
                                   10 << 24 | 2))
    header[10:12] = (0xFFFF - sum(struct.unpack(">10H", header)) % 0xFFFF).to_bytes(2, "big")
    return bytes(header) + struct.pack(">HHHH", 49152, port, 8 + len(payload), 0) + payload


def with_extension(header):
    """The ACK behind a hop-by-hop header, which came after the ICRC was made."""
    return ACK6[:4] + (28 + len(header)).to_bytes(2, "big") + b"\0" + ACK6[7:40] + header + ACK6[40:]


def read_report(payload):
    return report.decode(Reader(payload), lambda *inner: cut_packet(*inner, Options(5005)))


def read_message(payload):
    return message.decode(Reader(payload), KEY)


def changed(data, changes):
    data = bytearray(data)
    for at, text in changes.items():
        data[at:at + len(text) // 2] = bytes.fromhex(text)
    return bytes(data)


class Vectors(unittest.TestCase):
    maxDiff = None

    def test_rocev2_is_read_in_full_over_ipv4_and_ipv6(self):
        self.assertEqual(decode_ip(CNP), CNP_READ)
        self.assertEqual(decode_ip(SEND), SEND_READ)
        self.assertEqual(decode_ip(ACK6), ACK6_READ)

    def test_hops_of_int_are_read_newest_first_and_the_packet_is_restored(self):
        self.assertEqual(decode_ip(HOPS, Options(5005)), {
            "ipv4": HOPS_IP, "udp": HOPS_UDP, "int": HOPS_INT, "original": CNP, "restored": CNP_READ})

    def test_an_order_tag_is_read_on_a_strand_and_the_packet_is_restored(self):
        self.assertEqual(decode_ip(STRAND), {
            "ipv4": {**SEND_IP, "total_length": 92, "checksum": 0xB4B9},
            "udp": {**SEND_UDP, "destination_port": 61791, "length": 72, "checksum": 0xD389},
            "int": TAG_INT, "original": SEND, "restored": SEND_READ})
        self.assertEqual(decode_ip(STRAND6), {
            "ipv6": {**ACK6_IP, "payload_length": 56},
            "udp": {**ACK6_UDP, "destination_port": 61791, "length": 56},
            "int": TAG_INT, "original": ACK6, "restored": ACK6_READ})

    def test_an_order_tag_is_read_in_a_tunnel_and_the_packet_is_restored(self):
        self.assertEqual(decode_ip(TUNNEL), {
            "ipv4": {"dscp": 0, "ecn": 1, "total_length": 120, "id": 0, "df": 1, "mf": 0, "offset": 0, "ttl": 64,
                     "protocol": 17, "checksum": 0x2665, "source": "10.0.0.7", "destination": "10.0.0.9"},
            "udp": {"source_port": 0xC0DE, "destination_port": 61791, "length": 100, "checksum": 0},
            "int": TUNNEL_INT, "original": SEND, "restored": SEND_READ})
        self.assertEqual(decode_ip(TUNNEL6), {
            "ipv6": {"dscp": 4, "ecn": 2, "flow_label": 0x77, "payload_length": 104, "next_header": 17,
                     "hop_limit": 64, "source": "fd00::7", "destination": "fd00::9"},
            "udp": {"source_port": 0xC0DE, "destination_port": 61791, "length": 104, "checksum": 0},
            "int": {**TUNNEL_INT, "original_protocol": 41}, "original": ACK6, "restored": ACK6_READ})

    def test_hops_and_the_order_tag_behind_them_are_told_apart(self):
        stack = bytes.fromhex("140512b8 20000107 8000 4257 4000 0000 0000002a 0ddba11e aabbccdd")
        found = decode_ip(udp4(stack, 61791))
        self.assertEqual((found["int"]["hops"], found["int"]["departure"]), ([{"node": 42}], 0x0DDBA11E))
        self.assertNotIn("order", found["int"])
        self.assertEqual(found["restored"]["udp"]["length"], 12)

    def test_what_a_node_could_not_tell_is_none(self):
        stack = bytes.fromhex("140612b8 20000307 d000 0000 0000 0000 00000001 ffff0002 07ffffff")
        self.assertEqual(decode_ip(udp4(stack, 61791))["int"]["hops"], [
            {"node": 1, "l1_ingress": None, "l1_egress": 2, "queue": 7, "queue_occupancy": None}])

    def test_a_report_is_read_with_as_much_of_the_packet_as_it_carries(self):
        self.assertEqual(read_report(REPORT), REPORT_READ)
        to_the_end = changed(REPORT, {9: "ff"})
        self.assertEqual(read_report(to_the_end)["reports"][0]["inner"], HOPS[:76])
        twice = read_report(REPORT + REPORT[8:])
        self.assertEqual(twice["reports"], REPORT_READ["reports"] * 2)

    def test_messages_between_gateways_are_read_in_full(self):
        self.assertEqual(read_message(PROBE), PROBE_READ)
        self.assertEqual(read_message(FEEDBACK), FEEDBACK_READ)
        self.assertIsNone(message.decode(Reader(changed(PROBE, {51: "00"})))["authentic"])

    def test_the_authenticator_is_siphash_2_4(self):
        self.assertEqual(message.siphash24(KEY, KEY[:15]), 0xA129CA6149BE45E5)

    def test_an_ioam_trace_is_read_newest_first_and_the_icrc_is_that_of_the_packet_before_it(self):
        self.assertEqual(decode_ip(with_extension(TRACE)), {
            "ipv6": {**ACK6_IP, "payload_length": 92, "next_header": 0},
            "hop_by_hop": {"next_header": 17, "options": [{
                "option": 0x31, "ioam_type": 0, "namespace": 1, "node_words": 4, "overflow": 0, "loopback": 0,
                "active": 0, "remaining_words": 4, "trace_type": 0xF00000, "nodes": [
                    {"hop_limit": 62, "node_id": 2, "ingress": 5, "egress": 6, "seconds": 0x6553F100,
                     "fraction": 100000},
                    {"hop_limit": 63, "node_id": 1, "ingress": 3, "egress": 4, "seconds": 0x6553F0FF,
                     "fraction": None}]}]},
            "udp": ACK6_UDP, "roce": ACK6_ROCE})

    def test_wide_ioam_data_and_opaque_snapshots_are_read(self):
        option, = decode_ip(with_extension(WIDE))["hop_by_hop"]["options"]
        self.assertEqual(option, {
            "option": 0x31, "ioam_type": 0, "namespace": 123, "node_words": 2, "overflow": 1, "loopback": 0,
            "active": 0, "remaining_words": 0, "trace_type": 0x008002, "nodes": [
                {"wide_hop_limit": 62, "wide_node_id": 2, "opaque": {"schema": 7, "data": b"\xde\xad\xbe\xef"}},
                {"wide_hop_limit": 63, "wide_node_id": None, "opaque": {"schema": None, "data": b""}}]})

    def test_tags_and_padding_of_a_frame_are_read(self):
        tagged = ETHERNET4[:12] + bytes.fromhex("88a8 2064 8100 b00a 0800") + CNP + bytes(3)
        self.assertEqual(decode_frame(tagged), {"ethernet": {
            "destination": "02:00:00:00:00:02", "source": "02:00:00:00:00:01", "type": 0x0800, "padding": 3,
            "tags": [{"tpid": 0x88A8, "priority": 1, "drop_eligible": 0, "vlan": 100},
                     {"tpid": 0x8100, "priority": 5, "drop_eligible": 1, "vlan": 10}]}, **CNP_READ})

    def test_frames_of_other_protocols_and_fragments_are_left_alone(self):
        self.assertEqual(list(decode_frame(ETHERNET4[:12] + b"\x08\x06" + bytes(46))), ["ethernet"])
        fragment = changed(CNP, {6: "2000", 10: "b161"})
        self.assertEqual(list(decode_frame(ETHERNET4 + fragment)), ["ethernet", "ipv4"])



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
    ("a message of version 2", PROBE, {0: "02"}, "byte 0: message version: 2"),
    ("a message of type 3", PROBE, {1: "03"}, "byte 1: message type: 3"),
    ("a message's wrong length", PROBE, {3: "35"}, "byte 2: message length: 53 bytes, the UDP payload has 52"),
    ("a probe of a feedback's length", FEEDBACK, {1: "01"}, "byte 2: message length: 148 bytes, type 1 has 52"),
    ("a feedback of a probe's length", PROBE, {1: "02"}, "byte 2: message length: 52 bytes, type 2 has 60"),
    ("a sender that never started", PROBE, {8: "00" * 8}, "byte 8: sender's boot id: 0"),
    ("the sequence 0", PROBE, {31: "00"}, "byte 24: sequence: 0"),
    ("an unknown flag of a message", PROBE, {43: "13"}, "byte 43: message flags: unknown bits 0x2"),
    ("an unknown capability", FEEDBACK, {44: "00000008"}, "byte 44: capabilities: unknown bits 0x00000008"),
    ("a record too many", FEEDBACK, {48: "03"}, "byte 48: record count: 3 records of 44 bytes in 88 bytes"),
    ("more records than paths", FEEDBACK, {50: "0001"}, "byte 48: record count: 2 records, 1 announced"),
    ("a first record beyond the paths", FEEDBACK, {49: "04"}, "byte 49: first record's index: 4 of 4"),
    ("an unknown flag of a record", FEEDBACK, {53: "81"}, "byte 53: record flags: unknown bits 0x01"),
    ("a mean delay below the least", FEEDBACK, {80: "00000001"}, "byte 76: record delays"),
    ("one delay of three that is none", FEEDBACK, {80: "ffffffff"}, "byte 76: record delays: some are none"),
    ("a changed count", FEEDBACK, {59: "e9"}, "byte 140: authenticator: 0xf1eea1b2d6765f12 is stored"),
    ("a trace that is not aligned", with_extension(TRACE), {42: "00310a"}, "byte 43: IOAM option: does not start"),
    ("a hop-by-hop header beyond the packet", with_extension(TRACE), {41: "20"}, "byte 42: hop-by-hop length"),
    ("a hop-by-hop header longer than IPv6 says", with_extension(TRACE), {4: "0030"}, "byte 41: hop-by-hop length"),
    ("an option beyond its header", with_extension(TRACE), {45: "3b"}, "byte 46: hop-by-hop option length: 59 bytes"),
    ("a trace's reserved byte", with_extension(TRACE), {46: "01"}, "byte 46: IOAM reserved"),
    ("a trace's reserved flag", with_extension(TRACE), {50: "2084"}, "byte 50: IOAM Flags"),
    ("a NodeLen that the TraceType contradicts", with_extension(TRACE), {50: "2804"}, "byte 50: IOAM NodeLen: 5 words"),
    ("a RemLen beyond the option", with_extension(TRACE), {51: "0d"}, "byte 51: IOAM RemLen: 13 words of 48 bytes"),
    ("a RemLen inside a node", with_extension(TRACE), {51: "05"}, "byte 92: IOAM node data: 12 bytes are left"),
    ("a TraceType's reserved bit", with_extension(TRACE), {54: "01"}, "byte 52: IOAM TraceType: the reserved bit 23"),
    ("a trace header's reserved byte", with_extension(TRACE), {55: "01"}, "byte 55: IOAM trace reserved"),
    ("an opaque snapshot beyond the option", with_extension(WIDE), {64: "08"}, "IOAM opaque snapshot data: 32 bytes"),
]


def decode(packet, data):
    if packet is REPORT:
        return read_report(data)
    if packet in (PROBE, FEEDBACK):
        return read_message(data)
    return decode_ip(data, Options(5005 if packet is HOPS else 61791))


class Damage(unittest.TestCase):
    def test_what_is_wrong_is_said_with_its_place(self):
        for description, packet, changes, words in DAMAGED:
            with self.subTest(description):
                with self.assertRaises(ValueError) as caught:
                    decode(packet, changed(packet, changes))
                self.assertIn(words, str(caught.exception))

    def test_no_byte_is_left_unread(self):
        for packet in (CNP, SEND, ACK6, HOPS, STRAND, STRAND6, TUNNEL, TUNNEL6, REPORT, PROBE, FEEDBACK):
            read = decode(packet, packet)
            for at in range(len(packet)):
                for flip in (0x01, 0x80, 0xFF):
                    other = changed(packet, {at: f"{packet[at] ^ flip:02x}"})
                    with contextlib.suppress(ValueError):
                        self.assertNotEqual(decode(packet, other), read, f"{packet.hex()}: byte {at} ^ 0x{flip:02x}")

    def test_a_packet_that_is_cut_anywhere_is_malformed(self):
        for packet in (CNP, SEND, ACK6, HOPS, STRAND, STRAND6, TUNNEL, TUNNEL6, REPORT, PROBE, FEEDBACK):
            for size in range(len(packet)):
                with self.assertRaises(ValueError, msg=f"{packet.hex()}: {size} bytes"):
                    decode(packet, packet[:size])

    def test_any_damage_ends_in_a_packet_read_or_a_value_error(self):
        dice = random.Random(1)
        packets = (HOPS, STRAND6, TUNNEL, REPORT, FEEDBACK, with_extension(TRACE), with_extension(WIDE))
        for _ in range(4000):
            packet = dice.choice(packets)
            damaged = bytearray(packet[:dice.randint(len(packet) // 2, len(packet))])
            for _ in range(dice.randint(1, 4)):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            with contextlib.suppress(ValueError):
                decode(packet, bytes(damaged))


class Captures(unittest.TestCase):
    def test_every_rocev2_packet_of_real_rdma_is_read_with_the_right_icrc(self):
        names = [name for name in sorted(os.listdir(DATA)) if name.endswith(".pcap")]
        self.assertGreaterEqual(len(names), 5)
        for name in names:
            found = 0
            for frame in roce.read_frames(os.path.join(DATA, name)):
                other, read = roce.parse(frame.data), decode_frame(frame.data)
                self.assertEqual(other is not None, "roce" in read, name)
                if other is not None:
                    ours = read["roce"]
                    self.assertEqual((ours["opcode"], ours["dest_qpn"], ours["psn"], ours["icrc"]),
                                     (other.opcode, other.flow.dest_qpn, other.psn, other.icrc_stored), name)
                    found += 1
            self.assertGreater(found, 100, name)


class CommandLine(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.capture, self.key = (os.path.join(folder.name, name) for name in ("some.pcap", "key"))

    def write(self, frames, order="<", magic=0xA1B2C3D4, link=1):
        with open(self.capture, "wb") as file:
            file.write(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link))
            for number, data in enumerate(frames):
                file.write(struct.pack(order + "IIII", 7, number, len(data), len(data)) + data)

    def run_on(self, *arguments):
        with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.redirect_stderr(io.StringIO()) as errors:
            code = telemetry_decoder.main([self.capture, *arguments])
        return code, output.getvalue().splitlines(), errors.getvalue()

    def test_a_line_names_a_packet_and_every_field(self):
        self.write([ETHERNET4 + STRAND, ETHERNET6 + TUNNEL6])
        code, lines, errors = self.run_on()
        self.assertEqual((code, len(lines), errors), (0, 2, ""))
        self.assertTrue(lines[0].startswith("frame=1 seconds=7 fraction=0 ethernet={destination=02:00:00:00:00:02"))
        self.assertIn("hops=[] order={sequence=7 gateway=7 path=2 lane=1 epoch=3} departure=232497438}", lines[0])
        self.assertIn("original=(68 bytes) restored={ipv6={", lines[1])

    def test_json_has_an_object_a_packet_in_captures_of_either_order_and_resolution(self):
        for order in "<>":
            for magic in (0xA1B2C3D4, 0xA1B23C4D):
                self.write([ETHERNET4 + STRAND, ETHERNET4 + HOPS], order, magic)
                code, lines, _ = self.run_on("--json")
                first, second = map(json.loads, lines)
                self.assertEqual((code, first["int"], first["original"]), (0, TAG_INT, SEND.hex()))
                self.assertEqual((second["frame"], second["fraction"], second["udp"]), (2, 1, HOPS_UDP))

    def test_the_ports_of_int_and_reports_are_given(self):
        self.write([ETHERNET4 + HOPS, ETHERNET4 + udp4(REPORT, 32766)])
        code, lines, _ = self.run_on("--json", "--int-port", "5005", "--report-port", "32766")
        hops, reported = map(json.loads, lines)
        self.assertEqual((code, hops["int"], reported["report"]["node"]), (0, HOPS_INT, 3))

    def test_messages_are_checked_with_a_key_in_hex_or_in_a_file(self):
        self.write([ETHERNET4 + udp4(PROBE, 61792)])
        for content in (KEY, KEY.hex().encode() + b"\n"):
            with open(self.key, "wb") as file:
                file.write(content)
            code, lines, _ = self.run_on("--json", "--key", self.key)
            self.assertEqual((code, json.loads(lines[0])["message"]), (0, PROBE_READ))
        code, lines, _ = self.run_on("--key", KEY[::-1].hex())
        self.assertEqual(code, 1)
        self.assertIn("byte 86: authenticator: 0x41ca4222462b13e8 is stored", lines[0])
        self.assertEqual(self.run_on()[0], 0)

    def test_malformed_packets_are_named_and_the_rest_is_read(self):
        self.write([ETHERNET4 + STRAND, ETHERNET4 + STRAND + b"\0", ETHERNET6 + STRAND, ETHERNET4 + CNP])
        code, lines, errors = self.run_on()
        self.assertEqual((code, len(lines)), (1, 4))
        self.assertIn("malformed=byte 106: Ethernet padding: 1 bytes", lines[1])
        self.assertIn("malformed=byte 14: IP version: not the 6 of EtherType 0x86dd", lines[2])
        self.assertIn("2 of 4 frames are malformed: 2, 3", errors)

    def test_a_capture_that_cannot_be_used_is_refused(self):
        for link, size in ((113, 24), (1, 23)):
            self.write([], link=link)
            os.truncate(self.capture, size)
            code, lines, errors = self.run_on()
            self.assertEqual((code, lines), (2, []))
            self.assertIn("link type 113" if link == 113 else "cut short in the file's header", errors)


if __name__ == "__main__":
    unittest.main()
