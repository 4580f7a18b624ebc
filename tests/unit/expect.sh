# What tests of command lines have in common, to be sourced after `program` is set. `failed` is 1 after a failure.
failed=0

# expect CODE WORDS ARGUMENTS...: the program, given these, ends with this code and says these words
expect() {
  local code=$1 words=$2
  shift 2
  local output
  output=$("$program" "$@" 2>&1)
  local got=$?
  if [ "$got" != "$code" ] || [[ "$output" != *"$words"* ]]; then
    echo "FAILED: $* -> exit code $got (want $code), output (want \"$words\"): $output"
    failed=1
  fi
}
