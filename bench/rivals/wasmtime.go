package rivals

import (
	"context"
	"os/exec"
	"strings"
)

// wasmtime is `wasmtime serve` with its defaults: the pooling allocator, a thread for each processor, and for components of
// wasi:http 0.2 an instance for each request.
var wasmtime = Server{
	Name:    "wasmtime",
	Long:    true,
	About:   "wasmtime serve with a component in Rust (wasi:http 0.2), a clean instance for each request, its default",
	Version: wasmtimeVersion,
	Start:   inWasmtime("wasi-0.2.wasm"),
}

// wasmtimeReuse has an instance answer as many requests as is the default for wasi:http 0.3. Of 0.2 it cannot answer two at a
// time.
var wasmtimeReuse = Server{
	Name:    "wasmtime-reuse",
	Long:    true,
	About:   "the same, an instance for 128 requests, one after the other",
	Variant: true,
	Version: wasmtimeVersion,
	Start:   inWasmtime("wasi-0.2.wasm", "--max-instance-reuse-count", "128"),
}

// wasmtime03 is the default for components of wasi:http 0.3.
var wasmtime03 = Server{
	Name:    "wasmtime-0.3",
	Long:    true,
	About:   "wasmtime serve with a component of wasi:http 0.3, an instance for 128 requests, 16 of them at a time, its default",
	Variant: true,
	Version: wasmtimeVersion,
	Start:   inWasmtime("wasi-0.3.wasm"),
}

// inWasmtime starts `wasmtime serve` with a component and flags.
func inWasmtime(component string, flags ...string) func(context.Context, *Site) (*Process, error) {
	return func(ctx context.Context, site *Site) (*Process, error) {
		program, err := wasmtimeProgram(site)
		if err != nil {
			return nil, err
		}
		wasm, err := installed(site, "wasmtime", component)
		if err != nil {
			return nil, err
		}
		address, err := FreeAddress(ctx)
		if err != nil {
			return nil, err
		}
		args := append([]string{"serve", "--addr", address}, append(flags, wasm)...)
		return Run(ctx, exec.CommandContext(ctx, program, args...), address)
	}
}

func wasmtimeVersion(ctx context.Context, site *Site) (string, error) {
	program, err := wasmtimeProgram(site)
	if err != nil {
		return "", err
	}
	version, err := exec.CommandContext(ctx, program, "--version").Output() // wasmtime 48.0.8
	return strings.TrimPrefix(strings.TrimSpace(string(version)), "wasmtime "), err
}

func wasmtimeProgram(site *Site) (string, error) { return installed(site, "wasmtime", "bin/wasmtime") }
