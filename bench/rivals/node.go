package rivals

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

var node = Server{
	Name:    "node",
	Long:    true,
	About:   "Node.js, node:http in a cluster of a worker for each processor",
	Version: nodeVersion,
	Start:   startNode,
}

func startNode(ctx context.Context, site *Site) (*Process, error) {
	program, err := nodeProgram(site)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, filepath.Join(site.Root, "bench/rivals/node/server.js"))
	cmd.Env = append(os.Environ(), "NODE_ENV=production")
	return RunPrinting(ctx, cmd)
}

func nodeVersion(ctx context.Context, site *Site) (string, error) {
	program, err := nodeProgram(site)
	if err != nil {
		return "", err
	}
	version, err := exec.CommandContext(ctx, program, "--version").Output()
	return strings.TrimPrefix(strings.TrimSpace(string(version)), "v"), err
}

func nodeProgram(site *Site) (string, error) {
	path, err := exec.LookPath("node")
	if err != nil {
		return "", notInstalled(site, "node")
	}
	return path, nil
}
