#!/usr/bin/env bash
#
# Installs the servers that Sluice is measured beside, at pinned versions, and says which ones it could not install and why:
#
#     bench/rivals/install.sh [nginx] [node] [workerd] [hyper] [wasmtime]
#
# Without names it is all of them. What it makes is in build/rivals, once. Why a server is not there is in a file NAME.missing
# of that folder, which the benchmarks quote. nginx, Node.js and what is needed to build the others (gcc, clang, lld, and cargo,
# for its libraries) come from Debian 12: ./build.sh bench has installed them before. CARGO names a cargo, beside a rustc with
# the target wasm32-unknown-unknown, that is used in place of Debian's newest, which is fetched otherwise.

set -euo pipefail
unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

readonly wasmtime_version=48.0.8
readonly wasm_tools_version=1.263.0
readonly rust_version=1.96

readonly sources=bench/rivals
readonly out=$PWD/build/rivals

main() {
  local server missing=0
  [ $# -gt 0 ] || set -- nginx node workerd hyper wasmtime
  mkdir -p "$out"
  for server in "$@"; do
    case $server in
      nginx | node | workerd | hyper | wasmtime) install_and_tell "$server" || missing=1 ;;
      *) fail "there is no server '$server'; there are nginx, node, workerd, hyper and wasmtime" ;;
    esac
  done
  return "$missing"
}

# install_and_tell installs a server, and keeps the reason when that fails.
install_and_tell() {
  local server=$1 log=$out/$1.log reason=$out/$1.missing status=0
  printf '%-9s ' "$server"
  # Not `if ...`: inside a condition bash would ignore `set -e`.
  set +e
  (
    set -e
    "install_$server"
  ) >"$log" 2>&1 </dev/null
  status=$?
  set -e
  if [ "$status" -eq 0 ]; then
    rm -f "$reason"
    echo "installed: $("version_$server")"
    return 0
  fi
  why "$log" >"$reason"
  echo "NOT installed: $(cat "$reason") (all that was said: build/rivals/$server.log)"
  return 1
}

# why finds the first error in what was said, or gives the last line.
why() {
  grep -m 1 -E '^(error|npm error|E:)' "$1" || tail -n 1 "$1" | grep . || echo 'it failed without a word'
}

# ----- The servers: how each is installed, and which version it then says it is -----

install_nginx() {
  nginx_program >/dev/null || fail 'error: nginx is not there; on Debian 12, root installs it with: apt-get install nginx=1.22.*'
}

version_nginx() { "$(nginx_program)" -v 2>&1; }

nginx_program() { command -v nginx || command -v /usr/sbin/nginx; }

install_node() {
  have node || fail 'error: Node.js is not there; on Debian 12, root installs it with: apt-get install nodejs npm'
}

version_node() { echo "node $(node --version)"; }

install_workerd() {
  have npm || fail 'error: npm is not there; on Debian 12, root installs it with: apt-get install nodejs npm'
  [ "$sources/workerd/node_modules/.package-lock.json" -nt "$sources/workerd/package-lock.json" ] ||
    env -C "$sources/workerd" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  version_workerd
}

version_workerd() {
  local program=("$sources"/workerd/node_modules/@cloudflare/workerd-*/bin/workerd)
  "${program[0]}" --version
}

install_hyper() {
  rust
  cargo build --locked --release --manifest-path "$sources/hyper/Cargo.toml" --target-dir "$out/hyper"
}

version_hyper() { echo "hyper $("$out/hyper/release/bench-hyper" --version)"; }

install_wasmtime() {
  rust
  # What `serve` needs and is on by default, without what it does not need, such as the other compiler and profilers.
  [ "$(version_wasmtime 2>/dev/null)" = "wasmtime $wasmtime_version" ] ||
    cargo install wasmtime-cli --version "$wasmtime_version" --locked --root "$out/wasmtime" --no-default-features --features \
      run,serve,compile,pooling-allocator,parallel-compilation,component-model,component-model-async,wasi-http,cache,threads,gc,gc-drc,gc-null
  components
}

version_wasmtime() { "$out/wasmtime/bin/wasmtime" --version; }

# components builds what `wasmtime serve` runs. The linker makes modules, and wasm-tools components of them.
components() {
  local target=wasm32-unknown-unknown version
  have wasm-ld || fail 'error: wasm-ld is not there; on Debian 12, root installs it with: apt-get install lld'
  [ "$("$out/wasm-tools/bin/wasm-tools" --version 2>/dev/null)" = "wasm-tools $wasm_tools_version" ] ||
    cargo install wasm-tools --version "$wasm_tools_version" --locked --root "$out/wasm-tools" \
      --no-default-features --features component
  RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld \
    cargo build "${build_std[@]}" --locked --release --target "$target" \
    --manifest-path "$sources/wasmtime/Cargo.toml" --target-dir "$out/components"
  for version in 0.2 0.3; do
    "$out/wasm-tools/bin/wasm-tools" component new "$out/components/$target/release/serve_${version/./}.wasm" \
      -o "$out/wasmtime/wasi-$version.wasm"
  done
}

# ----- Rust: Debian 12 has one that is new enough for all of this, for its browsers. -----

build_std=()

# rust makes `cargo` one that can build everything here.
rust() {
  if [ -n "${CARGO:-}" ]; then
    cargo() { "$CARGO" "$@"; }
    return
  fi
  debian_rust "$out/rust"
  RUSTC=$out/rust/usr/bin/rustc
  LD_LIBRARY_PATH=$out/rust/usr/lib/$(uname -m)-linux-gnu
  export RUSTC LD_LIBRARY_PATH
  cargo() { "$out/rust/usr/bin/cargo" "$@"; }
  # It comes without a standard library for WebAssembly, but with its sources. To build that is still unstable.
  build_std=(-Z 'build-std=std,panic_abort')
}

# debian_rust unpacks the packages. Installed, they would take the place of the older Rust, which the handlers are built with.
debian_rust() {
  local root=$1 fresh=$1.new
  [ ! -x "$root/usr/bin/rustc" ] || return 0
  have apt-get || fail "error: Rust is fetched from Debian 12, and this is another system; name a cargo of $rust_version or newer with CARGO"
  rm -rf "$fresh"
  mkdir -p "$fresh/packages"
  debian_packages "$fresh/packages" || { apt-get update && debian_packages "$fresh/packages"; } ||
    fail "error: Debian's packages of Rust $rust_version cannot be had; name a cargo of that version or newer with CARGO"
  local package
  for package in "$fresh"/packages/*.deb; do dpkg-deb -x "$package" "$fresh"; done
  rm -r "$fresh/packages"
  mv "$fresh" "$root"
}

debian_packages() {
  local pinned=(rustc-web cargo-web libstd-rust-web-dev "libstd-rust-web-$rust_version" rust-web-src)
  env -C "$1" apt-get -o APT::Sandbox::User=root download "${pinned[@]/%/=$rust_version.*}" libllvm22
}

have() { command -v "$1" >/dev/null; }

fail() {
  echo "$1" >&2
  exit 1
}

main "$@"
