package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluicehttp/sluice/engine/internal/sandbox"
)

// MaxProcess bounds the arguments and the environment of a route together, in bytes. Each string counts with the byte that
// ends it, and a variable with its name.
const MaxProcess = 64 << 10

// ProcessError says that an argument or an environment variable of a route cannot be what it is set to.
type ProcessError struct {
	// Route is the index of the route, in [Config.Routes] or in those of the tenant, Name its name. Tenant is the index in
	// [Config.Tenants] of the tenant; -1 without one.
	Route  int
	Name   string
	Tenant int
	// Key is what is wrong, as configuration files name it: "args.0" for the first argument, "env.HOME" for a variable, "args"
	// or "env" for the larger of both when they are too large together.
	Key string

	problem string
}

func (e *ProcessError) Error() string { return fmt.Sprintf("route %q: %s", e.Name, e.problem) }

// checkProcess looks for what arguments and environment cannot be. WASI ends a string at a byte of value 0, and languages
// end a variable's name at the first equals sign.
func (config *Route) checkProcess() *ProcessError {
	bad := func(key, format string, args ...any) *ProcessError {
		return &ProcessError{Tenant: -1, Name: config.Name, Key: key, problem: fmt.Sprintf(format, args...)}
	}
	args, env := 0, 0
	for i, arg := range config.Args {
		if hasNUL(arg) {
			return bad(fmt.Sprintf("args.%d", i), "argument %d holds a byte of value 0", i+1)
		}
		args += len(arg) + 1
	}
	for _, name := range slices.Sorted(maps.Keys(config.Env)) {
		value := config.Env[name]
		switch {
		case name == "":
			return bad("env.", "an environment variable has no name")
		case strings.Contains(name, "="):
			return bad("env."+name, "the name of environment variable %q holds an equals sign", name)
		case hasNUL(name) || hasNUL(value):
			return bad("env."+name, "environment variable %q holds a byte of value 0", name)
		}
		env += len(name) + len("=") + len(value) + 1
	}
	if args+env > MaxProcess {
		larger := "env"
		if args > env {
			larger = "args"
		}
		return bad(larger, "arguments and environment have %d bytes together; they can have %d", args+env, MaxProcess)
	}
	return nil
}

func hasNUL(s string) bool { return strings.IndexByte(s, 0) >= 0 }

// process is what the handler of a route has of a process. Its environment is sorted, so that an image depends on nothing
// but what is configured.
func (config *Route) process() sandbox.Process {
	p := sandbox.Process{Args: config.Args}
	for _, name := range slices.Sorted(maps.Keys(config.Env)) {
		p.Env = append(p.Env, name+"="+config.Env[name])
	}
	return p
}
