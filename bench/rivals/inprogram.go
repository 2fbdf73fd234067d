package rivals

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/sluicehttp/sluice/bench/workloads"
)

// The servers that are functions of the program in bench/server.

var raw = Server{
	Name:    "raw",
	About:   "fixed bytes over TCP from Go, a goroutine per connection, no HTTP: the limit",
	Lacks:   lacksAllBut(workloads.Hello, "it answers the same fixed bytes, whatever it is asked"),
	Version: goVersion,
	Start:   inProgram("raw"),
}

var netHTTP = Server{
	Name:    "net/http",
	About:   "Go's net/http with a handler function",
	Version: goVersion,
	Start:   inProgram("net/http"),
}

var fastHTTP = Server{
	Name:    "fasthttp",
	About:   "fasthttp, for Go, which trades the interface of net/http for speed",
	Version: moduleVersion("github.com/valyala/fasthttp"),
	Start:   inProgram("fasthttp"),
}

// inProgram starts a server of the program, with arguments for it.
func inProgram(args ...string) func(context.Context, *Site) (*Process, error) {
	return func(ctx context.Context, site *Site) (*Process, error) {
		cmd := exec.CommandContext(ctx, site.Program, args...)
		if site.Profiles != "" {
			cmd.Args = append(cmd.Args, "--cpuprofile", site.Profiles)
		}
		return RunPrinting(ctx, cmd)
	}
}

// lacksAllBut gives every other endpoint a reason.
func lacksAllBut(only workloads.Endpoint, reason string) map[workloads.Endpoint]string {
	lacks := map[workloads.Endpoint]string{}
	for _, e := range workloads.Endpoints {
		if e != only {
			lacks[e] = reason
		}
	}
	return lacks
}

func goVersion(context.Context, *Site) (string, error) { return runtime.Version(), nil }

// moduleVersion reads the version of a module that is linked into the program.
func moduleVersion(path string) func(context.Context, *Site) (string, error) {
	return func(_ context.Context, site *Site) (string, error) {
		info, err := buildinfo.ReadFile(site.Program)
		if err != nil {
			return "", err
		}
		for _, module := range info.Deps {
			if module.Path == path {
				return module.Version + ", " + info.GoVersion, nil
			}
		}
		return "", fmt.Errorf("%s does not hold %s", filepath.Base(site.Program), path)
	}
}

// built gives a file that build.sh makes.
func built(path string) (string, error) {
	if _, err := os.Stat(path); err != nil {
		return "", Missingf("there is no %s; ./build.sh bench makes it", filepath.Base(path))
	}
	return path, nil
}
