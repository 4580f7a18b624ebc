#!/usr/bin/env python3
"""Draws what was forecast of paths beside what came, as PNG.   plot.py SERIES FOLDER

    forecast-WORKLOAD.png     the ensemble's forecast of a path, 5 ms ahead, against its load: the truth where it is
                              known, else what was measured and the bounds on the rest; above all of the series,
                              below its last 300 ms

SERIES is what `braidway-forecast --series FILE` wrote.
"""
import argparse
import collections
import csv
import os

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend must be chosen first)

CLOSE_MS = 300


def read(path):
    """{(workload, path): rows}"""
    found = collections.defaultdict(list)
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["workload"], row["path"]].append(row)
    return found


def draw(axis, rows, width):
    milliseconds = [int(row["ms"]) for row in rows]
    if all(row["truth"] for row in rows):
        axis.plot(milliseconds, [float(row["truth"]) for row in rows], color="0.6", linewidth=2 * width, label="load")
    else:
        for how, colour, label in (("measured", "0.4", "load, measured"), ("bound", "0.8", "load, at most")):
            known = [row for row in rows if row["how"] == how]
            axis.plot([int(row["ms"]) for row in known], [float(row["seen"]) for row in known], ".", color=colour,
                      markersize=4 * width, label=label)
    axis.plot(milliseconds, [float(row["forecast"]) for row in rows], color="tab:red", linewidth=width,
              label="forecast 5 ms before")
    axis.set(ylabel="load, part of the capacity", ylim=(-0.03, 1.03), xlim=(milliseconds[0], milliseconds[-1]))
    axis.grid(True, alpha=0.3)


def plot(folder, workload, path, rows):
    figure, (whole, close) = pyplot.subplots(2, 1, figsize=(12, 7))
    draw(whole, rows, 0.6)
    draw(close, rows[-CLOSE_MS:], 1.2)
    whole.set_title(f"{workload}, path {path}")
    close.set_xlabel("time, ms")
    close.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncol=3)
    figure.tight_layout()
    file = os.path.join(folder, f"forecast-{workload}.png")
    figure.savefig(file, dpi=120)
    pyplot.close(figure)
    print(file)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("series")
    parser.add_argument("folder")
    given = parser.parse_args()
    os.makedirs(given.folder, exist_ok=True)
    for (name, number), points in read(given.series).items():
        plot(given.folder, name, number, points)
