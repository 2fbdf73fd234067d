package rivals

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sluicehttp/sluice/bench/workloads"
)

// workerd comes from npm, at the version that the folder's package.json pins.
var workerd = Server{
	Name:    "workerd",
	Long:    true,
	About:   "the runtime of Cloudflare Workers, a handler in JavaScript in an isolate that all requests share; one thread",
	Lacks:   lacksAllBut(workloads.Hello, "the worker says hello and nothing else"),
	Version: workerdVersion,
	Start:   startWorkerd,
}

func startWorkerd(ctx context.Context, site *Site) (*Process, error) {
	program, err := workerdProgram(site)
	if err != nil {
		return nil, err
	}
	address, err := FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(site.Root, "bench/rivals/workerd/workerd.capnp")
	return Run(ctx, exec.CommandContext(ctx, program, "serve", "--socket-addr", "http="+address, config), address)
}

func workerdVersion(ctx context.Context, site *Site) (string, error) {
	program, err := workerdProgram(site)
	if err != nil {
		return "", err
	}
	version, err := exec.CommandContext(ctx, program, "--version").Output()
	return strings.TrimSpace(string(version)), err
}

// workerdProgram finds the program itself: the package's own command is a script that starts it and stays beside it.
func workerdProgram(site *Site) (string, error) {
	found, _ := filepath.Glob(filepath.Join(site.Root, "bench/rivals/workerd/node_modules/@cloudflare/workerd-*/bin/workerd"))
	if len(found) != 1 {
		return "", Missingf("its npm package is not installed; ./build.sh bench does that")
	}
	return found[0], nil
}
