#!/usr/bin/env bash
#
# Builds and tests the SDK for Rust. `sdk-rust/build.sh help` lists the verbs; a line that begins with `##` is the help of
# the verb below it. The tools are a cargo and its rustc with the standard library for wasm32-unknown-unknown: rustup's, or
# those of Debian 12 (cargo rustc libstd-rust-dev-wasm32 lld).

set -euo pipefail
unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

main() {
  local verb=${1:-help}
  case $verb in
    cargo | examples | test | help) "verb_$verb" ;;
    *)
      echo "sdk-rust/build.sh: there is no verb '$verb'" >&2
      verb_help >&2
      exit 2
      ;;
  esac
}

## examples   builds examples/rust/* into build/examples/rust/, and the handlers of the tests into build/handlers/
verb_examples() {
  local manifest folder
  for manifest in examples/rust/*/Cargo.toml; do
    folder=$(dirname "$manifest")
    wasm "$folder" "build/examples/rust/$(basename "$folder").wasm"
  done
  wasm sdk-rust/misuse build/handlers/misuse-rust.wasm
}

## cargo      prints the cargo that the handlers are built with
verb_cargo() {
  wasm_cargo
}

## test       runs the SDK's tests natively, and the examples in its documentation; clippy and rustfmt where they are there
verb_test() {
  export CARGO_TARGET_DIR=$PWD/build/cargo
  cd sdk-rust
  # A debugger has nothing to do here, and its information takes most of the time and the room.
  export CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_TEST_DEBUG=0
  ../scripts/cargo test --quiet --locked --all-features
  RUSTDOCFLAGS='-D warnings' ../scripts/cargo doc --quiet --locked --all-features --no-deps
  if cargo clippy --version >/dev/null 2>&1; then
    ../scripts/cargo clippy --quiet --locked --all-features --all-targets -- -D warnings
  fi
  if cargo fmt --version >/dev/null 2>&1; then
    local manifest
    for manifest in Cargo.toml misuse/Cargo.toml ../examples/rust/*/Cargo.toml; do
      cargo fmt --check --manifest-path "$manifest"
    done
  fi
}

## help       lists the verbs
verb_help() {
  echo 'usage: sdk-rust/build.sh VERB'
  sed -n 's/^## /  /p' sdk-rust/build.sh
}

# wasm FOLDER OUT builds a handler as its author would, in its folder, whose .cargo/config.toml names the target.
wasm() {
  local folder=$1 out=$2 cargo name
  cargo=$(wasm_cargo)
  name=$(basename "$folder")
  export CARGO_TARGET_DIR=$PWD/build/cargo
  local scripts=$PWD/scripts
  (
    cd "$folder"
    CARGO=$cargo RUSTC=${cargo%cargo}rustc "$scripts/cargo" build --quiet --release --locked
  )
  mkdir -p "$(dirname "$out")"
  cp "$CARGO_TARGET_DIR/wasm32-unknown-unknown/release/${name//-/_}.wasm" "$out"
  chmod a-x "$out" # the linker takes it for a program
}

# wasm_cargo prints the first cargo that has, beside it, a rustc with the standard library for wasm: a cargo passes flags
# that only the compiler of its own time knows.
wasm_cargo() {
  local cargo libraries
  for cargo in "$(command -v cargo || true)" /usr/bin/cargo; do
    if [ -x "$cargo" ] && [ -x "${cargo%cargo}rustc" ]; then
      libraries=$("${cargo%cargo}rustc" --print target-libdir --target wasm32-unknown-unknown 2>/dev/null || true)
      if [ -d "$libraries" ]; then
        echo "$cargo"
        return 0
      fi
    fi
  done
  echo 'sdk-rust/build.sh: missing: cargo, and beside it a rustc with the target wasm32-unknown-unknown' >&2
  echo 'sdk-rust/build.sh: on Debian 12: apt-get install cargo rustc libstd-rust-dev-wasm32 lld' >&2
  echo 'sdk-rust/build.sh: with rustup: rustup target add wasm32-unknown-unknown' >&2
  return 1
}

main "$@"
