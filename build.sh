#!/usr/bin/env bash
#
# Builds and checks Sluice. `./build.sh help` lists the verbs; a line that begins with `##` is the help of the verb below it.

set -euo pipefail
unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

main() {
  local verb=${1:-help}
  [ $# -eq 0 ] || shift
  case $verb in
    build | gen | core | examples | toolchains | test | check | fuzz | bench | help) "verb_$verb" "$@" ;;
    *)
      echo "build.sh: there is no verb '$verb'" >&2
      verb_help >&2
      exit 2
      ;;
  esac
}

## build      builds the program: build/sluice
verb_build() {
  need go
  go build -trimpath -o build/sluice ./host
}

## gen        writes bindings, reference and signatures from abi/events.witx
verb_gen() {
  need go
  go run ./abi/gen
}

## core       builds engine/internal/core/core.wasm from guest/, with TinyGo when TINYGO names it
verb_core() {
  need go
  local out=engine/internal/core/core.wasm
  if [ -n "${TINYGO:-}" ]; then
    "$TINYGO" build -target=wasip1 -buildmode=c-shared -gc=leaking -scheduler=none -panic=trap -stack-size=64KB \
      -no-debug -o "$out" ./guest
    echo "core.wasm: built by $("$TINYGO" version)"
  else
    go_wasm "$out" ./guest
    echo "core.wasm: built by $(go version)"
  fi
}

## examples   builds the handlers of examples/ and of the tests into build/, and those that the program holds
verb_examples() {
  need clang rust cargo-wasm go node npm pip
  handlers
  sdks examples
  if pinned_clang; then
    embedded
  else
    echo 'The handlers in host/command stay as they are.'
  fi
}

## toolchains builds the handlers of engine/testdata/toolchains into build/, each with the toolchain of its language
verb_toolchains() {
  need clang wasi-libc rust-wasi go node npm
  npm_packages
  toolchains
}

## test       installs what is missing (Debian, as root), builds everything, runs every check and every test
verb_test() {
  may_install=yes
  need git go clang gcc wasi-libc rust rust-wasi cargo cargo-wasm node npm pip curl nginx haproxy
  part 'handlers' handlers
  sdks examples
  part 'bench handlers' bench/handlers/build.sh
  part 'program' verb_build
  checks
  part 'npm packages' npm_packages
  part 'toolchains' toolchains
  sdks test
  part 'go test' env SLUICE_REQUIRE_TOOLCHAINS=1 go test ./...
  part 'go test, bench' env SLUICE_REQUIRE_TOOLCHAINS=1 go -C bench test ./...
  part 'bench, guarded' verb_bench --short --guard
  part 'witx reference' scripts/cargo run --quiet --locked --manifest-path abi/witx-check/Cargo.toml
  verdict
}

## check      regenerates what is generated and fails on a difference; signatures, format, vet, linters
verb_check() {
  need git go clang rust cargo-wasm node npm pip
  part 'handlers' handlers
  sdks examples
  checks
  verdict
}

## fuzz       runs every Go fuzz target for FUZZTIME each (default 30s)
verb_fuzz() {
  need go
  local package target
  go list ./... | while read -r package; do
    go test -list '^Fuzz' "$package" </dev/null | { grep '^Fuzz' || true; } | while read -r target; do
      echo "$package $target"
      go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-30s}" -fuzzminimizetime 1x "$package" </dev/null
    done
  done
}

## bench      installs rivals and runs the benchmarks; arguments are theirs, --help lists them
verb_bench() {
  may_install=yes
  need go
  case " $* " in
    *' --help '* | *' -h '* | ' report '*) ;;
    ' parse '*)
      need npm
      npm_packages
      ;;
    ' sandbox '*)
      need npm clang rust
      npm_packages
      measured
      ;;
    *' --short '*)
      need clang cargo-wasm
      bench/handlers/build.sh hello-c echo-c download-c serve tenant-c
      ;;
    *)
      need clang rust cargo cargo-wasm node npm nginx
      npm_ci sdk-js
      bench/handlers/build.sh
      rivals "$@"
      ;;
  esac
  go -C bench build -o "$PWD/build/bench/bench" .
  [ $# -gt 0 ] || set -- --json build/bench/results.json
  build/bench/bench "$@"
}

# rivals installs the servers that are programs of their own, or those of them that --servers names.
rivals() {
  local server wanted=()
  for server in nginx node workerd hyper wasmtime; do
    if [[ " $* " != *' --servers'* || " $* " == *"$server"* ]]; then
      wanted+=("$server")
    fi
  done
  [ ${#wanted[@]} -eq 0 ] || bench/rivals/install.sh "${wanted[@]}" || echo 'The report says why these are missing.'
}

## help       lists the verbs
verb_help() {
  echo 'usage: ./build.sh VERB'
  sed -n 's/^## /  /p' build.sh
}

# ----- Checks: each is a part, and every part runs even when an earlier one failed. -----

checks() {
  part 'generated' unchanged regenerate
  part 'core.wasm' unchanged env -u TINYGO ./build.sh core
  part 'embedded wasm' unchanged committed_embedded
  part 'engine.wasm' unchanged sdk-js/build.sh engine
  part 'signatures' signatures
  part 'gofmt' none 'gofmt would change' gofmt -l .
  part 'go.mod' go mod tidy -diff
  part 'go.mod, bench' go -C bench mod tidy -diff
  part 'go vet' go vet ./...
  part 'go vet, bench' go -C bench vet ./...
  part 'go vet, wasm' env GOOS=wasip1 GOARCH=wasm go vet ./guest/... ./sdk-go/... \
    ./examples/abi/hello-go ./examples/go/... ./engine/testdata/toolchains/golang
  part 'staticcheck' static_check
  if have shellcheck; then
    part 'shellcheck' shellcheck build.sh .ci/run scripts/cargo sdk-*/build.sh bench/handlers/build.sh bench/rivals/install.sh
  else
    printf '%-16s %s\n' 'shellcheck' 'skipped: not installed'
  fi
}

# unchanged runs a command that writes files of the tree, and fails when one of them is not what it was before.
unchanged() {
  tree "$scratch/before"
  "$@"
  tree "$scratch/after"
  (cd "$scratch" && diff -ru before after) || {
    echo "The tree did not hold what '$*' makes. It does now: look at the difference, and commit it."
    return 1
  }
}

# committed_embedded builds the handlers that the program holds as the committed ones were built.
committed_embedded() {
  pinned_clang
  embedded
}

# tree copies the files that are, or could be, committed.
tree() {
  rm -rf "$1"
  mkdir "$1"
  git ls-files -z --cached --others --exclude-standard --deduplicate |
    while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
    xargs -0 cp --parents -pt "$1"
}

# regenerate generates in place. It does so in a copy without generated files too, to find those that nothing makes any
# more.
regenerate() {
  verb_gen
  tree "$scratch/now"
  cp -r "$scratch/now" "$scratch/fresh"
  (
    cd "$scratch/fresh"
    grep -rlZ --exclude-dir=gen --exclude=build.sh 'Code generated by abi/gen' . | xargs -0 rm
    go run ./abi/gen >/dev/null
  )
  (cd "$scratch" && diff -rq now fresh) || {
    echo 'Nothing makes these files any more: remove them.'
    return 1
  }
}

# none fails when a command finds something.
none() {
  local complaint=$1 found
  shift
  found=$("$@")
  [ -z "$found" ] || {
    echo "$complaint:"
    echo "$found"
    return 1
  }
}

# signatures compares what built modules import and export with what the witx says.
signatures() {
  go run ./scripts/signatures core engine/internal/core/core.wasm
  find host/command build/examples build/handlers -name '*.wasm' -print0 | xargs -0 go run ./scripts/signatures handler
}

static_check() {
  local tool=honnef.co/go/tools/cmd/staticcheck@v0.8.2
  go list ./... | grep -v '/guest$' | xargs go run "$tool"
  (cd bench && go run "$tool" ./...)
  # Natively nothing calls the functions that the core exports to its host.
  go run "$tool" -checks inherit,-U1000 ./guest
}

# part runs a command, says whether it succeeded, and shows its output when it did not.
part() {
  local name=$1 status=0 start=$SECONDS
  shift
  printf '%-16s ' "$name"
  # Not `if "$@"`: inside a condition bash would ignore `set -e`, and with it every failure but the last.
  set +e
  (
    set -e
    "$@"
  ) >"$scratch/log" 2>&1 </dev/null
  status=$?
  set -e
  if [ "$status" -eq 0 ]; then
    echo "${green}ok${plain} ($((SECONDS - start)) s)"
  else
    echo "${red}FAILED${plain} ($((SECONDS - start)) s)"
    sed 's/^/  | /' "$scratch/log"
    failed+=("$name")
  fi
}

# verdict ends a run of parts.
verdict() {
  [ ${#failed[@]} -eq 0 ] || {
    printf '%sFAILED:%s' "$red" "$plain"
    printf ' %s;' "${failed[@]}"
    echo
    exit 1
  }
  echo "${green}all ok${plain}"
}

# ----- What is built -----

# handlers builds every handler into build/, and the program that embeds the engine.
handlers() {
  mkdir -p build/examples/abi build/handlers
  local source
  for source in examples/abi/*/handler.c; do
    c_wasm "build/examples/abi/$(basename "$(dirname "$source")").wasm" "$source"
  done
  for source in examples/abi/*/handler.rs; do
    rust_wasm "build/examples/abi/$(basename "$(dirname "$source")").wasm" "$source"
  done
  go_wasm build/examples/abi/hello-go.wasm ./examples/abi/hello-go
  for source in engine/testdata/handlers/*.c; do
    c_wasm "build/handlers/$(basename "$source" .c).wasm" "$source"
  done
  go build -trimpath -o build/examples/embed-go ./examples/embed-go
  measured
}

# sdks VERB has the SDK of each language do what its build.sh knows by that verb, each as a part.
sdks() {
  local sdk
  for sdk in sdk-*; do
    if grep -q "^## $1 " "$sdk/build.sh"; then
      part "$sdk, $1" "$sdk/build.sh" "$1"
    fi
  done
}

# measured builds what the costs of metering and of tenants are measured with.
measured() {
  mkdir -p build/measured
  local source
  for source in engine/internal/rewrite/testdata/*.c; do
    c_wasm "build/measured/$(basename "$source" .c).wasm" "$source"
  done
  for source in engine/internal/rewrite/testdata/*.rs engine/testdata/*.rs; do
    rust_wasm "build/measured/$(basename "$source" .rs).wasm" "$source"
  done
}

# embedded builds the handlers that the program holds: the page that `sluice serve` shows when it is given no handler, what
# --echo serves, and what `sluice dev` answers while nothing has been built.
embedded() {
  c_wasm host/command/welcome.wasm examples/abi/welcome/handler.c
  c_wasm host/command/echo.wasm examples/abi/echo-c/handler.c
  c_wasm host/command/unbuilt.wasm host/command/unbuilt/handler.c
}

# c_wasm OUT SOURCE... builds a handler written in C.
c_wasm() {
  clang --target=wasm32 -std=c11 -Wall -Wextra -Werror -O2 -ffreestanding -nostdlib -I sdk-c \
    -Wl,--no-entry,--strip-all,--stack-first,-z,stack-size=8192 -o "$@"
  chmod a-x "$1" # the linker takes it for a program
}

# rust_wasm OUT SOURCE builds a handler written in Rust.
rust_wasm() {
  "$(rustc_for wasm32-unknown-unknown)" --edition 2021 --crate-type cdylib --crate-name handler --target wasm32-unknown-unknown \
    -O -C panic=abort -C lto -C strip=symbols -C link-arg=-zstack-size=16384 -o "$@"
  chmod a-x "$1"
}

# go_wasm OUT PACKAGE builds a wasm library: a handler, or the core. The same sources give the same bytes anywhere.
go_wasm() {
  GOOS=wasip1 GOARCH=wasm GOFLAGS=-mod=readonly \
    go build -buildmode=c-shared -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o "$@"
}

# toolchains builds handlers with the standard libraries of their languages, which use WASI. Nothing of theirs is in the
# program; that they load and answer is what is tested.
toolchains() {
  local sources=engine/testdata/toolchains out=build/toolchains
  mkdir -p "$out"
  go_wasm "$out/golang.wasm" "./$sources/golang"
  clang --target=wasm32-wasi -mexec-model=reactor -std=gnu11 -Wall -Wextra -Werror -O2 -I sdk-c -Wl,--strip-all \
    -o "$out/c.wasm" "$sources/c.c"
  "$(rustc_for wasm32-wasip1 wasm32-wasi)" --edition 2021 --crate-type cdylib --crate-name handler \
    --target "$(rust_target wasm32-wasip1 wasm32-wasi)" -O -C panic=abort -C lto -C strip=symbols \
    -o "$out/rust.wasm" "$sources/rust.rs"
  node "$sources/node_modules/assemblyscript/bin/asc.js" "$sources/assemblyscript.ts" --optimize --runtime minimal \
    --exportStart _initialize -o "$out/assemblyscript.wasm"
  chmod a-x "$out"/*.wasm
}

# npm_packages installs what tests and most benchmarks use of npm, and runs none of its scripts.
npm_packages() {
  local folder
  for folder in engine/internal/llhttp engine/internal/rewrite engine/testdata/toolchains; do
    npm_ci "$folder"
  done
}

# npm_ci FOLDER installs what the lock of a folder names.
npm_ci() {
  env -C "$1" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
}

# Another compiler makes other bytes, so the committed handlers can be proven by these alone.
embedded_clang='clang version 14.0.6'
embedded_lld='LLD 14.0.6'

# pinned_clang fails, with the reason, when clang is not the one that the committed handlers were built with.
pinned_clang() {
  local clang lld
  clang=$(clang --version)
  clang=${clang%%$'\n'*}
  lld=$(wasm-ld --version)
  if [[ "$clang" != *"$embedded_clang"* || "$lld" != *"$embedded_lld"* ]]; then
    echo "The handlers in host/command are built by $embedded_clang and $embedded_lld, the ones of Debian 12."
    echo "These are $clang and $lld: put the others first on PATH."
    return 1
  fi
}

# rustc_for prints the first Rust compiler that has the standard library for one of some targets.
rustc_for() {
  rust_with "$@" | sed -n 1p
}

# rust_target prints the target for which that compiler has it. WASI preview 1 was called otherwise before Rust 1.78.
rust_target() {
  rust_with "$@" | sed -n 2p
}

# rust_with prints a compiler and one of some targets that it has, a line each.
rust_with() {
  local rustc target
  for rustc in "${RUSTC:-rustc}" rustc /usr/bin/rustc; do
    for target in "$@"; do
      if have "$rustc" && [ -d "$("$rustc" --print target-libdir --target "$target" 2>/dev/null)" ]; then
        printf '%s\n' "$rustc" "$target"
        return 0
      fi
    done
  done
  return 1
}

# ----- What has to be there -----

# need checks for tools and installs what is missing where it may: packages on Debian as root, and the Go toolchain that
# go.mod names.
need() {
  local tool missing=() packages=()
  lack() {
    missing+=("$1")
    packages+=("${@:2}")
  }
  for tool in "$@"; do
    case $tool in
      git | curl | cargo) have "$tool" || lack "$tool" "$tool" ;;
      gcc) have gcc || lack gcc gcc libc6-dev ;;
      pip) python3 -m pip --version >/dev/null 2>&1 || lack pip python3-pip ;;
      go) have go || lack go golang-go ;;
      clang)
        have clang || lack clang clang
        have wasm-ld || lack wasm-ld lld
        ;;
      rust)
        rust_with wasm32-unknown-unknown >/dev/null ||
          lack 'rustc with the target wasm32-unknown-unknown' rustc libstd-rust-dev-wasm32
        ;;
      cargo-wasm)
        sdk-rust/build.sh cargo >/dev/null 2>&1 ||
          lack 'cargo, and beside it rustc with the target wasm32-unknown-unknown' cargo rustc libstd-rust-dev-wasm32 lld
        ;;
      rust-wasi)
        rust_with wasm32-wasip1 wasm32-wasi >/dev/null ||
          lack 'rustc with the target wasm32-wasip1' rustc libstd-rust-dev-wasm32
        ;;
      wasi-libc) has_wasi_libc || lack 'wasi-libc for clang' wasi-libc libclang-rt-dev-wasm32 ;;
      node) have node || lack node nodejs ;;
      npm) have npm || lack npm npm ;;
      # Pinned, because what the chains of servers show is what these versions do.
      nginx) have nginx || have /usr/sbin/nginx || lack nginx 'nginx=1.22.*' ;;
      haproxy) have haproxy || have /usr/sbin/haproxy || lack haproxy 'haproxy=2.6.*' ;;
    esac
  done
  [ ${#missing[@]} -eq 0 ] || install "$(printf '%s, ' "${missing[@]}")" ca-certificates "${packages[@]}"
  case " $* " in *' go '*) use_pinned_go ;; esac
}

install() {
  local tools=${1%, }
  shift
  local command=(apt-get install -y --no-install-recommends "$@")
  if [ -z "$may_install" ] || [ "$(id -u)" -ne 0 ] || ! have apt-get; then
    echo "build.sh: missing: $tools" >&2
    echo "build.sh: on Debian 12, root installs it with: ${command[*]}" >&2
    exit 1
  fi
  echo "missing: $tools"
  echo "${command[*]}"
  export DEBIAN_FRONTEND=noninteractive
  {
    apt-get update || echo 'going on with the package lists that are there'
    without_services "${command[@]}"
  } >"$scratch/apt" 2>&1 || {
    cat "$scratch/apt"
    exit 1
  }
}

# without_services runs a command that installs packages. Servers among them are for tests to start, not for the system.
without_services() (
  policy=/usr/sbin/policy-rc.d # asked before a service is started, and not there on most machines
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod a+x "$policy"
  fi
  "$@"
)

# use_pinned_go makes `go` the toolchain that go.mod names, no older and no newer one: core.wasm's bytes depend on it.
use_pinned_go() {
  local pinned dir
  pinned=$(sed -n 's/^toolchain //p' go.mod)
  export GOTOOLCHAIN=$pinned
  # Since 1.21 go fetches the toolchain by itself. An older one knows nothing of toolchains, but they come as a module.
  [[ "$(go version)" != *" $pinned "* ]] || return 0
  dir=$(
    cd /
    go mod download -json "golang.org/toolchain@v0.0.1-$pinned.$(go env GOOS)-$(go env GOARCH)" |
      sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p'
  )
  if [ ! -x "$dir/bin/go" ]; then
    # What `go` itself does after such a download: modules carry neither executable bits nor go.mod files in folders.
    chmod -R u+w "$dir"
    find "$dir/src" -name _go.mod -exec bash -c 'cp "$1" "${1%_go.mod}go.mod"' - {} \;
    find "$dir/pkg/tool" -type f -exec chmod a+x {} +
    chmod a+x "$dir/bin/"*
  fi
  export PATH=$dir/bin:$PATH
  [[ "$(go version)" == *" $pinned "* ]] || {
    echo "build.sh: go.mod asks for $pinned, and this is $(go version)" >&2
    exit 1
  }
}

# has_wasi_libc tries the C library for WASI, and the compiler's own.
has_wasi_libc() {
  echo 'int main(void) { return 0; }' |
    clang --target=wasm32-wasi -mexec-model=reactor -x c -o /dev/null - >/dev/null 2>&1
}

have() {
  command -v "$1" >/dev/null
}

# ----- State -----

may_install=''
failed=()
green='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

main "$@"
