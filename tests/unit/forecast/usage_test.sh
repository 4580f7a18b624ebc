#!/usr/bin/env bash
# What braidway-forecast says of wrong arguments, and the JSON that it writes.
#
#   usage_test.sh BRAIDWAY_FORECAST ANCHORS_FOLDER
program=$1
anchors=$2
source "$(dirname "$0")/../expect.sh"
json=$(mktemp)
trap 'rm -f "$json"' EXIT

expect 2 "there is no workload 'nothing'; --list names them" --workload nothing
expect 2 "--paths" --paths 0
expect 2 "--ticks" --ticks 10
expect 2 "/nowhere/AliStorage2019.cdf.txt" --workload messages --anchors /nowhere
expect 1 "cannot write /nowhere/file" --workload white-noise --ticks 1000 --paths 1 --json /nowhere/file
expect 0 "several-jobs" --list
expect 0 "white-noise" --workload white-noise,messages --ticks 1000 --paths 2 --anchors "$anchors" --json "$json"
/usr/bin/python3 - "$json" <<'P' || failed=1
import json, sys
runs = json.load(open(sys.argv[1]))["runs"]
assert {run["workload"] for run in runs} == {"white-noise", "messages"}
assert {run["horizon_ms"] for run in runs} == {1, 5, 20, 100}
for run in runs:
    assert {"workload", "horizon_ms", "model", "relative_error", "oracle_share", "gate_open_share"} <= set(run), run
    assert run["oracle_share"] is None and run["relative_error"] > 0 and 0 <= run["gate_open_share"] <= 1, run
P
exit "$failed"
