#!/usr/bin/env bash
#
# Builds and tests what is written in C and C++ for sdk-c. `sdk-c/build.sh help` lists the verbs; a line that begins with `##`
# is the help of the verb below it.
#
# Needs clang and wasm-ld, and for the tests gcc, whose sanitizers come with it (Debian: clang lld gcc libc6-dev).

set -euo pipefail
unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

main() {
  local verb=${1:-help}
  case $verb in
    examples | test | help) "verb_$verb" ;;
    *)
      echo "sdk-c/build.sh: there is no verb '$verb'" >&2
      verb_help >&2
      exit 2
      ;;
  esac
}

## examples   builds examples/c and examples/cpp into build/examples/, and the handlers of the tests into build/handlers/
verb_examples() {
  mkdir -p build/examples/c build/examples/cpp build/handlers
  local source
  for source in examples/c/*/handler.c; do
    wasm "build/examples/c/$(basename "$(dirname "$source")").wasm" -std=c11 "$source"
  done
  for source in examples/cpp/*/handler.cpp; do
    wasm "build/examples/cpp/$(basename "$(dirname "$source")").wasm" -std=c++11 -fno-exceptions -fno-rtti "$source"
  done
  for source in form json-api hello-whole mirror; do
    wasm "build/handlers/$source-c.wasm" -std=c11 "sdk-c/test/$source.c"
  done
  wasm build/handlers/misuse-c.wasm -std=c11 sdk-c/misuse/handler.c
}

## test       tests the header: what it computes, under sanitizers; that the event level costs nothing; that it is C11 and C++11
##            in wasm and out of it
verb_test() {
  mkdir -p build/sdk-c
  gcc -std=c11 -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover=all -I sdk-c \
    -o build/sdk-c/test sdk-c/test/test.c
  build/sdk-c/test

  # The event level is the bare interface.
  wasm build/sdk-c/bare.wasm -std=c11 examples/abi/hello-c/handler.c
  wasm build/sdk-c/event.wasm -std=c11 sdk-c/test/event.c
  cmp build/sdk-c/bare.wasm build/sdk-c/event.wasm

  local language target
  for language in c:c11 c:c17 c++:c++11 c++:c++20; do
    for target in --target=wasm32 ''; do
      echo '#include "sluice.h"' |
        clang ${target:+"$target"} -x "${language%:*}" "-std=${language#*:}" -Wall -Wextra -Wpedantic -Werror -ffreestanding \
          -fsyntax-only -I sdk-c -
    done
  done
}

## help       lists the verbs
verb_help() {
  echo 'usage: sdk-c/build.sh VERB'
  sed -n 's/^## /  /p' sdk-c/build.sh
}

# wasm OUT ARGUMENT... builds a handler.
wasm() {
  local out=$1
  shift
  clang --target=wasm32 -Wall -Wextra -Wpedantic -Werror -O2 -ffreestanding -nostdlib -I sdk-c \
    -Wl,--no-entry,--strip-all,--stack-first,-z,stack-size=8192 -o "$out" "$@"
  chmod a-x "$out" # the linker takes it for a program
}

main "$@"
