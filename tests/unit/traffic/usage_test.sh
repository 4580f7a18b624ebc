#!/usr/bin/env bash
# What is wrong with a command line is said before DPDK starts, with exit code 2.
#   usage_test.sh PROGRAM
set -u
program=$1
devices=(--client-device net_null0 --server-device net_null1)
source "$(dirname "$0")/../expect.sh"


expect 0 "--message-bytes" --help
expect 2 "--client-device is required"
expect 2 "are the same" --client-device net_null0 --server-device net_null0
expect 2 "--qps" "${devices[@]}" --qps 0
expect 2 "--qps" "${devices[@]}" --qps 1000001
expect 2 "--path-mtu" "${devices[@]}" --path-mtu 1500
expect 2 "--ip" "${devices[@]}" --ip 5
expect 2 "--operation" "${devices[@]}" --operation erase
expect 2 "raise that" "${devices[@]}" --operation read --message-bytes 1048576
expect 2 "there is no CPU 9999" "${devices[@]}" --cores 0,9999
expect 2 "looks like 0-1,3" "${devices[@]}" --cores all
exit $failed
