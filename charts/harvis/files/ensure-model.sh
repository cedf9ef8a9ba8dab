#!/bin/sh
# Ends well only when the volume holds the model $MODEL; else the reason is the last line, and in $TERMINATION_LOG.
# Braced variables are avoided on purpose: GitOps tools substitute them in manifests.
set -eu

say() {
  echo "model $MODEL: $1"
}

fail() {
  say "$1" | tee "$TERMINATION_LOG" >&2
  exit 1
}

last_line() {
  tr '\r' '\n' <"$1" | grep -v '^[[:space:]]*$' | tail -n 1
}

serve() {
  ollama serve >serve.log 2>&1 &
  server=$!
  trap 'kill "$server" 2>/dev/null && wait "$server" || true' EXIT
  tries=0
  until ollama list >list.log 2>&1; do
    tries=$((tries + 1))
    kill -0 "$server" 2>/dev/null || fail "ollama serve stopped: $(last_line serve.log)"
    [ "$tries" -lt 300 ] || fail "ollama serve did not answer: $(last_line list.log)"
    sleep 0.2
  done
}

has_model() {
  ollama list | while read -r name _; do
    if [ "$name" = "$MODEL" ]; then echo yes; fi
  done | grep -q yes
}

create_from_test_weights() {
  [ -f "$TEST_WEIGHTS" ] || fail "the image has no test weights in $TEST_WEIGHTS"
  say "made from the random test weights $TEST_WEIGHTS"
  recipe="$(dirname "$TEST_WEIGHTS")/Modelfile"
  if [ ! -f "$recipe" ]; then
    recipe="$PWD/Modelfile"
    printf 'FROM %s\n' "$TEST_WEIGHTS" >"$recipe"
  fi
  ollama create "$MODEL" -f "$recipe" >fetch.log 2>&1
}

# The progress bar of `ollama pull` would fill the log: a line every ten seconds says as much.
pull() {
  say "pulled from its registry"
  ollama pull "$MODEL" >fetch.log 2>&1 &
  puller=$!
  while kill -0 "$puller" 2>/dev/null; do
    sleep 2
    seconds=$((seconds + 2))
    [ $((seconds % 10)) -ne 0 ] || say "$(du -sh "$OLLAMA_MODELS" | cut -f 1) on the volume after $seconds s"
  done
  wait "$puller"
}

cd "$(mktemp -d)"
seconds=0
serve
if has_model; then
  say "is on the volume"
elif [ -n "$TEST_WEIGHTS" ]; then
  create_from_test_weights || fail "can't be created from $TEST_WEIGHTS: $(last_line fetch.log)"
else
  pull || fail "can't be pulled: $(last_line fetch.log)"
fi
has_model || fail "is missing from 'ollama list' although fetching it reported success"
