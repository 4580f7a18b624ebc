#!/usr/bin/env python3
"""The main job, as scripts/run starts it:   job.py BUILD SECONDS HUGEPAGES(0|1) JSON-FILE-OR-NOTHING POLICY TRACE-FILE-OR-NOTHING

    traffic client - vhost - gateway a - four vhost/virtio_user paths - gateway b - vhost - traffic server
"""
import json
import os
import sys
import time

from children import Children, Interrupted, JobError
from gateway import RING, Gateway
from screen import Screen, ScreenClosed, Second
import verdict

START = 20          # seconds a gateway may take to answer, and the paths to come up
DRAIN = 30          # seconds the traffic may take, beyond its time, to start and to bring in what is under way
OUTSTANDING = RING // 4  # unacknowledged packets of each end: what no ring on the way has to refuse
QPS = 256           # enough flows for every path to get its share
MESSAGE_BYTES = 8192


class Job:
    def __init__(self, build, seconds, hugepages, policy, trace, directory, screen):
        self._build = build
        self._seconds = seconds
        self._hugepages = hugepages
        self._policy = policy
        self._trace = trace
        self._directory = directory
        self._screen = screen
        self._last = (None, {}, {})  # when, packets and bytes of each path
        self._traffic_cpu = 0.0

    def run(self, children):
        """The result and whether it was cut short."""
        begin = time.monotonic()
        gateways, daemons = [], []
        for side in ("a", "b"):
            gateway = Gateway(side, self._directory, self._hugepages, self._policy)
            daemons.append(children.start(f"gateway {side}", self._program("ctrl/braidway"), "run", gateway.config))
            children.wait_for(f"gateway {side} to answer", gateway.answers, START)
            gateways.append(gateway)
        children.wait_for("all paths to come up", lambda: all(each.all_paths_live() for each in gateways), START)
        start_seconds = time.monotonic() - begin
        memory = "hugepages" if all(each.show("stats")["hugepages"] for each in gateways) else "ordinary memory"
        self._screen.say(f"two gateways with {len(gateways[0].paths())} paths between them, on {memory}, "
                         f"are up after {start_seconds:.2f} s")

        if self._trace:
            gateways[0].change("record/start", file=self._trace)
        cpu = [-daemon.cpu_seconds() for daemon in daemons]
        traffic, cut_short = self._carry_traffic(children, gateways)
        if self._trace:
            gateways[0].change("record/stop")
        cpu = [used + daemon.cpu_seconds() for used, daemon in zip(cpu, daemons)]
        run = verdict.result(
            traffic, verdict.add_drops(each.show("drops") for each in gateways),
            verdict.add_paths(each.paths() for each in gateways),
            {"start_seconds": start_seconds, "hugepages": memory == "hugepages",
             "cpu_seconds": {"gateway a": cpu[0], "gateway b": cpu[1], "traffic": self._traffic_cpu},
             "forecast": [each.forecast() for each in gateways]})
        for daemon in reversed(daemons):
            daemon.may_end = True
            if daemon.end() != 0:
                raise JobError(f"{daemon.fate()} when it was asked to end")
        return run, cut_short

    def _program(self, name):
        return os.path.join(self._build, name)

    def _carry_traffic(self, children, gateways):
        """Runs the traffic program to its end. Its results and whether a signal ended it early."""
        results = os.path.join(self._directory, "traffic.json")
        devices = [f"net_virtio_user{i},path={gateway.host_socket},queue_size={RING}"
                   for i, gateway in enumerate(gateways)]
        traffic = children.start(
            "traffic", self._program("bench/traffic/braidway-traffic"), "--client-device", devices[0],
            "--server-device", devices[1], "--operation", "mix", "--both-ways", "--qps", QPS, "--message-bytes", MESSAGE_BYTES,
            "--outstanding", OUTSTANDING, "--wait", START, "--seconds", self._seconds, "--progress",
            "--hold", "--json", results, *([] if self._hugepages else ["--no-huge"]), spoken=True)
        children.wait_for("the traffic program's ports", lambda: "both ports are up" in traffic.lines(), START)
        # A gateway drops what goes to a port that it does not know to be up yet.
        children.wait_for("the host ports to come up", lambda: all(each.host_up() for each in gateways), START)
        traffic.may_end = True
        traffic.tell("go")
        cut_short = False
        deadline = time.monotonic() + START + self._seconds + DRAIN
        while traffic.code is None:
            if time.monotonic() > deadline:
                raise JobError(f"the traffic program has not ended {START + DRAIN} s after its time")
            try:
                children.wait(1.0)
            except Interrupted:
                if cut_short:  # for the second time: not even a summary is wanted
                    raise
                cut_short = True
                traffic.ask_to_end()
            for text in traffic.lines():
                self._show(text, traffic, gateways)
        try:
            with open(results) as file:
                return json.load(file), cut_short
        except (OSError, ValueError):
            if cut_short:
                raise Interrupted from None
            raise JobError(f"{traffic.fate()} without a result") from None

    def _show(self, text, traffic, gateways):
        """Shows one progress line of the traffic program beside what the gateways have counted by now."""
        if not text.startswith("{"):
            return  # its own summary
        progress = json.loads(text)
        self._traffic_cpu = traffic.cpu_seconds() or self._traffic_cpu
        then, packets_then, bytes_then = self._last
        now = time.monotonic()
        paths = verdict.add_paths(each.paths() for each in gateways)
        self._last = (now, {name: packets for name, packets, _ in paths}, {name: size for name, _, size in paths})
        elapsed = now - then if then is not None else progress["second"]
        gained = sum(size - bytes_then.get(name, 0) for name, _, size in paths)
        self._screen.show(Second(
            number=progress["second"], of=self._seconds, frames_per_second=progress["frames_per_second"],
            gigabits_per_second=gained * 8 / 1e9 / elapsed, sent=progress["sent"],
            dropped=sum(verdict.add_drops(each.show("drops") for each in gateways).values()),
            reordered=progress["reordered"], icrc_errors=progress["icrc_errors"],
            paths=[(name, packets - packets_then.get(name, 0), packets) for name, packets, _ in paths]))


def summary(run):
    seconds = max(run["seconds"], 1e-3)
    yield f"{run['seconds']:.1f} s of RoCEv2 over {QPS} queue pairs:"
    yield (f"  frames     {run['sent']:,} sent, {run['delivered']:,} delivered, {run['lost']:,} lost "
           f"({run['sent'] / seconds:,.0f} a second)")
    yield (f"  order      {run['reordered']:,} reordered, {run['duplicates']:,} duplicates, "
           f"{run['retransmitted']:,} retransmitted")
    yield (f"  content    {run['icrc_errors']:,} ICRC errors, {run['payload_errors']:,} payload errors, "
           f"{run['protocol_errors']:,} protocol errors")
    yield "  drops      " + (", ".join(f"{name} {count:,}" for name, count in run["drops"].items()) or "none")
    yield "  paths      " + ", ".join(f"{path['name']} {path['packets']:,} ({100 * path['share']:.1f}%)"
                                      for path in run["paths"])
    yield "  processor  " + ", ".join(f"{name} {100 * used / seconds:.0f}%"
                                      for name, used in run["cpu_seconds"].items()) + " of a core"
    for side, forecast in zip("ab", run["forecast"]):
        if forecast:
            yield (f"  forecast {side} {forecast['ticks']:,} ticks, {forecast['open_gates']} of {forecast['gates']} gates "
                   f"open, {forecast['publications']} changes of weights")


def judge(run, cut_short, screen):
    """Shows the summary and the verdict; the exit code."""
    for text in summary(run):
        screen.say(text)
    found = verdict.problems(run) + (["it was ended by a signal before its time"] if cut_short else [])
    for problem in found:
        screen.say(f"NOT GOOD: {problem}")
    if not found:
        screen.say("everything arrived, in order and intact")
    return 1 if found else 0


def perform(build, seconds, hugepages, json_file, policy, trace, screen):
    with Children() as children:
        try:
            run, cut_short = Job(build, seconds, hugepages, policy, trace, children.directory, screen).run(children)
        except (JobError, OSError, ValueError) as error:
            # A gateway that dies closes its API first: its end says more than the connection's.
            print(f"run: {children.first_to_end(1.0) or error}\n{children.last_words()}", file=sys.stderr, flush=True)
            return 1
        except Interrupted:
            print("run: interrupted", file=sys.stderr, flush=True)
            return 1
    if json_file:
        with open(json_file, "w") as file:
            file.write(json.dumps(run) + "\n")
    return judge(run, cut_short, screen)


def main():
    build, seconds, hugepages, json_file, policy, trace = sys.argv[1:]
    if os.path.isfile(json_file):
        os.remove(json_file)  # a result of an earlier run must not pass for this one's
    try:
        return perform(build, int(seconds), hugepages == "1", json_file, policy, trace, Screen())
    except (OSError, ScreenClosed) as error:
        print(f"run: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
