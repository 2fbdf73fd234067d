package rivals

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/sluicehttp/sluice/bench/workloads"
)

// nginx comes from Debian. What is in nginx/nginx.conf says where its settings are from.
var nginx = Server{
	Name:    "nginx",
	About:   "nginx, fixed text and static files, a worker for each processor",
	Lacks:   lacksHandlers("nginx runs no handlers; what reads a body, or computes, needs njs or another module, or a server behind it"),
	Version: nginxVersion,
	Start:   startNginx,
}

// lacksHandlers gives all endpoints that take more than sending what is there a reason.
func lacksHandlers(reason string) map[workloads.Endpoint]string {
	return map[workloads.Endpoint]string{workloads.JSON: reason, workloads.Echo: reason, workloads.Compute: reason}
}

func startNginx(ctx context.Context, site *Site) (*Process, error) {
	program, err := nginxProgram(site)
	if err != nil {
		return nil, err
	}
	address, err := FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	if err := writeFiles(filepath.Join(site.Scratch, "files")); err != nil {
		return nil, err
	}
	config, err := writeConfig(site, address)
	if err != nil {
		return nil, err
	}
	// Without -e it opens the system's log of errors before it reads where its own goes.
	return Run(ctx, exec.CommandContext(ctx, program, "-e", "stderr", "-p", site.Scratch, "-c", config), address)
}

// writeFiles writes the files that are served.
func writeFiles(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for name, size := range map[string]int{"64k": 64 << 10, "100m": 100 << 20} {
		content := bytes.Repeat([]byte("abcdefghijklmnopqrstuvwxyz"), size/26+1)[:size]
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// writeConfig fills in the configuration. Started by root, nginx would have nobody run its workers, who cannot see the files.
func writeConfig(site *Site, address string) (path string, err error) {
	config, err := template.ParseFiles(filepath.Join(site.Root, "bench/rivals/nginx/nginx.conf"))
	if err != nil {
		return "", err
	}
	var filled bytes.Buffer
	values := struct {
		Address, Dir string
		Root         bool
	}{address, site.Scratch, os.Getuid() == 0}
	if err := config.Execute(&filled, values); err != nil {
		return "", err
	}
	path = filepath.Join(site.Scratch, "nginx.conf")
	return path, os.WriteFile(path, filled.Bytes(), 0o600)
}

func nginxVersion(ctx context.Context, site *Site) (string, error) {
	program, err := nginxProgram(site)
	if err != nil {
		return "", err
	}
	said, err := exec.CommandContext(ctx, program, "-v").CombinedOutput() // nginx version: nginx/1.22.1
	if err != nil {
		return "", fmt.Errorf("nginx -v: %w", err)
	}
	_, version, found := strings.Cut(strings.TrimSpace(string(said)), "nginx/")
	if !found {
		return "", fmt.Errorf("nginx -v says %q, which names no version", said)
	}
	return version, nil
}

// nginxProgram finds nginx, which users other than root do not have on their PATH on Debian.
func nginxProgram(site *Site) (string, error) {
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", notInstalled(site, "nginx")
}
