package rivals

import (
	"context"
	"os/exec"
	"strings"
)

// wasmtime runs a component of wasi:http 0.2, for which an instance for each request is the default of `wasmtime serve`, as
// are the pooling allocator and a thread for each processor. No other setting of it is about speed.
var wasmtime = Server{
	Name:    "wasmtime",
	Long:    true,
	About:   "wasmtime serve with a component in Rust (wasi:http 0.2), a clean instance for each request, its default",
	Version: wasmtimeVersion,
	Start:   inWasmtime(),
}

// wasmtimeReuse has an instance answer as many requests as is the default for components of wasi:http 0.3, one at a time:
// those of 0.2 cannot do more.
var wasmtimeReuse = Server{
	Name:    "wasmtime-reuse",
	Long:    true,
	About:   "the same, an instance for 128 requests, one after the other",
	Variant: true,
	Version: wasmtimeVersion,
	Start:   inWasmtime("--max-instance-reuse-count", "128"),
}

// inWasmtime starts `wasmtime serve` with flags.
func inWasmtime(flags ...string) func(context.Context, *Site) (*Process, error) {
	return func(ctx context.Context, site *Site) (*Process, error) {
		program, err := wasmtimeProgram(site)
		if err != nil {
			return nil, err
		}
		component, err := installed(site, "wasmtime", "component.wasm")
		if err != nil {
			return nil, err
		}
		address, err := FreeAddress(ctx)
		if err != nil {
			return nil, err
		}
		args := append([]string{"serve", "--addr", address}, append(flags, component)...)
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
