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

// fastest are the handlers by path: in C, without an SDK, what moves bytes, and in Rust what parses and computes.
var fastest = map[string]string{
	"/hello": "hello-c", "/echo": "echo-c", "/64k": "download-c", "/100m": "download-c", "/": "serve",
}

var sluice = Server{
	Name:    "sluice",
	About:   "Sluice: core and handlers sandboxed, a clean instance for each request; handlers in C, in Rust for JSON and compute",
	Version: sluiceVersion("hello-c", "echo-c", "download-c", "serve"),
	Start:   inSluice(fastest),
}

var sluiceRust = Server{
	Name:    "sluice-rust",
	About:   "the same, all paths with one handler in Rust, over the SDK",
	Version: sluiceVersion("serve"),
	Start:   inSluice(one("serve")),
}

var sluiceConnection = Server{
	Name:    "sluice-connection",
	About:   "the same as sluice, a clean instance for each connection",
	Variant: true,
	Version: sluiceVersion("hello-c", "serve"),
	Start:   inSluice(fastest, "--isolation", "connection"),
}

var sluiceShared = Server{
	Name:    "sluice-shared",
	About:   "the same, one instance for all requests",
	Variant: true,
	Version: sluiceVersion("hello-c", "serve"),
	// The download in C knows one session at a time.
	Start: inSluice(map[string]string{"/hello": "hello-c", "/": "serve"}, "--isolation", "shared"),
}

var sluiceNativeCore = Server{
	Name:    "sluice-native-core",
	About:   "the same as sluice, the core linked natively",
	Variant: true,
	Version: sluiceVersion("hello-c", "serve"),
	Start:   inSluice(fastest, "--core", "native"),
}

var sluiceJS = Server{
	Name:    "sluice-js",
	About:   "Sluice with a handler in JavaScript, a clean instance for each request",
	Variant: true,
	Version: sluiceVersion("serve-js"),
	Start:   inSluice(one("serve-js")),
}

var sluiceJSShared = Server{
	Name:    "sluice-js-shared",
	About:   "the same, one instance for all requests",
	Variant: true,
	Version: sluiceVersion("serve-js"),
	Start:   inSluice(one("serve-js"), "--isolation", "shared"),
}

// sluiceProgram is what an operator runs.
var sluiceProgram = Server{
	Name:    "sluice-serve",
	About:   "the program: sluice serve with a handler in Rust",
	Variant: true,
	Version: sluiceVersion("serve"),
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
	Version: sluiceVersion("spin-c"),
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
		Version: sluiceVersion("tenant-c"),
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

// one is a handler for all paths.
func one(handler string) map[string]string { return map[string]string{"/": handler} }

// inSluice starts Sluice with handlers of bench/handlers, by path.
func inSluice(handlers map[string]string, flags ...string) func(context.Context, *Site) (*Process, error) {
	return func(ctx context.Context, site *Site) (*Process, error) {
		args := append([]string{"sluice", "--cache", site.Cache}, flags...)
		for path, handler := range handlers {
			wasm, err := built(filepath.Join(site.Build, "bench", handler+".wasm"))
			if err != nil {
				return nil, err
			}
			args = append(args, "--handler", path+"="+wasm)
		}
		return inProgram(args...)(ctx, site)
	}
}

// sluiceVersion is the commit that the program was built from. Without the handlers there is none.
func sluiceVersion(handlers ...string) func(context.Context, *Site) (string, error) {
	return func(ctx context.Context, site *Site) (string, error) {
		for _, handler := range handlers {
			if _, err := built(filepath.Join(site.Build, "bench", handler+".wasm")); err != nil {
				return "", err
			}
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
