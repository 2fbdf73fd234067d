#!/usr/bin/env bash
#
# Builds the handlers that the benchmarks run on Sluice: each folder beside this file into build/bench/, under its name. The
# tools are those of the examples: clang, a cargo with the target for wasm, Go, Node.js, and the packages of sdk-js.
#
#     bench/handlers/build.sh [NAME...]

set -euo pipefail
unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

main() {
  local handlers=bench/handlers folder
  if [ $# -eq 0 ]; then
    for folder in "$handlers"/*/; do
      set -- "$@" "$(basename "$folder")"
    done
  fi
  mkdir -p build/bench
  local name
  for name in "$@"; do
    handler "$handlers/$name" "build/bench/$name.wasm"
  done
}

# handler FOLDER OUT builds a handler by what its folder holds.
handler() {
  local folder=$1 out=$2
  if [ -e "$folder/handler.c" ]; then
    c_wasm "$out" "$folder/handler.c"
  elif [ -e "$folder/Cargo.toml" ]; then
    rust_wasm "$out" "$folder"
  elif [ -e "$folder/main.go" ]; then
    go_wasm "$out" "$folder"
  elif [ -e "$folder/handler.js" ]; then
    node sdk-js/build/cli.js build "$folder/handler.js" -o "$out"
  else
    echo "bench/handlers/build.sh: $folder holds no handler; there are: $(cd bench/handlers && echo */)" >&2
    return 1
  fi
}

c_wasm() {
  clang --target=wasm32 -std=c11 -Wall -Wextra -Wpedantic -Werror -O2 -ffreestanding -nostdlib -mbulk-memory -I sdk-c \
    -Wl,--no-entry,--strip-all,--stack-first,-z,stack-size=8192 -o "$1" "$2"
  chmod a-x "$1" # the linker takes it for a program
}

rust_wasm() {
  local cargo name
  cargo=$(sdk-rust/build.sh cargo)
  name=$(basename "$2")
  export CARGO_TARGET_DIR=$PWD/build/cargo
  env -C "$2" CARGO="$cargo" RUSTC="${cargo%cargo}rustc" "$PWD/scripts/cargo" build --quiet --release --locked
  cp "$CARGO_TARGET_DIR/wasm32-unknown-unknown/release/${name//-/_}.wasm" "$1"
  chmod a-x "$1"
}

go_wasm() {
  GOOS=wasip1 GOARCH=wasm go build -C "$2" -buildmode=c-shared -trimpath -buildvcs=false -ldflags='-s -w -buildid=' \
    -o "$PWD/$1" .
}

main "$@"
