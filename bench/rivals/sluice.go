package rivals

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluicehttp/sluice/bench/handlers"
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

// sluiceProgram is what an operator runs.
var sluiceProgram = Server{
	Name:    "sluice-serve",
	About:   "the program: sluice serve with a handler in Rust",
	Variant: true,
	Version: sluiceVersion("serve.wasm"),
	Start: func(ctx context.Context, site *Site) (*Process, error) {
		program := filepath.Join(filepath.Dir(site.Program), "sluice")
		cmd := exec.CommandContext(ctx, program, "serve", filepath.Join(site.Build, "bench/serve.wasm"), "--addr", "127.0.0.1:0")
		cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SLUICE_") })
		// The folder for caches is XDG_CACHE_HOME, or in HOME where that is not known.
		cmd.Env = append(cmd.Env, "XDG_CACHE_HOME="+site.Cache, "HOME="+site.Cache)
		return RunPrinting(ctx, cmd)
	},
}

// sluiceSpinning has a tenant that says hello, and one, spin.example, that computes until it is ended.
var sluiceSpinning = Server{
	Name:    "sluice-spinning",
	About:   "Sluice with a tenant that says hello and one that computes for ever",
	Variant: true,
	Host:    "t0.example",
	Lacks:   lacksAllBut(workloads.Hello, "the handlers say hello or nothing"),
	Version: sluiceVersion("spin-c.wasm"),
	Start: func(ctx context.Context, site *Site) (*Process, error) {
		if err := writeTenants(site, 1); err != nil {
			return nil, err
		}
		spin := filepath.Join(site.Build, "bench", "spin-c.wasm")
		return inProgram("sluice", "--cache", site.Cache, "--tenants", site.Scratch, "--spin", spin)(ctx, site)
	},
}

// sluiceTenants has as many tenants, each with a module of its own.
func sluiceTenants(count int) Server {
	return Server{
		Name:    fmt.Sprintf("sluice-tenants-%d", count),
		About:   fmt.Sprintf("Sluice with tenants, %d, each with a module in C of its own", count),
		Variant: true,
		Host:    "t0.example",
		Lacks:   lacksAllBut(workloads.Hello, "the handlers say hello and nothing else"),
		Version: sluiceVersion("tenant-c.wasm"),
		Start: func(ctx context.Context, site *Site) (*Process, error) {
			if err := writeTenants(site, count); err != nil {
				return nil, err
			}
			return inProgram("sluice", "--cache", site.Cache, "--tenants", site.Scratch)(ctx, site)
		},
	}
}

// writeTenants writes modules that have code of their own: the dearest way in which tenants can differ.
func writeTenants(site *Site, count int) error {
	wasm, err := os.ReadFile(filepath.Join(site.Build, "bench", "tenant-c.wasm"))
	if err != nil {
		return err
	}
	for i := range count {
		module, err := handlers.Tenant(wasm, i, handlers.InCode)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(site.Scratch, fmt.Sprintf("%d.wasm", i)), module, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// inSluice starts Sluice with a handler.
func inSluice(handler string, flags ...string) func(context.Context, *Site) (*Process, error) {
	return func(ctx context.Context, site *Site) (*Process, error) {
		wasm, err := built(filepath.Join(site.Build, "bench", handler))
		if err != nil {
			return nil, err
		}
		return inProgram(append([]string{"sluice", "--cache", site.Cache, "--handler", wasm}, flags...)...)(ctx, site)
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
