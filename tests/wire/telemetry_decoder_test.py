#!/usr/bin/env python3
"""telemetry_decoder.py reads the golden vectors field by field, and says of damaged packets what is wrong where."""
import contextlib
import io
import json
import os
import struct
import tempfile
import unittest

import roce
import telemetry_decoder
from decoding import bth, message
from decoding.octets import Reader
from decoding.packet import Options, cut_packet, decode_frame, decode_ip
from golden import (ACK6, ACK6_IP, ACK6_READ, ACK6_ROCE, ACK6_UDP, CNP, CNP_READ, ETHERNET4, ETHERNET6, FEEDBACK,
                    FEEDBACK_READ, HOPS, HOPS_INT, HOPS_IP, HOPS_UDP, KEY, PROBE, PROBE_READ, REPORT, REPORT_FRAME,
                    REPORT_READ, REPORT_TLV, SEND, SEND_IP, SEND_READ, SEND_UDP, STRAND, STRAND6, TAG_INT, TRACE,
                    TUNNEL, TUNNEL6, TUNNEL_INT, WIDE, changed, read_message, read_report, udp4, with_extension)

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")


class Vectors(unittest.TestCase):
    maxDiff = None

    def test_rocev2_is_read_in_full_over_ipv4_and_ipv6(self):
        self.assertEqual(decode_ip(CNP), CNP_READ)
        self.assertEqual(decode_ip(SEND), SEND_READ)
        self.assertEqual(decode_ip(ACK6), ACK6_READ)

    def test_every_extended_header_is_read(self):
        address = "1122334455667788 0000abcd "
        reth = {"va": 0x1122334455667788, "rkey": 0xABCD, "length": 4096}
        for opcode, text, headers in (
                ("06", address + "00001000", {"reth": reth}),
                ("2b", address + "00001000 01020304", {"reth": reth, "immdt": {"data": 0x01020304}}),
                ("03", "01020304", {"immdt": {"data": 0x01020304}}),
                ("10", "1f000102", {"aeth": {"syndrome": 31, "msn": 258}}),
                ("12", "1f000102 0000000000000009", {"aeth": {"syndrome": 31, "msn": 258},
                                                     "atomicacketh": {"original": 9}}),
                ("13", address + "0000000000000001 0000000000000002",
                 {"atomiceth": {"va": reth["va"], "rkey": 0xABCD, "swap_or_add": 1, "compare": 2}}),
                ("17", "0000abcd", {"ieth": {"rkey": 0xABCD}}),
                ("65", "80010000 00000123 01020304", {"deth": {"qkey": 0x80010000, "reserved": 0, "source_qp": 0x123},
                                                      "immdt": {"data": 0x01020304}})):
            reader = Reader(bytes.fromhex(opcode + "80ffff 00000011 80000007" + text))
            found = bth.decode(reader, b"", b"", whole=False)
            self.assertEqual(reader.left, 0, opcode)
            self.assertEqual({name: value for name, value in found.items() if isinstance(value, dict)}, headers)
            self.assertEqual((found["solicited"], found["ack_request"]), (1, 1))

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

    def test_int_that_says_nothing_is_read(self):
        self.assertEqual(decode_ip(udp4(bytes.fromhex("140312b8 200000080000000000000000"), 61791))["int"], {
            **HOPS_INT, "length": 3, "original_port": 4792, "hop_words": 0, "remaining_hops": 8, "bitmap": 0,
            "hops": []})

    def test_a_udp_header_added_before_another_is_taken_away(self):
        before = udp4(b"some", 99)
        added = bytes.fromhex("18030011 200000080000000000000000")
        self.assertEqual(decode_ip(udp4(added + before[20:], 61791))["original"], before)

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

    def test_a_report_of_a_cut_packet_alone_is_read(self):
        found, = read_report(REPORT_TLV)["reports"]
        self.assertEqual(found, {
            "rep_type": 0, "in_type": 1, "length": 10, "md_length": 0, "dropped": 0, "congested_queue": 0,
            "tracked_flow": 0, "intermediate": 0, "tlvs": [
                {"tlv_type": 2, "template": 0, "inner": CNP[:28],
                 "inner_headers": {"ipv4": CNP_READ["ipv4"], "udp": CNP_READ["udp"]}},
                {"tlv_type": 0, "template": 0x1234, "inner": b"\xde\xad\xbe\xef"}]})

    def test_a_report_of_the_order_tag_and_a_frame_is_read(self):
        found, = read_report(REPORT_FRAME)["reports"]
        self.assertEqual(found, {
            "rep_type": 1, "in_type": 3, "length": 15, "md_length": 4, "dropped": 1, "congested_queue": 0,
            "tracked_flow": 0, "intermediate": 1, "md_bits": 1, "domain": 0x4257, "ds_md_bits": 0xC000,
            "ds_md_status": 0xBEEF, "metadata": {"drop_queue": 1, "drop_reason": 2, "drop_pad": 0},
            "order": TAG_INT["order"], "departure": TAG_INT["departure"], "inner": ETHERNET4 + CNP[:22],
            "inner_headers": {"ethernet": {"destination": "02:00:00:00:00:02", "source": "02:00:00:00:00:01",
                                           "tags": [], "type": 0x0800}, "ipv4": CNP_READ["ipv4"]}})

    def test_of_a_cut_packet_with_int_what_is_there_is_restored(self):
        found = cut_packet("ipv4", STRAND[:68], 0, Options())
        self.assertEqual((found["original"], found["restored"]["udp"], found["restored"]["roce"]["psn"]),
                         (SEND[:40], SEND_UDP, 0xCF1710))
        self.assertEqual(list(cut_packet("ipv4", STRAND[:55], 0, Options())), ["ipv4", "udp"])

    def test_messages_between_gateways_are_read_in_full(self):
        self.assertEqual(read_message(PROBE), PROBE_READ)
        self.assertEqual(read_message(FEEDBACK), FEEDBACK_READ)
        self.assertIsNone(message.decode(Reader(changed(PROBE, {51: "00"})))["authentic"])

    def test_a_feedback_without_a_path_is_read(self):
        nothing = changed(FEEDBACK[:60], {2: "003c", 48: "00000000"})
        self.assertEqual(message.decode(Reader(nothing))["records"], [])

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

    def test_a_trace_no_node_wrote_into_is_read(self):
        option, = decode_ip(with_extension(changed(TRACE, {11: "0c"})))["hop_by_hop"]["options"]
        self.assertEqual((option["remaining_words"], option["nodes"]), (12, []))

    def test_other_options_and_ioam_of_other_types_are_shown_as_they_are(self):
        options = decode_ip(with_extension(bytes.fromhex("1101 0100 31060001 aabbccdd 0502ffff")))["hop_by_hop"]
        self.assertEqual(options["options"], [{"option": 0x31, "ioam_type": 1, "data": b"\xaa\xbb\xcc\xdd"},
                                              {"option": 5, "data": b"\xff\xff"}])
        alone = changed(with_extension(TRACE)[:104], {4: "0040", 40: "3b"})
        self.assertEqual(list(decode_ip(alone)), ["ipv6", "hop_by_hop"])

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
