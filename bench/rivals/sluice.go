package rivals

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sluicehttp/sluice/bench/workloads"
)

// Sluice, embedded into the program of bench/server. Its handlers are built from bench/handlers.

var sluice = Server{
	Name:    "sluice",
	About:   "Sluice: the core and a handler in Rust sandboxed, a clean instance for each request",
	Version: sluiceVersion("serve.wasm"),
	Start:   inSluice("serve.wasm"),
}

var sluiceConnection = Server{
	Name:    "sluice-connection",
	About:   "the same, a clean instance for each connection",
	Variant: true,
	Version: sluiceVersion("serve.wasm"),
	Start:   inSluice("serve.wasm", "--isolation", "connection"),
}

var sluiceShared = Server{
	Name:    "sluice-shared",
	About:   "the same, one instance for all requests",
	Variant: true,
	Version: sluiceVersion("serve.wasm"),
	Start:   inSluice("serve.wasm", "--isolation", "shared"),
}

var sluiceNativeCore = Server{
	Name:    "sluice-native-core",
	About:   "the same as sluice, the core linked natively",
	Variant: true,
	Version: sluiceVersion("serve.wasm"),
	Start:   inSluice("serve.wasm", "--core", "native"),
}

var sluiceC = Server{
	Name:    "sluice-c",
	About:   "the same as sluice, the handler in C without an SDK",
	Variant: true,
	Lacks:   lacksAllBut(workloads.Hello, "the handler says hello and nothing else"),
	Version: sluiceVersion("hello-c.wasm"),
	Start:   inSluice("hello-c.wasm"),
}

var sluiceJS = Server{
	Name:    "sluice-js",
	About:   "Sluice with a handler in JavaScript, a clean instance for each request",
	Variant: true,
	Version: sluiceVersion("serve-js.wasm"),
	Start:   inSluice("serve-js.wasm"),
}

var sluiceJSShared = Server{
	Name:    "sluice-js-shared",
	About:   "the same, one instance for all requests",
	Variant: true,
	Version: sluiceVersion("serve-js.wasm"),
	Start:   inSluice("serve-js.wasm", "--isolation", "shared"),
}

// inSluice starts Sluice with a handler.
func inSluice(handler string, flags ...string) func(context.Context, *Site) (*Process, error) {
	return func(ctx context.Context, site *Site) (*Process, error) {
		wasm, err := built(filepath.Join(site.Build, "bench", handler))
		if err != nil {
			return nil, err
		}
		return inProgram(append([]string{"sluice", "--handler", wasm}, flags...)...)(ctx, site)
	}
}

// sluiceVersion is the commit that the program was built from.
func sluiceVersion(handler string) func(context.Context, *Site) (string, error) {
	return func(ctx context.Context, site *Site) (string, error) {
		if _, err := built(filepath.Join(site.Build, "bench", handler)); err != nil {
			return "", err
		}
		cmd := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty")
		cmd.Dir = site.Root
		described, err := cmd.Output()
		if err != nil {
			return "unknown commit", nil // sources without their history
		}
		return strings.TrimSpace(string(described)), nil
	}
}
