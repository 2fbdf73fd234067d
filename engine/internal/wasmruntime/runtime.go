// Package wasmruntime makes the WebAssembly runtime that the parser core and all handlers run in, and decides what they
// have in common: the language they may use, where they are compiled, the cache of compiled modules, and memory outside
// the Go heap.
//
// runtime.go has the runtime, compile.go the ways to compile a module, outline.go what is loaded of one, compiler.go and child.go the two sides of a process
// that compiles, workspace.go and link_*.go the files on the way, memory.go the memory of instances.
package wasmruntime

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/engine/internal/codecache"
)

// WazeroVersion is the version of wazero that go.mod requires.
const WazeroVersion = "v1.12.0"

// PageSize is the unit in which memories grow, in bytes.
const PageSize = 64 << 10

// MaxMemory is the largest memory that an instance can have, in bytes: a page short of what 32 bits address, so that
// every size fits in 32 bits.
const MaxMemory = 1<<32 - PageSize

// Config says how modules are compiled. Its zero value will do.
type Config struct {
	// CacheDir keeps compiled modules between runs, apart for each version of wazero. It is made when it is missing, and
	// refused when others can write it. Empty: nothing is kept.
	CacheDir string
	// Compiler says which process compiles modules that nobody need trust.
	Compiler Compiler
	// Log takes what is wrong with the cache. Default: slog.Default().
	Log *slog.Logger
}

// Runtime compiles modules and makes instances of them. Its methods may be called by several goroutines at a time.
type Runtime struct {
	wazero   wazero.Runtime
	work     *workspace       // nil when modules are compiled here and nothing is kept
	cache    *codecache.Cache // nil when nothing is kept
	compiler *compiler        // nil when modules are compiled here
	wasi     api.Module
	log      *slog.Logger

	unkept sync.Once // for the warning that the cache keeps nothing
}

// New makes a runtime. It fails when the directory of the cache cannot be used or trusted, and when there is none for
// temporary files, if they are needed.
func New(ctx context.Context, config Config) (r *Runtime, err error) {
	r = &Runtime{log: config.Log}
	if r.log == nil {
		r.log = slog.Default()
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close(ctx))
			r = nil
		}
	}()
	if config.CacheDir != "" {
		dir := filepath.Join(config.CacheDir, "wazero-"+WazeroVersion)
		if r.cache, err = codecache.Open(dir, 0); err != nil {
			return r, fmt.Errorf("cache of compiled modules: %w", err)
		}
	}
	if r.compiler, err = newCompiler(config.Compiler); err != nil {
		return r, err
	}
	files := runtimeConfig()
	if r.cache != nil || r.compiler != nil {
		if r.work, err = newWorkspace(config.CacheDir); err != nil {
			return r, err
		}
		files = files.WithCompilationCache(r.work.files)
	}
	r.wazero = wazero.NewRuntimeWithConfig(ctx, files)
	r.wasi, err = registerWASI(ctx, r.wazero)
	return r, err
}

// runtimeConfig leaves WithCloseOnContextDone alone on purpose: it makes tight loops 14 times slower and kills the
// instance, where ending a call must do neither.
//
// Source lines in the stacks of traps would be read from a module's DWARF at every trap, which takes as long as its author
// likes. Names of functions are there without it.
//
// What is changed here changes the machine code: then raise codeVersion.
func runtimeConfig() wazero.RuntimeConfig {
	return wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2).
		WithMemoryLimitPages(MaxMemory / PageSize).
		WithDebugInfoEnabled(false)
}

// Close ends the runtime. No instance may be running.
func (r *Runtime) Close(ctx context.Context) error {
	var errs []error
	if r.wazero != nil {
		errs = append(errs, r.wazero.Close(ctx))
	}
	if r.work != nil {
		errs = append(errs, r.work.close(ctx))
	}
	if r.cache != nil {
		errs = append(errs, r.cache.Close())
	}
	return errors.Join(errs...)
}

// WASI is the module that every other may import WASI preview 1 from. What a module reaches with it is up to the context of
// the call, see [wasi.Caller].
func (r *Runtime) WASI() api.Module { return r.wasi }

// NewHostModule begins a module of Go functions for other modules to import.
func (r *Runtime) NewHostModule(name string) wazero.HostModuleBuilder {
	return r.wazero.NewHostModuleBuilder(name)
}

// Instance is an instance of a module.
type Instance struct {
	api.Module
	memory *allocator
}

// MemoryRefused is why the memory could not grow when the guest last wanted it to, and nil if it always could.
func (i *Instance) MemoryRefused() error {
	if i.memory.memory == nil {
		return nil
	}
	return i.memory.memory.err
}

// Instantiate makes an instance with a memory of at most maxMemory bytes, outside the Go heap and at an address that
// never changes. The instance has no name and its `_start` is not called; a start function is.
//
// The caller owns the instance and closes it, never during a call into it: closing takes the memory away.
func (r *Runtime) Instantiate(ctx context.Context, compiled wazero.CompiledModule, config wazero.ModuleConfig,
	maxMemory uint64) (instance *Instance, err error) {
	memory := &allocator{limit: min(maxMemory, MaxMemory)}
	defer func() {
		if cause := recover(); cause != nil {
			err = memory.explain(cause)
		}
		if err != nil {
			memory.free() // wazero forgets it when instantiation fails
		}
	}()
	// Without a source of randomness wazero makes one for each instance, of 5 KB, which nothing reads: WASI is ours.
	config = config.WithName("").WithStartFunctions().WithRandSource(rand.Reader)
	module, err := r.wazero.InstantiateModule(memory.with(ctx), compiled, config)
	if err != nil {
		return nil, err
	}
	return &Instance{module, memory}, nil
}
