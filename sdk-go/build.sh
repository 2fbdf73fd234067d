#!/usr/bin/env bash
#
# Builds and tests the SDK for Go. `sdk-go/build.sh help` lists the verbs; a line that begins with `##` is the help of the
# verb below it. It needs the Go toolchain that go.mod names, and nothing else.

set -euo pipefail
unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

main() {
  local verb=${1:-help}
  [ $# -eq 0 ] || shift
  case $verb in
    examples | test | help) "verb_$verb" "$@" ;;
    *)
      echo "sdk-go/build.sh: there is no verb '$verb'" >&2
      verb_help >&2
      exit 2
      ;;
  esac
}

## examples   builds examples/go/* into build/examples/go/, and the test handlers of the SDK into build/handlers/
verb_examples() {
  mkdir -p build/examples/go build/handlers
  local folder
  for folder in examples/go/*/; do
    go_wasm "build/examples/go/$(basename "$folder").wasm" "./$folder"
  done
  go_wasm build/handlers/misuse-go.wasm ./sdk-go/misuse
}

## test       runs the SDK's own tests, natively
verb_test() {
  go test ./sdk-go/... ./examples/go/...
}

## help       lists the verbs
verb_help() {
  echo 'usage: sdk-go/build.sh VERB'
  sed -n 's/^## /  /p' sdk-go/build.sh
}

# go_wasm OUT PACKAGE builds a handler. The same sources give the same bytes anywhere.
go_wasm() {
  GOOS=wasip1 GOARCH=wasm GOFLAGS=-mod=readonly \
    go build -buildmode=c-shared -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o "$@"
}

main "$@"
