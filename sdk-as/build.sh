#!/usr/bin/env bash
#
# Builds what is written in AssemblyScript, with the compiler that package.json pins. `sdk-as/build.sh help` lists the verbs; a
# line that begins with `##` is the help of the verb below it.
#
# Needs Node 20 or newer and npm (Debian: nodejs npm).

set -euo pipefail
unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

main() {
  local verb=${1:-help}
  case $verb in
    packages | examples | help) "verb_$verb" ;;
    *)
      echo "sdk-as/build.sh: there is no verb '$verb'" >&2
      verb_help >&2
      exit 2
      ;;
  esac
}

## packages   installs the compiler, and runs none of its scripts
verb_packages() {
  local installed=sdk-as/node_modules/.package-lock.json
  [ ! "$installed" -nt sdk-as/package-lock.json ] || return 0
  env -C sdk-as npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
}

## examples   builds examples/assemblyscript into build/examples/, and the handlers of the tests into build/handlers/
verb_examples() {
  verb_packages
  mkdir -p build/examples/assemblyscript build/handlers
  local source
  for source in examples/assemblyscript/*/handler.ts; do
    wasm "build/examples/assemblyscript/$(basename "$(dirname "$source")").wasm" "$source"
  done
  wasm build/handlers/misuse-as.wasm sdk-as/misuse/handler.ts
  wasm build/handlers/mirror-as.wasm sdk-as/test/mirror.ts
}

## help       lists the verbs
verb_help() {
  echo 'usage: sdk-as/build.sh VERB'
  sed -n 's/^## /  /p' sdk-as/build.sh
}

# wasm OUT SOURCE builds a handler.
wasm() {
  node sdk-as/node_modules/assemblyscript/bin/asc.js "$2" --optimize --exportStart _initialize -o "$1"
}

main "$@"
