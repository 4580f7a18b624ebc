"""From what the traffic program and the gateways counted to the run's result, and to what is wrong with it."""
from screen import shares

BAD = {"lost": "lost", "reordered": "reordered", "icrc_errors": "with a wrong ICRC", "duplicates": "twice",
       "payload_errors": "with wrong content", "protocol_errors": "out of protocol"}


def add_paths(gateways_paths):
    """[(name, packets, bytes)] over all gateways, from their `show paths`."""
    totals = {}
    for path in (path for paths in gateways_paths for path in paths):
        packets, size = totals.get(path["name"], (0, 0))
        totals[path["name"]] = (packets + path["packets"], size + path["bytes"])
    return [(name, *counts) for name, counts in totals.items()]


def add_drops(gateways_drops):
    """{reason: count} over all gateways, without those that are 0."""
    totals = {}
    for reason, count in (item for drops in gateways_drops for item in drops.items()):
        totals[reason] = totals.get(reason, 0) + count
    return {reason: count for reason, count in totals.items() if count}


def result(traffic, drops, paths, further):
    """The document of --json; `paths` as add_paths() gives them."""
    packets = [count for _, count, _ in paths]
    first = {key: traffic[key] for key in ("seconds", "sent", "delivered", "lost", "reordered", "icrc_errors")}
    return first | {
        "drops": drops,
        "paths": [{"name": name, "packets": count, "share": share}
                  for (name, count, _), share in zip(paths, shares(packets))],
    } | {key: traffic[key] for key in ("duplicates", "payload_errors", "protocol_errors", "retransmitted",
                                       "implied_naks", "messages", "bytes", "finished")} | further


def problems(run):
    """One sentence for everything that makes a run a bad one."""
    found = [f"{run[key]} frames arrived {how}" if key != "lost" else f"{run[key]} frames were lost"
             for key, how in BAD.items() if run[key]]
    if run["implied_naks"]:
        found.append(f"{run['implied_naks']} acknowledgements came before an earlier response")
    if run["sent"] == 0:
        found.append("nothing was sent")
    if not run["lost"] and run["delivered"] != run["sent"]:
        found.append(f"{run['delivered']} frames were delivered of {run['sent']} sent")
    if not run["finished"]:
        found.append("some messages were never completed")
    return found + [f"{count} packets were dropped: {reason}" for reason, count in run["drops"].items()]
