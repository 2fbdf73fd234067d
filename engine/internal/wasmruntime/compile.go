package wasmruntime

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

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

// Source says how a module comes about that need not be made while its machine code is in the cache.
type Source struct {
	// Sum is a hash of all that the module depends on: modules with equal sums are equal.
	Sum [sha256.Size]byte
	// Make makes the module, and notes that are kept beside its machine code.
	Make func() (wasm, notes []byte, err error)
	// Recall takes notes that Make has made, maybe in another process, when the module itself is not made. After an error it
	// is.
	Recall func(notes []byte) error
}

// Compile validates a module and translates it to machine code, in the process that the configuration names, or finds the
// result in the cache. An error is an [*InvalidError], a [*LimitError], that of the context, or says what else kept the
// module from being compiled. A cache that cannot be read or written is no reason to fail.
func (r *Runtime) Compile(ctx context.Context, wasm []byte) (wazero.CompiledModule, error) {
	return r.CompileSource(ctx, r.given(wasm))
}

// given is the source of a module that is there.
func (r *Runtime) given(wasm []byte) Source {
	s := Source{
		Make:   func() ([]byte, []byte, error) { return wasm, nil, nil },
		Recall: func([]byte) error { return nil },
	}
	if r.cache != nil {
		s.Sum = sha256.Sum256(wasm)
	}
	return s
}

// CompileSource compiles a module as [Runtime.Compile] does. It is made when it is not in the cache; an error of that is
// returned as it is.
func (r *Runtime) CompileSource(ctx context.Context, s Source) (wazero.CompiledModule, error) {
	return r.compileSource(ctx, s, r.compiler == nil)
}

// CompileTrusted compiles a module as [Runtime.Compile] does, but always in this process, with whatever time and memory it
// takes.
func (r *Runtime) CompileTrusted(ctx context.Context, wasm []byte) (wazero.CompiledModule, error) {
	return r.compileSource(ctx, r.given(wasm), true)
}

func (r *Runtime) compileSource(ctx context.Context, s Source, here bool) (wazero.CompiledModule, error) {
	key := r.key(s)
	if compiled := r.fromCache(key, s); compiled != nil {
		return compiled, nil
	}
	wasm, notes, err := s.Make()
	switch {
	case err != nil:
		return nil, err
	case !here:
		return r.compileApart(ctx, key, outlined(wasm), notes, r.compiler.run)
	case r.cache == nil:
		return r.compileHere(ctx, wasm)
	}
	compiled, err := r.compileApart(ctx, key, outlined(wasm), notes, compileInto)
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

// compileApart has a module's machine code made in a directory of its own, and keeps it.
func (r *Runtime) compileApart(ctx context.Context, key codecache.Key, m module, notes []byte,
	produce func(ctx context.Context, m module, dir string) error) (wazero.CompiledModule, error) {
	dir, err := r.work.newDir()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := produce(ctx, m, dir); err != nil {
		return nil, err
	}
	code, err := r.work.find(dir)
	if err != nil {
		return nil, err
	}
	r.keep(key, code, appendNotes(m.outline, notes))
	compiled, err := r.load(code, m.outline)
	if err != nil {
		if r.cache != nil {
			err = errors.Join(err, r.cache.Remove(key))
		}
		return nil, fmt.Errorf("what was compiled cannot be used: %w", err)
	}
	return compiled, nil
}

// fromCache gives nil when a module is not in the cache, or no more: what cannot be used is removed, and made anew.
func (r *Runtime) fromCache(key codecache.Key, s Source) wazero.CompiledModule {
	if r.cache == nil {
		return nil
	}
	entry, err := r.cache.Get(key)
	if err == nil {
		defer entry.Close()
		var compiled wazero.CompiledModule
		if compiled, err = r.use(entry, s); err == nil {
			return compiled
		}
		err = &codecache.DamageError{Name: key.String(), Reason: errors.Join(err, r.cache.Remove(key))}
	}
	if !errors.Is(err, codecache.ErrMissing) {
		r.log.Warn("a compiled module in the cache cannot be used and is made anew", slog.Any("reason", err))
	}
	return nil
}

// use loads a module from its entry.
func (r *Runtime) use(entry *codecache.Entry, s Source) (wazero.CompiledModule, error) {
	outline, notes, err := cutNotes(entry.Notes)
	if err != nil {
		return nil, err
	}
	if err := s.Recall(notes); err != nil {
		return nil, err
	}
	return r.load(keptCode{entry}, outline)
}

// keep puts machine code into the cache.
func (r *Runtime) keep(key codecache.Key, c madeCode, notes []byte) {
	if r.cache == nil {
		return
	}
	file, err := os.Open(c.path)
	if err == nil {
		err = errors.Join(r.cache.Put(key, c.name, file, notes), file.Close())
	}
	if err != nil {
		r.warnUnkept(err)
	}
}

// warnUnkept says once that the cache does not do what it is for. Every later module would have the same to say.
func (r *Runtime) warnUnkept(err error) {
	r.unkept.Do(func() { r.log.Warn("compiled modules cannot be kept", slog.Any("reason", err)) })
}

// load has wazero read machine code for an outline, under a name that is gone afterwards.
func (r *Runtime) load(c code, outline []byte) (wazero.CompiledModule, error) {
	defer r.work.lock(c.label())()
	path, err := r.work.place(c)
	if err != nil {
		return nil, err
	}
	defer os.Remove(path)
	return compile(neverCompile, r.wazero, outline)
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

// The folders of a directory into which something is compiled.
const (
	codeFolder = "code" // has the machine code
	nameFolder = "name" // has a file that is named as wazero wants to find it for the outline
)

// compileInto compiles a module, and its outline, and leaves the machine code below a directory.
func compileInto(ctx context.Context, m module, dir string) error {
	if err := compileFile(ctx, m.wasm, filepath.Join(dir, codeFolder)); err != nil {
		return err
	}
	return compileFile(ctx, m.outline, filepath.Join(dir, nameFolder))
}

func compileFile(ctx context.Context, wasm []byte, dir string) error {
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

// codeVersion is to be raised when machine code for a module changes though module, wazero and processor stay the same, and
// when entries of the cache get another form, which would be taken for damage.
const codeVersion = "2"

// processor is more than wazero asks of a processor, and so never too little.
var processor = fmt.Sprintf("%+v %+v", cpu.X86, cpu.ARM64)

// key is a hash of all that a module's machine code depends on. Without a cache there is none.
func (r *Runtime) key(s Source) codecache.Key {
	if r.cache == nil {
		return codecache.Key{}
	}
	return sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s\n%x", codeVersion, WazeroVersion, r.work.version, processor, s.Sum))
}
