package command

import (
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/sluicehttp/sluice/engine"
)

// serveFlags are the flags of a bare sluice and of serve.
type serveFlags struct {
	addr   address
	config string
	echo   bool
	core   coreName
	// isolation is of the handler that is named.
	isolation isolation
	grace     duration
	watch     bool
	verbose   bool
}

const (
	defaultAddr = address("127.0.0.1:8080")
	addrUsage   = "listen on `host:port`; port 0 takes a free one"
)

const coreUsage = "run the parser as `wasm|native` code; native is faster and not sandboxed"

func (f *serveFlags) add(flags *pflag.FlagSet) {
	flags.SortFlags = false
	flags.TextVar(&f.addr, "addr", defaultAddr, addrUsage)
	flags.StringVar(&f.config, "config", "", "serve the routes of `file`, sluice.toml when it is there; see 'sluice help config'")
	flags.BoolVar(&f.echo, "echo", false, "serve an echo: every request is answered with its body")
	flags.TextVar(&f.core, "core", coreName(engine.CoreWasm), coreUsage)
	flags.TextVar(&f.isolation, "isolation", isolation(engine.IsolateRequests),
		"who shares an instance of the handler: `request|connection|shared`")
	flags.TextVar(&f.grace, "grace", duration(10*time.Second), "when stopping, wait at most `duration` for requests")
	flags.BoolVar(&f.watch, "watch", false, "read the configuration file and the handlers again when they change")
	flags.BoolVar(&f.verbose, "verbose", false, "log details and show the cache directory")
}

// settings are what serving needs, whether a flag, a variable, the configuration file or a default says so.
type settings struct {
	addr    address
	grace   duration
	watch   bool
	verbose bool
	// files are what was read, or will be: the configuration file and the handlers.
	files []string
	// source is the configuration file, nil when there is none.
	source *source
	// build is how the handlers are made, when the configuration file says so.
	build  buildPlan
	engine engine.Config
}

// settings reads what there is to read. Where it fails after that has begun, what it gives says at least which files they are.
func (f *serveFlags) settings(flags *pflag.FlagSet, handler string) (*settings, error) {
	if err := f.check(handler); err != nil {
		return nil, err
	}
	if f.config != "" && flags.Changed("isolation") {
		return nil, usageErrorf("--isolation is for a handler, and in a configuration file each route has its own;" +
			" leave out --isolation and SLUICE_ISOLATION, and write isolation in the file")
	}
	if f.config != "" {
		return f.fromFile(flags, (*settings).useFile)
	}
	s, err := f.defaults()
	if err != nil {
		return nil, err
	}
	return s, s.useHandler(handler, f)
}

// fromFile has the configuration file used, and the flags that win over it.
func (f *serveFlags) fromFile(flags *pflag.FlagSet, use func(s *settings, path string) error) (*settings, error) {
	s, err := f.defaults()
	if err != nil {
		return nil, err
	}
	if err := use(s, f.config); err != nil {
		return s, err
	}
	if flags.Changed("addr") {
		s.addr = f.addr
	}
	if flags.Changed("core") {
		s.engine.Core = engine.Core(f.core)
	}
	if flags.Changed("grace") {
		s.grace = f.grace
	}
	return s, nil
}

// defaults are what the flags say, and what holds when nothing else is said.
func (f *serveFlags) defaults() (s *settings, err error) {
	s = &settings{addr: f.addr, grace: f.grace, watch: f.watch, verbose: f.verbose}
	s.engine.Core = engine.Core(f.core)
	s.engine.CacheDir = defaultCacheDir()
	s.engine.Compiler, err = compiler()
	return s, err
}

// pickUp takes the configuration file of the folder in which the program was started, when nothing else is to be served. An
// empty --config keeps it from that.
func (f *serveFlags) pickUp(flags *pflag.FlagSet, handler string) {
	if handler != "" || f.echo || flags.Changed("config") {
		return
	}
	if _, err := os.Stat(defaultConfig); err == nil {
		f.config = defaultConfig
	}
}

// check looks for more than one thing to serve.
func (f *serveFlags) check(handler string) error {
	switch {
	case handler != "" && f.config != "":
		return usageErrorf("a handler and a configuration file exclude each other, because the file's routes name the handlers;" +
			" leave out the handler, or --config and SLUICE_CONFIG")
	case handler != "" && f.echo:
		return usageErrorf("a handler and --echo exclude each other, because the echo is a handler;" +
			" leave out the handler, or --echo and SLUICE_ECHO")
	case f.config != "" && f.echo:
		return usageErrorf("a configuration file and --echo exclude each other, because the file's routes name the handlers;" +
			" leave out --config and SLUICE_CONFIG, or --echo and SLUICE_ECHO")
	case f.watch && handler == "" && f.config == "":
		return usageErrorf("there is nothing to watch; name a handler or a configuration file, or leave out --watch and SLUICE_WATCH")
	}
	return nil
}

// useHandler serves everything with one handler: the one that is named, the echo, or the welcome page.
func (s *settings) useHandler(path string, f *serveFlags) (err error) {
	module := welcome()
	switch {
	case path != "":
		s.files = []string{path}
		module, err = readModule(path, "name a handler, a .wasm file")
	case f.echo:
		module = echo()
	}
	s.engine.Routes = []engine.Route{{Path: "/", Handler: module, Isolation: engine.Isolation(f.isolation)}}
	return err
}

// defaultCacheDir is empty, so that nothing is kept, where the user has no place for caches, as in many containers.
func defaultCacheDir() string {
	dir, err := engine.DefaultCacheDir()
	if err != nil || os.MkdirAll(dir, 0o700) != nil {
		return ""
	}
	return dir
}
