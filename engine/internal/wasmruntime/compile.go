package wasmruntime

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sys/cpu"

	"github.com/sluicehttp/sluice/engine/internal/codecache"
)

// InvalidError says that a module is not valid, or nothing that the compiler can make machine code of.
type InvalidError struct{ Reason error }

func (e *InvalidError) Error() string { return e.Reason.Error() }

// Unwrap gives the reason.
func (e *InvalidError) Unwrap() error { return e.Reason }

// Compile validates a module and translates it to machine code, in the process that the configuration names, or finds the
// result in the cache. An error is an [*InvalidError], a [*LimitError], that of the context, or says what else kept the
// module from being compiled. A cache that cannot be read or written is no reason to fail.
func (r *Runtime) Compile(ctx context.Context, wasm []byte) (wazero.CompiledModule, error) {
	if r.compiler == nil {
		return r.CompileTrusted(ctx, wasm)
	}
	return r.compileApart(ctx, wasm, r.compiler.run)
}

// CompileTrusted compiles a module as [Runtime.Compile] does, but always in this process, with whatever time and memory it
// takes.
func (r *Runtime) CompileTrusted(ctx context.Context, wasm []byte) (wazero.CompiledModule, error) {
	if r.cache == nil {
		return r.compileHere(ctx, wasm)
	}
	compiled, err := r.compileApart(ctx, wasm, compileInto)
	if invalid := (*InvalidError)(nil); err == nil || errors.As(err, &invalid) {
		return compiled, err
	}
	r.warnUnkept(err)
	return r.compileHere(ctx, wasm)
}

// compileHere compiles a module and keeps nothing of it.
func (r *Runtime) compileHere(ctx context.Context, wasm []byte) (wazero.CompiledModule, error) {
	compiled, err := compile(ctx, r.wazero, wasm)
	if isFileError(err) {
		// What could not be written is in memory all the same, and found there now.
		compiled, err = compile(ctx, r.wazero, wasm)
	}
	if err != nil {
		return nil, &InvalidError{err}
	}
	return compiled, nil
}

// compileApart finds a module's machine code in the cache, or has it made in a directory of its own.
func (r *Runtime) compileApart(ctx context.Context, wasm []byte,
	produce func(ctx context.Context, wasm []byte, dir string) error) (wazero.CompiledModule, error) {
	key := r.work.key(wasm)
	if compiled := r.fromCache(key, wasm); compiled != nil {
		return compiled, nil
	}
	dir, err := r.work.newDir()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := produce(ctx, wasm, dir); err != nil {
		return nil, err
	}
	code, err := r.work.find(dir)
	if err != nil {
		return nil, err
	}
	r.keep(key, code)
	compiled, err := r.load(key, code, wasm)
	if err != nil {
		if r.cache != nil {
			err = errors.Join(err, r.cache.Remove(key))
		}
		return nil, fmt.Errorf("what was compiled cannot be used: %w", err)
	}
	return compiled, nil
}

// fromCache gives nil when a module is not in the cache, or no more: what cannot be used is removed, and made anew.
func (r *Runtime) fromCache(key codecache.Key, wasm []byte) wazero.CompiledModule {
	if r.cache == nil {
		return nil
	}
	code, err := r.fetch(key)
	if err == nil {
		defer os.Remove(code.path) // unless load takes it
		var compiled wazero.CompiledModule
		if compiled, err = r.load(key, code, wasm); err == nil {
			return compiled
		}
		err = &codecache.DamageError{Name: key.String(), Reason: errors.Join(err, r.cache.Remove(key))}
	}
	if !errors.Is(err, codecache.ErrMissing) {
		r.log.Warn("a compiled module in the cache cannot be used and is made anew", slog.Any("reason", err))
	}
	return nil
}

// fetch copies an entry of the cache to a file in the workspace.
func (r *Runtime) fetch(key codecache.Key) (code, error) {
	file, err := r.work.newFile()
	if err != nil {
		return code{}, err
	}
	found := code{path: file.Name()}
	found.label, err = r.cache.Get(key, file)
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(file.Name())
	}
	return found, err
}

// keep puts machine code into the cache.
func (r *Runtime) keep(key codecache.Key, c code) {
	if r.cache == nil {
		return
	}
	file, err := os.Open(c.path)
	if err == nil {
		err = errors.Join(r.cache.Put(key, c.label, file), file.Close())
	}
	if err != nil {
		r.warnUnkept(err)
	}
}

// warnUnkept says once that the cache does not do what it is for. Every later module would have the same to say.
func (r *Runtime) warnUnkept(err error) {
	r.unkept.Do(func() { r.log.Warn("compiled modules cannot be kept", slog.Any("reason", err)) })
}

// load has wazero read machine code from a file, which is gone afterwards.
func (r *Runtime) load(key codecache.Key, c code, wasm []byte) (wazero.CompiledModule, error) {
	defer r.work.lock(key)()
	name, err := r.work.place(c)
	if err != nil {
		return nil, err
	}
	defer os.Remove(name)
	return compile(neverCompile, r.wazero, wasm)
}

// errNotCached is what [neverCompile] makes of a module that would have to be compiled.
var errNotCached = errors.New("the machine code is not for this module, this wazero and this processor")

// neverCompile is a context in which wazero takes a module from its cache or fails: it has ended already, which several
// workers would look at before they compiled a function, and nothing looks at when there is nothing to compile.
var neverCompile = func() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errNotCached)
	return experimental.WithCompilationWorkers(ctx, 2)
}()

// compileInto compiles a module and leaves the machine code as a file below a directory.
func compileInto(ctx context.Context, wasm []byte, dir string) error {
	files, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return err
	}
	defer files.Close(ctx)
	r := wazero.NewRuntimeWithConfig(ctx, runtimeConfig().WithCompilationCache(files))
	defer r.Close(ctx)
	if _, err = compile(ctx, r, wasm); err != nil && !isFileError(err) {
		return &InvalidError{err}
	}
	return err
}

// isFileError reports whether a module was compiled and the result could not be written.
func isFileError(err error) bool {
	path, link := (*fs.PathError)(nil), (*os.LinkError)(nil)
	return errors.As(err, &path) || errors.As(err, &link)
}

// compile keeps what the compiler cannot digest from ending the process. Unless the context asks for more workers it runs
// on this goroutine alone for that reason: a panic of one of wazero's workers could not be recovered.
func compile(ctx context.Context, r wazero.Runtime, wasm []byte) (compiled wazero.CompiledModule, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &compilerPanic{cause}
		}
	}()
	return r.CompileModule(ctx, wasm)
}

// compilerPanic is a panic of the compiler.
type compilerPanic struct{ cause any }

func (e *compilerPanic) Error() string { return fmt.Sprintf("the compiler failed: %v", e.cause) }

func (e *compilerPanic) Unwrap() error {
	err, _ := e.cause.(error)
	return err
}

// codeVersion is to be raised when machine code for a module changes though module, wazero and processor stay the same.
const codeVersion = "1"

// processor is more than wazero asks of a processor, and so never too little.
var processor = fmt.Sprintf("%+v %+v", cpu.X86, cpu.ARM64)

// key is a hash of all that a module's machine code depends on.
func (w *workspace) key(wasm []byte) codecache.Key {
	module := sha256.Sum256(wasm)
	return sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s\n%x", codeVersion, WazeroVersion, w.version, processor, module))
}
