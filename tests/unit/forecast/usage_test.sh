#!/usr/bin/env bash
# What braidway-forecast says of wrong arguments and of traces that are no good, and the JSON that it writes.
#
#   usage_test.sh BRAIDWAY_FORECAST ANCHORS_FOLDER BURST_TRACE
program=$1
anchors=$2
burst_trace=$3
source "$(dirname "$0")/../expect.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
json=$folder/json

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

# Traces.
"$burst_trace" "$folder/job.trace" 6000 || failed=1
"$burst_trace" "$folder/short.trace" 1000 || failed=1
"$burst_trace" "$folder/idle.trace" 6000 quiet || failed=1
bytes=$(stat -c %s "$folder/job.trace")
head -c $((bytes - 5)) "$folder/job.trace" >"$folder/cut.trace"
head -c 50 "$folder/job.trace" >"$folder/stump.trace"
sed '1s/^BWTRACE/CWTRACE/' "$folder/job.trace" >"$folder/other.trace"
cp "$folder/job.trace" "$folder/newer.trace"
printf '\2' | dd of="$folder/newer.trace" bs=1 seek=8 conv=notrunc status=none
cp "$folder/job.trace" "$folder/flipped.trace"
printf 'X' | dd of="$folder/flipped.trace" bs=1 seek=$((bytes / 2)) conv=notrunc status=none
mkdir "$folder/again"
cp "$folder/job.trace" "$folder/again/job.trace"

expect 2 "$folder/none.trace: No such file or directory" --trace "$folder/none.trace"
expect 2 "$folder/again: not a file; name one that holds a trace" --trace "$folder/again"
expect 2 "cut.trace: byte $((bytes - 20)): the trace is cut short there, at $((bytes - 5)) bytes in all; copy it anew" \
  --trace "$folder/cut.trace"
expect 2 "gateway; --cut-short takes what is whole" --trace "$folder/cut.trace"
expect 2 "nothing of this one can be used" --trace "$folder/stump.trace" --cut-short
expect 2 "newer.trace: byte 8: the trace is of version 2, and only version 1 can be read" --trace "$folder/newer.trace"
expect 2 "other.trace: byte 0: this is no trace of Braidway's" --trace "$folder/other.trace"
expect 2 "the checksum of the block is wrong: the trace is damaged" --trace "$folder/flipped.trace"
expect 2 "the checksum of the block is wrong: the trace is damaged" --trace "$folder/flipped.trace" --cut-short
expect 2 "ms, and judging takes 5000; record for longer" --trace "$folder/short.trace"
expect 2 "could be measured; record while there is more load" --trace "$folder/idle.trace"
expect 2 "two workloads are named job" --trace "$folder/job.trace" --trace "$folder/again/job.trace"
expect 2 "workload job has no path 'fabric9'; it has fabric0 to fabric2" --trace "$folder/job.trace" \
  --series "$folder/series" --series-path fabric9
expect 1 "cannot write /nowhere/series" --trace "$folder/job.trace" --series /nowhere/series
expect 0 "cut: the trace was cut short; what is whole of it is judged" --trace "$folder/cut.trace" --cut-short
expect 0 "job: path fabric1 is left out: its capacity is not known" --trace "$folder/job.trace" --json "$json"
/usr/bin/python3 - "$json" <<'P' || failed=1
import json, sys
runs = json.load(open(sys.argv[1]))["runs"]
assert {run["workload"] for run in runs} == {"job"}, runs
assert {run["horizon_ms"] for run in runs} == {1, 5, 20, 100}
assert "oracle" not in {run["model"] for run in runs} and "ensemble" in {run["model"] for run in runs}
for run in runs:
    # Its bursts come by the clock: who has learnt that is never wrong, but the naive ones are.
    naive = run["model"] in ("last", "median", "ewma")
    assert run["oracle_share"] is None and run["relative_error"] >= (1 if naive else 0), run
P
exit "$failed"
