"""What publishing path tables costs the rate, and whether it loses a packet.

Rate: one gateway, samples without (A) and with (B) publishing by turns, A-B-A-B, every second round B-A-B-A. Loss: a
capture is played once through a gateway that publishes meanwhile; when it has been received to its end, as many packets
must have gone out. The drop counters must not move during the samples of B either.

Every table is published for a user's request, `set weight` over the gateway's own API on one kept connection, and moves
a part of the slots. The requests are made, and answered, on the control core.
"""
import contextlib
import dataclasses
import http.client
import itertools
import json
import pathlib
import socket
import statistics
import time
import urllib.parse

import frames
import measure
import memory
from measure import say
from peers import Braidway
from process import BenchError

QPS = 64
PER_SECOND = 1000
WEIGHTS = (2, 1)  # the other paths have 1: 15 % of the slots move if there are four paths
PLAYED_FRAMES = 2_000_000
SETTLE_SECONDS = 0.5  # for what is still on its way when a capture has been received to its end


class Publisher(http.client.HTTPConnection):
    """A client of the gateway's API that has a new path table published PER_SECOND times a second. A late request is
    followed by the next ones at once, so that the rate holds on average."""

    def __init__(self, socket_path):
        super().__init__("localhost", timeout=10)
        self._socket_path = str(socket_path)
        self._weights = itertools.cycle(WEIGHTS)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._socket_path)

    def publish(self):
        """Returns the generation of the path table then."""
        form = urllib.parse.urlencode({"path": "fabric0", "weight": next(self._weights)})
        self.request("POST", "/v1/set/weight", form, {"Content-Type": "application/x-www-form-urlencoded"})
        response = self.getresponse()
        answer = json.loads(response.read())
        if response.status != 200:
            raise BenchError(f"braidway refused to set a weight: {answer.get('error', answer)}")
        return answer["generation"]

    def publish_while(self, condition):
        """Returns how many tables have been published, by the gateway's own count."""
        begin = time.monotonic()
        first = last = self.publish()
        for number in itertools.count(1):
            if not condition():
                return last - first + 1
            time.sleep(max(0.0, begin + number / PER_SECOND - time.monotonic()))
            last = self.publish()


def _sample_publishing(braidway, seconds):
    published = []

    def publish(length):
        with contextlib.closing(Publisher(braidway.socket_path)) as publisher:
            end = time.monotonic() + length
            published.append(publisher.publish_while(lambda: time.monotonic() < end))

    result, first, last = measure.sample(braidway, seconds, braidway.dropped, meanwhile=publish)
    return result | {"published": published[0], "dropped": last - first}


def _measure_round(setup, build, seconds, backwards):
    """{"quiet": [sample, sample], "publishing": [sample, sample]}"""
    result = {"quiet": [], "publishing": []}
    plan = ("quiet", "publishing") * 2
    with Braidway(setup, build) as braidway:
        for what in reversed(plan) if backwards else plan:
            result[what].append(_sample_publishing(braidway, seconds) if what == "publishing" else
                                measure.sample(braidway, seconds)[0])
    return result


def _write_played(capture, played):
    """Repeats the capture's frames; returns how many there are."""
    ring = capture.read_bytes()
    header, records = ring[:frames.FILE_HEADER_OCTETS], ring[frames.FILE_HEADER_OCTETS:]
    times = -(-PLAYED_FRAMES // frames.frame_count(QPS))
    with open(played, "wb") as out:
        out.write(header)
        for _ in range(times):
            out.write(records)
    return times * frames.frame_count(QPS)


def _play(setup, build, count):
    """Plays the capture once: {"frames", "transmitted", "published"}."""
    with Braidway(setup, build) as braidway:
        braidway.wait_first_packet()
        braidway.wait_for("opened its API", braidway.socket_path.exists)
        with contextlib.closing(Publisher(braidway.socket_path)) as publisher:
            give_up = time.monotonic() + 60
            published = publisher.publish_while(lambda: braidway.received() < count and time.monotonic() < give_up)
        settled = time.monotonic() + SETTLE_SECONDS
        while braidway.transmitted() < count and time.monotonic() < settled:
            time.sleep(0.001)
        if published < 2:
            raise BenchError("the capture had been played before path tables were published: loss was not measured")
        return {"frames": count, "received": braidway.received(), "transmitted": braidway.transmitted(),
                "published": published}


def evaluate(rounds, played):
    """The figures; `lost` counts both what the plays lack at the end and what the samples saw dropped."""
    def mean(result, what):
        return statistics.mean(sample["pps"] for sample in result[what])

    ratios = [mean(result, "publishing") / mean(result, "quiet") for result in rounds]
    against_itself = [first["pps"] / second["pps"] for first, second in (result["quiet"] for result in rounds)]
    publishing = [sample for result in rounds for sample in result["publishing"]]
    return {
        "ratio": statistics.median(ratios),
        "spread": measure.spread(ratios),
        "noise": measure.spread(against_itself),
        "published_per_second": sum(sample["published"] for sample in publishing) /
                                sum(sample["seconds"] for sample in publishing),
        "lost": sum(play["frames"] - play["transmitted"] for play in played) +
                sum(sample["dropped"] for sample in publishing),
        "rounds": rounds,
        "played": played,
    }


def measure_publish(setup, args):
    """All rounds; `setup` is that of the packet rates, its number of QPs apart."""
    setup = dataclasses.replace(setup, qps=QPS)
    once = dataclasses.replace(setup, capture=str(setup.directory / "once.pcap"), endless=False)
    frames.write(setup.capture, QPS)
    count = _write_played(pathlib.Path(setup.capture), once.capture)
    rounds, played = [], []
    with memory.hugepages(setup.memory_mib):
        for number in range(args.pairs):
            rounds.append(_measure_round(setup, args.build, args.seconds, number % 2))
            played.append(_play(once, args.build, count))
            rates = ", ".join(f"{what} " + " ".join(f"{sample['pps'] / 1e6:.2f}" for sample in samples)
                              for what, samples in rounds[-1].items())
            say(f"bench: publishing, round {number + 1} of {args.pairs}, Mpps: {rates}; played "
                f"{played[-1]['frames']:,} frames, {played[-1]['transmitted']:,} went out, "
                f"{played[-1]['published']} tables meanwhile")
    return evaluate(rounds, played)


def table(figures):
    played, published = (sum(play[what] for play in figures["played"]) for what in ("frames", "published"))
    shares = [sample["core_share"] for result in figures["rounds"] for samples in result.values() for sample in samples]
    return [f"\n{figures['published_per_second']:.0f} path tables published a second, {QPS} QPs",
            f"  rate with / without: {figures['ratio']:.4f}, spread {figures['spread']:.4f}; "
            f"without against itself: spread {figures['noise']:.4f}",
            f"  packets lost: {figures['lost']}; {played:,} frames were played while {published:,} tables were "
            "published",
            *measure.core_share_notes(min(shares))]
