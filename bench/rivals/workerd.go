package rivals

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
)

// workerd comes from npm, at the version that the folder's package.json pins.
var workerd = Server{
	Name:    "workerd",
	Long:    true,
	About:   "the runtime of Cloudflare Workers, a handler in JavaScript in an isolate that all requests share; one thread",
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
	return strings.TrimPrefix(strings.TrimSpace(string(version)), "workerd "), err
}

// workerdProgram finds the program itself: the package's own command is a script that starts it and stays beside it.
func workerdProgram(site *Site) (string, error) {
	found, _ := filepath.Glob(filepath.Join(site.Root, "bench/rivals/workerd/node_modules/@cloudflare/workerd-*/bin/workerd"))
	if len(found) != 1 {
		return "", notInstalled(site, "workerd")
	}
	return found[0], nil
}
