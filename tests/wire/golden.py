"""Packets written out byte by byte, and what each of their fields must be read as.

HOPS, REPORT, STRAND, TUNNEL and the packets they carry are the golden vectors of Braidway's wire-format reference; the
others are composed by hand from its text. Below them, what tests need to change and to read them.
"""
import struct

from decoding import message, report
from decoding.octets import Reader
from decoding.packet import Options, cut_packet, decode_ip

KEY = bytes(range(16))
ETHERNET4, ETHERNET6 = (bytes.fromhex("020000000002 020000000001" + kind) for kind in ("0800", "86dd"))

# A congestion notification of a ConnectX-4 Lx, and a UC SEND only.
CNP = bytes.fromhex("45c2003c718c4000401191610a0011010a001201 000012b700280000 8100ffff4000011800000000" + "00" * 16
                    + "82fd002a")
SEND = bytes.fromhex("45010040047840004011b4d5c0a80007c0a80007 c00012b7002caca2 2460ffff000000d300cf1710"
                     "4630818be28935d90e9a95505401be885e50 0000 78f353f3")
# An ACK of soft-RoCE over IPv6, from tests/data.
ACK6 = bytes.fromhex("60000000001c1140 fd770000000000000000000000000001 fd770000000000000000000000000002"
                     "c2d912b7001c0000 1100ffff0000001b001557ed 1f000001 93c603c6")
# The CNP with two hops of INT at port 5005.
HOPS = bytes.fromhex("45c2006c718c4000401191310a0011010a001201 0000138d00580000 140b12b7 20000406f000000000000000"
                     "00000002 00050006 000005dc 01000064  00000001 00030004 00000384 00000007"
                     "8100ffff4000011800000000" + "00" * 16 + "82fd002a")
# The SEND on a strand and in a tunnel.
TAG = "20000008 0000 4257 c000 0000 00000007 0007 02 13 0ddba11e"
STRAND = bytes.fromhex("4501005c047840004011b4b9c0a80007c0a80007 c000f15f0048d389 140612b7" + TAG) + SEND[28:]
TUNNEL = bytes.fromhex("4501007800004000401126650a0000070a000009 c0def15f00640000 18060004" + TAG) + SEND
# The ACK on a strand and in a tunnel over IPv6.
STRAND6 = bytes.fromhex("6000000000381140") + ACK6[8:40] + bytes.fromhex("c2d9f15f00380000 140612b7" + TAG) + ACK6[48:]
TUNNEL6 = bytes.fromhex("6120007700681140 fd000000000000000000000000000007 fd000000000000000000000000000009"
                        "c0def15f00680000 18060029" + TAG) + ACK6
REPORT = bytes.fromhex("20400005 00000003 14170220 50000000 00000000 00070008 01000037") + HOPS[:76]
# The CNP's first words and a domain's own, as TLVs; a frame's first words behind metadata of Braidway's domain.
REPORT_TLV = bytes.fromhex("20000001 00000009 010a0000 20070000") + CNP[:28] + bytes.fromhex("00011234 deadbeef")
REPORT_FRAME = bytes.fromhex("20000001 00000009 130f0490 00014257 c000beef 01020000"
                             "00000007 00070213 0ddba11e") + ETHERNET4 + CNP[:22]
# Three nodes' room, two of it filled; and wide data with opaque snapshots.
TRACE = bytes.fromhex("1107 0100 313a0000 00012004f0000000" + "00" * 16 +
                      "3e000002 00050006 6553f100 000186a0  3f000001 00030004 6553f0ff ffffffff")
WIDE = bytes.fromhex("1105 0100 31260000 007b140000800200"
                     "3e00000000000002 01000007deadbeef 3fffffffffffffff 00ffffff 01020000")
# The authenticators are what OpenSSL's SIPHASH writes for these bytes and KEY.
PROBE = bytes.fromhex("01010034 00010002 1122334455667788 0000000000000000 0000000000000001 000000003b9aca00"
                      "0003 02 11 e8132b462242ca41")
FEEDBACK = bytes.fromhex(
    "01020094 00020001 9988776655443322 1122334455667788 0000000000000102 000000012a05f200 0003 01 00"
    "00000003 02 02 0004"
    "02 90 0007 000003e8 0000000000100000 00000005 00000002 0000012c 00000514 000009c4 25005800 0001e240"
    "03 40 0008 fffffffe 00000001ffffffff 00000000 00000000 ffffffff ffffffff ffffffff ffffffff 00000000"
    "5ac1d366dfc04f24")

CNP_ROCE = {"opcode": 0x81, "name": "CNP", "class": "CNP", "solicited": 0, "migration": 0, "pad": 0, "version": 0,
            "pkey": 0xFFFF, "fecn": 0, "becn": 1, "resv8a": 0, "dest_qpn": 0x118, "ack_request": 0, "reserved": 0,
            "psn": 0, "payload": bytes(16), "icrc": 0x2A00FD82}
CNP_IP = {"dscp": 48, "ecn": 2, "total_length": 60, "id": 0x718C, "df": 1, "mf": 0, "offset": 0, "ttl": 64,
          "protocol": 17, "checksum": 0x9161, "source": "10.0.17.1", "destination": "10.0.18.1"}
CNP_UDP = {"source_port": 0, "destination_port": 4791, "length": 40, "checksum": 0}
CNP_READ = {"ipv4": CNP_IP, "udp": CNP_UDP, "roce": CNP_ROCE}
SEND_IP = {"dscp": 0, "ecn": 1, "total_length": 64, "id": 0x478, "df": 1, "mf": 0, "offset": 0, "ttl": 64,
           "protocol": 17, "checksum": 0xB4D5, "source": "192.168.0.7", "destination": "192.168.0.7"}
SEND_UDP = {"source_port": 0xC000, "destination_port": 4791, "length": 44, "checksum": 0xACA2}
SEND_READ = {"ipv4": SEND_IP, "udp": SEND_UDP, "roce": {
    "opcode": 0x24, "name": "SEND only", "class": "UC", "solicited": 0, "migration": 1, "pad": 2, "version": 0,
    "pkey": 0xFFFF, "fecn": 0, "becn": 0, "resv8a": 0, "dest_qpn": 0xD3, "ack_request": 0, "reserved": 0,
    "psn": 0xCF1710, "payload": bytes.fromhex("4630818be28935d90e9a95505401be885e50"), "icrc": 0xF353F378}}
ACK6_IP = {"dscp": 0, "ecn": 0, "flow_label": 0, "payload_length": 28, "next_header": 17, "hop_limit": 64,
           "source": "fd77::1", "destination": "fd77::2"}
ACK6_UDP = {"source_port": 0xC2D9, "destination_port": 4791, "length": 28, "checksum": 0}
ACK6_ROCE = {"opcode": 0x11, "name": "ACK", "class": "RC", "solicited": 0, "migration": 0, "pad": 0, "version": 0,
             "pkey": 0xFFFF, "fecn": 0, "becn": 0, "resv8a": 0, "dest_qpn": 0x1B, "ack_request": 0, "reserved": 0,
             "psn": 0x1557ED, "aeth": {"syndrome": 0x1F, "msn": 1}, "payload": b"", "icrc": 0xC603C693}
ACK6_READ = {"ipv6": ACK6_IP, "udp": ACK6_UDP, "roce": ACK6_ROCE}
HOPS_INT = {"type": 1, "npt": 1, "length": 11, "original_port": 4791, "version": 2, "discard": 0, "hops_exceeded": 0,
            "mtu_exceeded": 0, "hop_words": 4, "remaining_hops": 6, "bitmap": 0xF000, "domain": 0,
            "ds_instruction": 0, "ds_flags": 0,
            "hops": [{"node": 2, "l1_ingress": 5, "l1_egress": 6, "hop_latency": 1500, "queue": 1,
                      "queue_occupancy": 100},
                     {"node": 1, "l1_ingress": 3, "l1_egress": 4, "hop_latency": 900, "queue": 0,
                      "queue_occupancy": 7}]}
HOPS_IP = {**CNP_IP, "total_length": 108, "checksum": 0x9131}
HOPS_UDP = {**CNP_UDP, "destination_port": 5005, "length": 88}
TAG_INT = {"type": 1, "npt": 1, "length": 6, "original_port": 4791, "version": 2, "discard": 0, "hops_exceeded": 0,
           "mtu_exceeded": 0, "hop_words": 0, "remaining_hops": 8, "bitmap": 0, "domain": 0x4257,
           "ds_instruction": 0xC000, "ds_flags": 0, "hops": [],
           "order": {"sequence": 7, "gateway": 7, "path": 2, "lane": 1, "epoch": 3}, "departure": 0x0DDBA11E}
TUNNEL_INT = {"type": 1, "npt": 2, "length": 6, "original_protocol": 4,
              **{name: value for name, value in TAG_INT.items() if name not in ("npt", "original_port")}}
REPORT_READ = {
    "version": 2, "hw_id": 1, "sequence": 5, "node": 3, "reports": [{
        "rep_type": 1, "in_type": 4, "length": 23, "md_length": 2, "dropped": 0, "congested_queue": 0,
        "tracked_flow": 1, "intermediate": 0, "md_bits": 0x5000, "domain": 0, "ds_md_bits": 0, "ds_md_status": 0,
        "metadata": {"l1_ingress": 7, "l1_egress": 8, "queue": 1, "queue_occupancy": 55}, "inner": HOPS[:76],
        "inner_headers": {"ipv4": HOPS_IP, "udp": HOPS_UDP, "int": HOPS_INT, "original": CNP[:28],
                          "restored": {"ipv4": CNP_IP, "udp": CNP_UDP}}}]}
PROBE_READ = {"version": 1, "type": 1, "length": 52, "sender": 1, "receiver": 2, "sender_boot": 0x1122334455667788,
              "receiver_boot": 0, "sequence": 1, "time_sent": 1_000_000_000, "generation": 3, "path": 2, "lane": 1,
              "blocked": 1, "authenticator": 0x41CA4222462B13E8, "authentic": True}
FEEDBACK_READ = {
    "version": 1, "type": 2, "length": 148, "sender": 2, "receiver": 1, "sender_boot": 0x9988776655443322,
    "receiver_boot": 0x1122334455667788, "sequence": 258, "time_sent": 5_000_000_000, "generation": 3, "path": 1,
    "lane": 0, "blocked": 0, "restores_order": 1, "reads_tunnels": 1, "ioam": 0, "record_count": 2,
    "first_record": 2, "announced_paths": 4, "records": [
        {"path": 2, "heard": 1, "fifo_lost": 0, "counted": 0, "period": 7, "packets": 1000, "bytes": 1048576, "ce_marked": 5,
         "late": 2, "delay_min": 300, "delay_mean": 1300, "delay_max": 2500, "utilisation": 37, "deepest_queue": 22528,
         "longest_hold": 123456},
        {"path": 3, "heard": 0, "fifo_lost": 1, "counted": 0, "period": 8, "packets": 0xFFFFFFFE, "bytes": 0x1FFFFFFFF,
         "ce_marked": 0, "late": 0, "delay_min": None, "delay_mean": None, "delay_max": None, "utilisation": None,
         "deepest_queue": None,
         "longest_hold": 0}],
    "authenticator": 0x244FC0DF66D3C15A, "authentic": True}


def udp4(payload, port):
    """An IPv4 packet of 10.0.0.1 to 10.0.0.2 without a UDP checksum."""
    header = bytearray(struct.pack(">BBHHHBBHII", 0x45, 0, 28 + len(payload), 0, 0x4000, 64, 17, 0, 10 << 24 | 1,
                                   10 << 24 | 2))
    header[10:12] = (0xFFFF - sum(struct.unpack(">10H", header)) % 0xFFFF).to_bytes(2, "big")
    return bytes(header) + struct.pack(">HHHH", 49152, port, 8 + len(payload), 0) + payload


def with_extension(header):
    """The ACK behind a hop-by-hop header, which came after the ICRC was made."""
    return ACK6[:4] + (28 + len(header)).to_bytes(2, "big") + b"\0" + ACK6[7:40] + header + ACK6[40:]


def changed(data, changes):
    """`changes`: hex by offset."""
    data = bytearray(data)
    for at, text in changes.items():
        data[at:at + len(text) // 2] = bytes.fromhex(text)
    return bytes(data)


def read_report(payload):
    """A report's UDP payload; INT inside has port 5005."""
    return report.decode(Reader(payload), lambda *inner: cut_packet(*inner, Options(5005)))


def read_message(payload):
    return message.decode(Reader(payload), KEY)


def read(packet, data):
    """`data` as what `packet` is: an IP packet, a report or a message, by its first four bits."""
    if packet[0] >> 4 not in (4, 6):
        return read_report(data) if packet[0] >> 4 == report.VERSION else read_message(data)
    return decode_ip(data, Options(5005 if packet is HOPS else 61791))
