#!/usr/bin/env python3
"""The classical forecasters say what statsmodels, scipy and numpy say of the same series.   golden.py PROGRAM

holt    statsmodels' Holt, damped, with the same smoothing and the first load as its first level
period  scipy's correlation of the whole series, its highest peak
rls     numpy's least squares over the whole past, exponentially weighted, solved anew at some ticks
"""
import subprocess
import sys

import numpy
import scipy.signal
from statsmodels.tsa.holtwinters import Holt

HORIZONS = (1, 5, 20)
TOLERANCE = 1e-4


def ours(program, arguments, loads):
    done = subprocess.run([program, *map(str, arguments)], input="\n".join(f"{load:.9g}" for load in loads),
                          capture_output=True, text=True, check=True)
    return numpy.array([[float(word) for word in line.split()] for line in done.stdout.splitlines()])


def compare(what, said, wanted):
    wanted = numpy.clip(wanted, 0, 1)
    off = numpy.max(numpy.abs(said - wanted) / numpy.maximum(numpy.abs(wanted), 1e-3))
    print(f"{what}: off by {off:.1e} at most")
    assert off < TOLERANCE, (what, said, wanted)


def series(ticks, seed):
    """A slow wave and noise that remembers, as floats have it."""
    chance = numpy.random.default_rng(seed)
    noise = scipy.signal.lfilter([0.3], [1, -0.7], chance.uniform(-0.2, 0.2, ticks))
    return (0.5 + 0.15 * numpy.sin(numpy.arange(ticks) / 9) + noise).clip(0.01, 0.99).astype("float32").astype(float)


def holt(program):
    loads = series(300, 1)
    for level, trend, damping in ((0.5, 0.1, 0.9), (0.3, 0.3, 0.98), (0.9, 0.05, 0.8)):
        said = ours(program, ("holt", level, trend, damping), loads)
        for tick in (1, 2, 10, 57, 150, 299):
            fitted = Holt(loads[:tick + 1], damped_trend=True, initialization_method="known", initial_level=loads[0],
                          initial_trend=0).fit(smoothing_level=level, smoothing_trend=trend, damping_trend=damping,
                                               optimized=False)
            compare(f"holt {level} {trend} {damping}, tick {tick}", said[tick],
                    fitted.forecast(max(HORIZONS))[[h - 1 for h in HORIZONS]])


def period(program):
    for of in (7, 33, 100, 250):
        chance = numpy.random.default_rng(of)
        ticks = numpy.arange(4096)
        loads = 0.1 + 0.7 * (ticks % of < of / 4) + chance.uniform(0, 0.1, ticks.size)
        around = loads - loads.mean()
        right = scipy.signal.correlate(around, around)[ticks.size - 1:]
        peaks, _ = scipy.signal.find_peaks(right[:ticks.size // 4], height=0.4 * right[0])
        wanted = peaks[numpy.argmax(right[peaks])]
        said = int(ours(program, ("period",), loads)[0][0])
        print(f"period {of}: {said}, scipy {wanted}")
        assert said == wanted == of


def rls(program):
    forgetting, loads = 0.99, series(3000, 2)
    said = ours(program, ("rls", forgetting), loads)
    slow, features = loads[0], []
    for tick, load in enumerate(loads):
        slow += (load - slow) / 32
        features.append([1, *(loads[tick - k] if tick >= k else 0 for k in range(4)), slow])
    features = numpy.array(features)
    for tick in (2200, 2500, 2999):
        wanted = []
        for horizon in HORIZONS:
            seen = numpy.arange(tick - horizon + 1)
            root = forgetting ** ((tick - horizon - seen) / 2)
            weights = numpy.linalg.lstsq(features[seen] * root[:, None], loads[seen + horizon] * root, rcond=None)[0]
            wanted.append(features[tick] @ weights)
        compare(f"rls, tick {tick}", said[tick], numpy.array(wanted))


for check in (holt, period, rls):
    check(sys.argv[1])
