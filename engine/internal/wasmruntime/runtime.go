// Package wasmruntime makes the WebAssembly runtime that the parser core and all handlers run in, and decides what they
// have in common: the language they may use, the cache of compiled modules, and memory outside the Go heap.
package wasmruntime

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
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
	// CacheDir keeps compiled modules between runs, apart for each version of wazero. It is made when it is missing.
	// Empty: nothing is kept.
	CacheDir string
}

// Runtime compiles modules and makes instances of them. Its methods may be called by several goroutines at a time.
type Runtime struct {
	wazero wazero.Runtime
	config wazero.RuntimeConfig // without the cache
	cache  *cache               // nil when nothing is kept
	wasi   api.Module
}

// New makes a runtime. It fails when the directory of the cache cannot be used.
func New(ctx context.Context, config Config) (*Runtime, error) {
	r := &Runtime{config: runtimeConfig()}
	cached := r.config
	if config.CacheDir != "" {
		var err error
		if r.cache, err = openCache(config.CacheDir); err != nil {
			return nil, fmt.Errorf("cache of compiled modules: %w", err)
		}
		cached = cached.WithCompilationCache(r.cache.wazero)
	}
	r.wazero = wazero.NewRuntimeWithConfig(ctx, cached)
	var err error
	if r.wasi, err = registerWASI(ctx, r.wazero); err != nil {
		return nil, errors.Join(err, r.Close(ctx))
	}
	return r, nil
}

// runtimeConfig leaves WithCloseOnContextDone alone on purpose: it makes tight loops 14 times slower and kills the
// instance, where ending a call must do neither.
//
// Source lines in the stacks of traps would be read from a module's DWARF at every trap, which takes as long as its author
// likes. Names of functions are there without it.
func runtimeConfig() wazero.RuntimeConfig {
	return wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2).
		WithMemoryLimitPages(MaxMemory / PageSize).
		WithDebugInfoEnabled(false)
}

// Close ends the runtime. No instance may be running.
func (r *Runtime) Close(ctx context.Context) error {
	err := r.wazero.Close(ctx)
	if r.cache != nil {
		err = errors.Join(err, r.cache.wazero.Close(ctx))
	}
	return err
}

// WASI is the module that every other may import WASI preview 1 from. What a module reaches with it is up to the context of
// the call, see [wasi.Caller].
func (r *Runtime) WASI() api.Module { return r.wasi }

// NewHostModule begins a module of Go functions for other modules to import.
func (r *Runtime) NewHostModule(name string) wazero.HostModuleBuilder {
	return r.wazero.NewHostModuleBuilder(name)
}

// Compile validates a module and translates it to machine code, or finds the result in the cache. A cache that cannot be
// read or written is no reason to fail.
func (r *Runtime) Compile(ctx context.Context, wasm []byte) (wazero.CompiledModule, error) {
	compiled, err := compile(ctx, r.wazero, wasm)
	if err == nil || r.cache == nil {
		return compiled, err
	}
	// Either the module is at fault or the cache. Compiled without the cache, only a faulty module fails.
	if err = r.compileUncached(ctx, wasm); err != nil {
		return nil, err
	}
	// What could not be written is in memory all the same, and found there now.
	if compiled, err = compile(ctx, r.wazero, wasm); err == nil {
		return compiled, nil
	}
	// Whatever entry cannot be read has to go.
	cleared := r.cache.clear()
	if compiled, err = compile(ctx, r.wazero, wasm); err != nil {
		return nil, fmt.Errorf("cache of compiled modules: %w", errors.Join(err, cleared))
	}
	return compiled, nil
}

func (r *Runtime) compileUncached(ctx context.Context, wasm []byte) error {
	uncached := wazero.NewRuntimeWithConfig(ctx, r.config)
	defer uncached.Close(ctx)
	_, err := compile(ctx, uncached, wasm)
	return err
}

// compile keeps what the compiler cannot digest from ending the process. It runs on this goroutine alone for that reason:
// a panic of one of wazero's compilation workers could not be recovered.
func compile(ctx context.Context, r wazero.Runtime, wasm []byte) (compiled wazero.CompiledModule, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the compiler failed: %v", cause)
		}
	}()
	return r.CompileModule(ctx, wasm)
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
	module, err := r.wazero.InstantiateModule(memory.with(ctx), compiled, config.WithName("").WithStartFunctions())
	if err != nil {
		return nil, err
	}
	return &Instance{module, memory}, nil
}
