package rivals

import (
	"context"
	"os/exec"
	"strings"
)

// hyper is Rust in native code. What it computes is the same source with the same libraries as in the component for wasmtime, so
// that /compute shows what a sandbox costs. Libraries with assembly of their own would be faster, as that of net/http is.
var hyper = Server{
	Name:    "hyper",
	Long:    true,
	About:   "hyper, for Rust, native code on tokio's threads; for /compute the measure of what a sandbox costs",
	Version: hyperVersion,
	Start:   startHyper,
}

func startHyper(ctx context.Context, site *Site) (*Process, error) {
	program, err := hyperProgram(site)
	if err != nil {
		return nil, err
	}
	return RunPrinting(ctx, exec.CommandContext(ctx, program))
}

// hyperVersion asks the server, which its build told the version of the library.
func hyperVersion(ctx context.Context, site *Site) (string, error) {
	program, err := hyperProgram(site)
	if err != nil {
		return "", err
	}
	version, err := exec.CommandContext(ctx, program, "--version").Output()
	return strings.TrimSpace(string(version)), err
}

func hyperProgram(site *Site) (string, error) { return installed(site, "hyper", "release/bench-hyper") }
