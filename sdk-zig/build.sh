#!/usr/bin/env bash
#
# Builds what is written in Zig, with the Zig that requirements.txt pins: it is installed into build/zig. `sdk-zig/build.sh help`
# lists the verbs; a line that begins with `##` is the help of the verb below it.
#
# Needs pip (Debian: python3-pip).

set -euo pipefail
unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

main() {
  local verb=${1:-help}
  case $verb in
    zig | examples | test | help) "verb_$verb" ;;
    *)
      echo "sdk-zig/build.sh: there is no verb '$verb'" >&2
      verb_help >&2
      exit 2
      ;;
  esac
}

## zig        installs Zig into build/zig
verb_zig() {
  local installed=build/zig/requirements.txt
  [ ! -x "$zig" ] || ! cmp -s sdk-zig/requirements.txt "$installed" || return 0
  python3 -m pip --version >/dev/null || {
    echo 'sdk-zig/build.sh: missing: pip; on Debian: apt-get install python3-pip' >&2
    exit 1
  }
  rm -rf build/zig
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --require-hashes \
    --only-binary=:all: --target build/zig -r sdk-zig/requirements.txt
  cp sdk-zig/requirements.txt "$installed"
}

## examples   builds examples/zig into build/examples/, and the handlers of the tests, among them the examples in C, into
##            build/handlers/
verb_examples() {
  verb_zig
  mkdir -p build/examples/zig build/handlers
  local source name
  for source in examples/zig/*/handler.zig; do
    wasm "build/examples/zig/$(basename "$(dirname "$source")").wasm" "$source"
  done
  wasm build/handlers/misuse-zig.wasm sdk-zig/misuse/handler.zig
  wasm build/handlers/mirror-zig.wasm sdk-zig/test/mirror.zig
  for source in examples/c/*/handler.c; do
    name=$(basename "$(dirname "$source")")
    "$zig" cc --target=wasm32-freestanding -std=c11 -Wall -Wextra -Werror -O2 -ffreestanding -nostdlib -I sdk-c \
      -Wl,--no-entry,--strip-all,-z,stack-size=8192 -o "build/handlers/$name-zig-cc.wasm" "$source"
    chmod a-x "build/handlers/$name-zig-cc.wasm"
  done
}

## test       checks that everything in Zig is formatted
verb_test() {
  verb_zig
  "$zig" fmt --check sdk-zig examples/zig
}

## help       lists the verbs
verb_help() {
  echo 'usage: sdk-zig/build.sh VERB'
  sed -n 's/^## /  /p' sdk-zig/build.sh
}

# wasm OUT SOURCE builds a handler.
wasm() {
  "$zig" build-exe -target wasm32-freestanding -fno-entry -rdynamic -O ReleaseSmall --stack 32768 -fstrip \
    --dep sluice "-Mroot=$2" -Msluice=sdk-zig/sluice.zig "-femit-bin=$1"
  chmod a-x "$1" # the linker takes it for a program
}

zig=build/zig/ziglang/zig
export ZIG_GLOBAL_CACHE_DIR=$PWD/build/zig-cache ZIG_LOCAL_CACHE_DIR=$PWD/build/zig-cache

main "$@"
