#!/usr/bin/env bash
# Forecasts are drawn against the truth, or against what was seen where nobody knows it.
#
#   plot_test.sh BRAIDWAY_FORECAST BURST_TRACE PLOT
program=$1
burst_trace=$2
plot=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0
"$burst_trace" "$folder/job.trace" 6000 || failed=1
"$program" --workload white-noise --trace "$folder/job.trace" --ticks 4000 --paths 2 --series "$folder/series" \
  >"$folder/table" || failed=1
# The interpreter that scripts/setup installs modules for.
/usr/bin/python3 "$plot" "$folder/series" "$folder/plots" >"$folder/names" || failed=1
/usr/bin/python3 - "$folder" <<'P' || failed=1
import csv, os, sys
from matplotlib import image
folder = sys.argv[1]
rows = list(csv.DictReader(open(f"{folder}/series", newline="")))
noise, job = ([row for row in rows if row["workload"] == name] for name in ("white-noise", "job"))
assert len(noise) == len(job) == 3000 and len(rows) == 6000, len(rows)
assert [int(row["ms"]) for row in noise] == list(range(1000, 4000))
assert all(row["how"] == "measured" and abs(float(row["truth"]) - float(row["seen"])) < 1e-4 for row in noise)
assert {row["how"] for row in job} == {"measured", "bound"} and not any(row["truth"] for row in job)
assert sorted(os.listdir(f"{folder}/plots")) == ["forecast-job.png", "forecast-white-noise.png"]
for name in open(f"{folder}/names").read().split():
    pixels = image.imread(name)
    assert pixels.shape[0] > 500 and pixels.shape[1] > 1000, pixels.shape
    # The forecast is red, what came is grey.
    red, green, blue = (pixels[:, :, i] for i in range(3))
    assert ((red > 0.7) & (green < 0.4)).sum() > 1000, "no forecast is drawn"
    assert ((abs(red - green) < 0.02) & (red > 0.3) & (red < 0.7)).sum() > 500, "nothing that came is drawn"
P
exit "$failed"
