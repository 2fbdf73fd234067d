#!/usr/bin/env bash
#
# Builds what JavaScript handlers are made of. `sdk-js/build.sh help` lists the verbs; a line that begins with `##` is the help
# of the verb below it.

set -euo pipefail
unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

main() {
  local verb=${1:-help}
  [ $# -eq 0 ] || shift
  case $verb in
    engine | examples | test | help) "verb_$verb" "$@" ;;
    *)
      echo "build.sh: there is no verb '$verb'" >&2
      verb_help >&2
      exit 2
      ;;
  esac
}

## engine     builds engine/engine.wasm; the same sources, compiler and C library give the same bytes anywhere
verb_engine() {
  pinned_clang
  local sources
  sources=$(quickjs)
  clang --target=wasm32-wasi -std=gnu11 -Os -mmutable-globals -mbulk-memory -msign-ext -mnontrapping-fptoint -nostartfiles \
    -isystem "$sources" -Wall -Wextra -Werror -Wno-unused-parameter \
    -Wl,--no-entry,--strip-all,--gc-sections,--stack-first,-z,stack-size="$stack_size",--export=__stack_pointer \
    -o "$scratch/engine.wasm" engine/engine.c
  cp "$scratch/engine.wasm" engine/engine.wasm
  chmod a-x engine/engine.wasm # the linker takes it for a program
  licenses "$sources" >engine/LICENSES
}

## examples   builds the handlers of examples/js into build/examples/js, and those of tests into build/handlers
verb_examples() {
  packages
  local entry
  mkdir -p ../build/examples/js
  for entry in ../examples/js/*/handler.{js,ts}; do
    [ -e "$entry" ] || continue
    node build/cli.js build "$entry" -o "../build/examples/js/$(basename "$(dirname "$entry")").wasm"
  done
  mkdir -p ../build/handlers
  node build/cli.js build test/misuse/handler.js -o ../build/handlers/misuse-js.wasm
  node build/cli.js build test/misuse/events.js -o ../build/handlers/misuse-events-js.wasm
}

## test       runs the tests of the SDK
verb_test() {
  packages
  node --test --test-reporter=spec abi.test.js test/*/*.test.js
}

## help       lists the verbs
verb_help() {
  echo 'usage: sdk-js/build.sh VERB'
  sed -n 's/^## /  /p' build.sh
}

# ----- What is built -----

# How deep C may nest, in bytes. It is part of the memory that every instance takes, so it is no larger than
# the host's own limit on nested calls has a use for; engine/build.h says how much of it JavaScript gets.
stack_size=$((64 << 10))

# pinned_clang fails, with the reason, when clang is not the one that the committed engine was built with: another makes other
# bytes. So does another C library; it is wasi-libc 0.0~git20220510.9886d3d-2 of Debian 12.
pinned_clang() {
  local have
  have=$(clang --version)
  have=${have%%$'\n'*}
  if [[ "$have" != *'clang version 14.0.6'* ]]; then
    echo "build.sh: engine.wasm is built by clang 14.0.6, the one of Debian 12, and this is $have: put the other first on PATH" >&2
    return 1
  fi
}

# quickjs prints the folder with the sources of QuickJS-NG, which cargo has checked against engine/Cargo.lock.
quickjs() {
  ../scripts/cargo vendor --quiet --locked --manifest-path engine/Cargo.toml "$scratch/crates" >/dev/null
  echo "$scratch/crates/rquickjs-sys/quickjs"
}

# licenses prints the notices of what is compiled into the engine.
licenses() {
  printf 'engine.wasm contains QuickJS-NG.\n\n'
  cat "$1/LICENSE"
  printf '\nIt contains parts of wasi-libc, too.\n\n'
  cat /usr/share/doc/wasi-libc/copyright
}

# packages installs what is used of npm, and runs none of its scripts.
packages() {
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

main "$@"
