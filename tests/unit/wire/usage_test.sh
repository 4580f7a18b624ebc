#!/usr/bin/env bash
# What is wrong with the command line or the file is said before DPDK starts, at its place, with exit code 2.
#   usage_test.sh PROGRAM EXAMPLE
set -u
program=$1 example=$2
source "$(dirname "$0")/../expect.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# refused WORDS TEXT: a file with this text is refused with these words, which begin at its name
refused() {
  printf '%b' "$2" >"$folder/wire.yaml"
  expect 2 "$folder/wire.yaml:$1" "$folder/wire.yaml"
}
good='paths:\n  - {name: p, a: ring:x, b: ring:y}\n'

expect 0 "FILE" --help
expect 2 "FILE is required"
expect 2 "--frobnicate" "$folder" --frobnicate
expect 2 "$folder/none:1:1: cannot be read" "$folder/none"
expect 2 "$folder:1:1: cannot be read" "$folder"
refused "1:1: cannot be read, or is empty" ''
refused "1:1: null stands here; a map of paths, control" '# nothing\n'
refused "2:1: not YAML" 'paths: [\n'
refused "1:1: key 'paths' is missing" 'seed: 1\n'
refused "1:8: a list stands here; a list of 1 to 16 paths is wanted" 'paths: []\n'
refused "2:5: key 'b' is missing" 'paths:\n  - {name: p, a: ring:x}\n'
refused "2:16: \"a b\" stands here; a name of 1 to 32" 'paths:\n  - {name:     a b, a: ring:x, b: ring:y}\n'
refused "2:18: 'vhosts:/s' is no device; known are" 'paths:\n  - {name: p, a: vhosts:/s, b: ring:y}\n'
refused "2:29: end a is the same device" 'paths:\n  - {name: p, a: ring:x, b: ring:x}\n'
refused "3:12: a path before has this name" "$good"'  - {name: p, a: ring:z, b: ring:w}\n'
refused "3:29: path p has this device already" "$good"'  - {name: q, a: ring:z, b: ring:x}\n'
refused "2:50: 2 stands here; a share from 0 to 1 is wanted" 'paths:\n  - {name: p, a: ring:x, b: ring:y, both: {loss: 2}}\n'
refused "2:45: unknown key \"los\"; known here: rate_mbps" \
  'paths:\n  - {name: p, a: ring:x, b: ring:y, "a>b": {los: 2}}\n'
refused "3:1: unknown key \"cores\"; known here: paths" "$good"'cores: 3\n'
refused "3:7: \"1\" stands here; a whole number from 0 to 1023" "$good"'core: "1"\n'
refused "3:7: \"nap\" stands here; sleep or poll is wanted" "$good"'idle: nap\n'
refused "3:14: 1000 stands here; a power of two" "$good"'descriptors: 1000\n'
refused "3:6: 67 stands here; a whole number from 68 to 9600" "$good"'mtu: 67\n'
refused "4:1: key 'seed' is given twice" "$good"'seed: 1\nseed: 2\n'

# The example is right but for what is made wrong in it.
sed 's/^seed: 1/seed: x/' "$example" >"$folder/example.yaml"
if [ "$("$program" "$folder/example.yaml" 2>&1 | wc -l)" != 1 ]; then
  echo "FAILED: the example has other errors: $("$program" "$folder/example.yaml" 2>&1)"
  failed=1
fi
expect 2 "\"x\" stands here; a whole number" "$folder/example.yaml"
exit $failed
