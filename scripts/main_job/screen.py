"""What the run shows once a second: a table that stays in place on a terminal, plain lines anywhere else."""
import dataclasses
import os
import sys


@dataclasses.dataclass(frozen=True)
class Second:
    """One second of the run. Packets and bytes of a path are those of both ways."""
    number: int
    of: int
    frames_per_second: float
    gigabits_per_second: float
    sent: int
    dropped: int
    reordered: int
    icrc_errors: int
    paths: list  # of (name, packets in this second, packets so far)


def shares(packets):
    """The share of each; zeros where there is nothing to share."""
    total = sum(packets)
    return [count / total if total else 0.0 for count in packets]


def line(second):
    now = shares([packets for _, packets, _ in second.paths])
    paths = "  ".join(f"{name} {100 * share:.1f}%" for (name, _, _), share in zip(second.paths, now))
    return (f"{second.number:4} s  {second.frames_per_second:,.0f} frames/s  {second.gigabits_per_second:.2f} Gbit/s  "
            f"{paths}  dropped {second.dropped}  reordered {second.reordered}  ICRC errors {second.icrc_errors}")


def table(second):
    now = shares([packets for _, packets, _ in second.paths])
    ever = shares([packets for _, _, packets in second.paths])
    rows = [f"second {second.number} of {second.of}    {second.frames_per_second:,.0f} frames/s    "
            f"{second.gigabits_per_second:.2f} Gbit/s    {second.sent:,} frames sent",
            f"  {'path':<12} {'share now':>10} {'in all':>8} {'packets':>16}"]
    rows += [f"  {name:<12} {100 * share:9.1f}% {100 * overall:7.1f}% {packets:16,}"
             for (name, _, packets), share, overall in zip(second.paths, now, ever)]
    return rows + [f"  dropped {second.dropped}    reordered {second.reordered}    ICRC errors {second.icrc_errors}"]


class ScreenClosed(Exception):
    """Nobody reads what the run shows any more."""


class Screen:
    def __init__(self, out=sys.stdout):
        self._out = out
        self._live = out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._height = 0

    def say(self, text):
        self._height = 0
        self._write(text + "\n")

    def show(self, second):
        if not self._live:
            self.say(line(second))
            return
        rows = table(second)
        back = f"\x1b[{self._height}F\x1b[J" if self._height else ""
        self._write(back + "\n".join(rows) + "\n")
        self._height = len(rows)

    def _write(self, text):
        try:
            self._out.write(text)
            self._out.flush()
        except OSError as error:
            raise ScreenClosed(f"stdout cannot be written: {error}") from error
