#!/usr/bin/env bash
# The command line of the simulator: what it writes, and the exit codes of what is wrong: 2 for usage and input, 1 for
# a simulation that cannot finish.
#   usage_test.sh PROGRAM ANCHORS
set -u
program=$(realpath "$1")
anchors=$(realpath "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
source "$(dirname "$0")/../expect.sh"

same() {
  if ! [ "$1" = "$2" ]; then
    echo "FAILED: $1 is not $2"
    failed=1
  fi
}

cd "$folder" || exit 1
printf '3 1 2\n2\n0 2 100Gbps 1000ns 0\n1 2 100Gbps 1000ns 0\n' >pair
printf '3 1 2\n2\n0 2 100Gbps 1000ns 0\n1 2 100Gbps 1000ns 1\n' >deaf
printf '2\n0 1 3 3541 2.5\n0 1 3 1000 2.6\n' >flows
printf '2\n0 1 3 3541 2.5\n' >short
files=(--topology pair --flows flows)

expect 0 "spray-ideal" --help
expect 2 "--scenario, or --topology and --flows, must be given"
expect 2 "--flows" --topology pair
expect 2 "there is no scenario nonsense" --scenario nonsense
expect 2 "there is no scheme nonsense" "${files[@]}" --scheme ecmp,nonsense
expect 2 "excludes" --scenario anchors "${files[@]}"
expect 2 "--seed" "${files[@]}" --seed 0
expect 2 "--pfc" "${files[@]}" --pfc tight
expect 2 "--ecn-pmax" "${files[@]}" --ecn-pmax 1.5
expect 2 "--ecn-kmin is above --ecn-kmax" "${files[@]}" --ecn-kmin 500000
expect 2 "one scheme, one seed" "${files[@]}" --seeds 2 --fct-out fct
expect 2 "a buffer of 50000 bytes is too small for switch 2: its 2 ports reserve" --topology pair --flows flows \
  --buffer 50000 --scheme drill --ecn-kmax 900000 --load 5 --measure-from 1 --threads 1 --pfc off
expect 2 "missing: cannot be opened" --topology missing --flows flows
expect 2 "short:2: the file ends" --topology pair --flows short
expect 1 "ecmp, seed 1: at 2600000000 ns nothing has been acknowledged for 100 ms; 1 flows of 2 are stuck:" \
  --topology deaf --flows flows
expect 1 "/nowhere/fct: cannot be written" "${files[@]}" --fct-out /nowhere/fct
expect 2 "\"1ms dwn 0-2\": expected a time and one of down" "${files[@]}" --event "1ms dwn 0-2"
expect 2 "network event down 0-1 at 1000000 ns: no link joins 0 and 1" "${files[@]}" --event "1ms down 0-1"
expect 1 "1 flows of 2 are stuck" "${files[@]}" --event "2.55s down 1-2" --scheme ecmp
expect 2 "--rnic" "${files[@]}" --rnic go-forward
expect 2 "--verb" "${files[@]}" --verb write-only
expect 2 "--utilisation-out takes the ports of one run" "${files[@]}" --seeds 2 --utilisation-out used
expect 0 "uplink-dies" --scenario list
expect 2 "--topology-out takes --leaf-spine or --fat-tree" --topology-out tree
expect 2 "--topology-out is missing" --leaf-spine 2,2,1
expect 2 "an odd number of ports" --topology-out tree --fat-tree 5
expect 0 "" --topology-out tree --leaf-spine 1,2,1
same "$(head -n 3 tree)" "5 3 4
2 3 4
0 2 100000000000bps 1000ns 0"
expect 0 "ecmp" --topology tree --flows flows
expect 0 "ecmp" "${files[@]}" --verb read --rnic selective-repeat --event "1s background 0-2 0.5" --utilisation-out used
expect 2 "nothing published" --scenario anchors --anchors "$anchors" --schemes drill

expect 0 "ecmp" "${files[@]}" --fct-out fct --json json --load 40 --seed 7
same "$(cat fct)" "0 1 10000 100 3541 2500000000 4387 4458
0 1 10001 101 1000 2600000000 4174 4243"
same "$(sed 's/"hops_per_s":[0-9]*/"hops_per_s":0/' json)" '{"runs":[
{"scheme":"ecmp","load":40,"seed":7,"flows":2,"mean":1.0,"p50":1.0,"p95":1.0,"p99":1.0,"p999":1.0,"jct_ratio":null,"ooo":0,"retx":0,"cnp":0,"pfc":0,"order_peak_bytes":0,"hops_per_s":0}
]}'
exit $failed
