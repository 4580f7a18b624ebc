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
expect 2 "--scenario, or --topology with --flows or --cdf, must be given"
expect 2 "--topology needs --flows, or --cdf with --load and --duration" --topology pair
expect 2 "--flows requires --topology" --flows flows
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
expect 2 "nothing is foreseen in scenario load" --scenario load --foresight-out seen
expect 2 "one scheme, --seeds 1" --scenario periodic --foresight-out seen
expect 2 "--foresight-out requires --scenario" "${files[@]}" --foresight-out seen
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

# Flows made from a distribution of sizes.
cdf=$anchors/AliStorage2019.cdf.txt
topology=$anchors/leaf-spine-32.topology.txt
made=(--topology "$topology" --cdf "$cdf" --load 50)
expect 0 "conga" "${made[@]}" --duration 1ms --seed 3 --schemes conga --flows-out list --fct-out made --json json
expect 0 "conga" --topology "$topology" --flows list --seed 3 --schemes conga --fct-out read
cmp made read || failed=1
same "$(head -n 1 list) $(wc -l <list)" "$(wc -l <made) $(($(wc -l <made) + 1))"
expect 0 "" "${made[@]}" --duration 1ms --seeds 2 --json seeds
same "$(grep -c ecmp seeds)" 2
expect 0 "load\":50,\"seed\":1" --topology pair --cdf "$cdf" --load 50 --duration 100us --json /dev/stdout
# The load scenario's own list and slowdown.
expect 0 "" "${made[@]}" --duration 10ms --measure-from 0.0005 --schemes conweave --json own
expect 0 "" --scenario load --load 50 --seeds 1 --schemes conweave --json scenario --anchors "$anchors"
same "$(sed 's/"hops_per_s":[0-9]*//' own)" "$(sed 's/"hops_per_s":[0-9]*//' scenario)"

expect 2 "--cdf needs --load and --duration" --topology pair --cdf "$cdf"
expect 2 "--cdf needs --load and --duration" --topology pair --cdf "$cdf" --load 50
expect 2 "--cdf needs --load and --duration" --topology pair --cdf "$cdf" --duration 1ms
expect 2 "--cdf requires --topology" --cdf "$cdf" --load 50 --duration 1ms
expect 2 "--flows excludes --cdf" "${files[@]}" --cdf "$cdf" --load 50 --duration 1ms
expect 2 "--scenario excludes --cdf" --scenario load --cdf "$cdf"
expect 2 "--duration requires --cdf" "${files[@]}" --duration 1ms
expect 2 "--flows-out requires --cdf" "${files[@]}" --flows-out list
expect 2 "--flows-out writes the list of one seed" "${made[@]}" --duration 1ms --seeds 2 --flows-out list
expect 2 "the time is 10, not a time above 0 as 5us" "${made[@]}" --duration 10
expect 2 "the time is -1ms, not a time above 0" "${made[@]}" --duration=-1ms
expect 2 "the time is 0ms, not a time above 0" "${made[@]}" --duration 0ms
expect 2 "the time is 1e300s, not a time above 0" "${made[@]}" --duration 1e300s
expect 2 "--load" "${made[@]}" --duration 1ms --load 50
expect 2 "--load" --topology pair --cdf "$cdf" --duration 1ms --load 201
expect 2 "--load" --topology pair --cdf "$cdf" --duration 1ms --load nan
expect 2 "at that load no flow starts within 1 ns: take a longer time" "${made[@]}" --duration 1ns
expect 2 "million flows in that time, and a list has at most 100 million" "${made[@]}" --duration 1000000s
expect 2 "scenario permutation has no loads to choose from: leave out --load" --scenario permutation --load 50
expect 2 "--topology-out puts no load on anything" --topology-out tree --leaf-spine 1,2,1 --load 50
expect 2 "--measure-from is after the start of the last flow, at 2600000000 ns" "${files[@]}" --measure-from 3
expect 1 "/nowhere/list: cannot be written" "${made[@]}" --duration 1ms --flows-out /nowhere/list
expect 2 "missing: cannot be opened" --topology pair --cdf missing --load 50 --duration 1ms
expect 2 "--measure-from: Value nan not in range 0 to 1e+06" "${files[@]}" --measure-from nan
expect 2 "--ecn-pmax: Value nan not in range 0 to 1" "${files[@]}" --ecn-pmax nan
expect 2 "the time on is 1ns, not a time of 1us or more" "${files[@]}" --event "0s on-off 0-2 0.5 1ns 1ns"
expect 2 "a leaf-spine topology of 1050624 nodes and 2097152 links: there may be 65536 and 1048576" --topology-out tree \
  --leaf-spine 1024,1024,1024
expect 2 "/tmp: cannot be read" --topology /tmp --flows flows
expect 0 "" --topology-out wide --leaf-spine 1,2,300
printf '1\n0 1 3 100 0\n' >one
expect 2 "SlotTable: paths = 300: must be 0 to 256" --topology wide --flows one --scheme auto --buffer 20000000
printf '0 0\n100 60\n50 100\n' >falls
expect 2 "falls:3: the size is 50, not a number from 100" --topology pair --cdf falls --load 50 --duration 1ms
printf '0 0\n100 60\n' >ends
expect 2 "ends:2: the file ends, and the last point is not at 100 percent" --topology pair --cdf ends --load 50 \
  --duration 1ms
exit $failed
