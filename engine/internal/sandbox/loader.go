// Package sandbox loads handlers, which are WebAssembly modules that nobody need trust, and has them answer exchanges.
//
// A [Loader] checks and compiles modules. A [Module] is one of them, and a [Pool] the instances that answer one route.
// Whatever a handler does ends in an errno that it sees, in a [Fault] that is its alone, or in a refusal to load it.
package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	gorun "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/hostabi"
	"github.com/sluicehttp/sluice/engine/internal/meter"
	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasm"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// ErrClosed says that a pool, or the module that it is of, was closed.
var ErrClosed = errors.New("the handler is closed")

// The limits of handlers that apply where a configuration has none.
const (
	DefaultMaxMemory = 64 << 20
	DefaultMaxSleep  = 30 * time.Second
	DefaultCPU       = 50 * time.Millisecond
	DefaultLog       = 64 << 10
	// DefaultStart is more than that of a session: it is used once for many of them, and runtimes of languages have much
	// to set up.
	DefaultStart = time.Second
)

// Config says how handlers are loaded. Its zero value is all defaults.
type Config struct {
	// MaxMemory is how large the memory of an instance may become, in bytes, up to [wasmruntime.MaxMemory]. Default
	// [DefaultMaxMemory].
	MaxMemory uint64
	// MaxSleep is how long a handler may sleep (WASI's poll_oneoff) while it is loaded, and in one session, all together,
	// where its pool does not say otherwise. Default [DefaultMaxSleep].
	MaxSleep time.Duration
	// Lanes is how many handlers may compute at a time for longer than some 50 µs. Default: one less than the processors
	// that Go uses, so that those which need little never wait, but at least one.
	Lanes int
	// Observer is told what handlers hear and do. Nil: nobody is.
	Observer *hostabi.Observer
	// Log takes what handlers print while they are loaded. Default: slog.Default().
	Log *slog.Logger
}

// Loader loads handlers into a runtime. Its methods may be called by several goroutines at a time.
type Loader struct {
	runtime   *wasmruntime.Runtime
	lanes     *meter.Lanes
	checker   checker
	maxMemory uint64
	maxSleep  time.Duration
	observer  *hostabi.Observer
	log       *slog.Logger
	// version stands for what becomes of modules here, see [Loader.versionOf].
	version [sha256.Size]byte

	mu       sync.Mutex
	compiled map[[sha256.Size]byte]*compiled
	// instances is how many there are, of all modules.
	instances atomic.Int64
}

// NewLoader makes what handlers import available in a runtime. Once per runtime.
func NewLoader(ctx context.Context, r *wasmruntime.Runtime, config Config) (*Loader, error) {
	events, err := hostabi.Register(ctx, r)
	if err != nil {
		return nil, err
	}
	if err = meter.Register(ctx, r); err != nil {
		return nil, err
	}
	abort, err := registerAbort(ctx, r)
	if err != nil {
		return nil, err
	}
	wasi := r.WASI()
	if config.MaxMemory == 0 {
		config.MaxMemory = DefaultMaxMemory
	}
	if config.MaxSleep == 0 {
		config.MaxSleep = DefaultMaxSleep
	}
	if config.Lanes == 0 {
		config.Lanes = gorun.GOMAXPROCS(0) - 1
	}
	if config.Log == nil {
		config.Log = slog.Default()
	}
	l := &Loader{
		runtime: r,
		lanes:   meter.NewLanes(config.Lanes),
		checker: checker{
			importable: map[string]signatures{
				events.Name(): signaturesOf(events), wasi.Name(): signaturesOf(wasi), abort.Name(): signaturesOf(abort),
			},
			maxMemory: config.MaxMemory,
		},
		maxMemory: config.MaxMemory,
		maxSleep:  config.MaxSleep,
		observer:  config.Observer,
		log:       config.Log,
		compiled:  map[[sha256.Size]byte]*compiled{},
	}
	l.version = l.versionOf()
	return l, nil
}

// Compiled is how many modules' machine code is kept.
func (l *Loader) Compiled() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.compiled)
}

// Instances is how many instances there are, of all modules, at work or not.
func (l *Loader) Instances() int { return int(l.instances.Load()) }

// signaturesOf lists what a module of Go functions exports.
func signaturesOf(m api.Module) signatures {
	found := signatures{}
	for name, f := range m.ExportedFunctionDefinitions() {
		found[name] = wasm.SignatureText(typeNames(f.ParamTypes()), typeNames(f.ResultTypes()))
	}
	return found
}

func typeNames(types []api.ValueType) []string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = api.ValueTypeName(t)
	}
	return names
}

// Load checks a module, rewrites it so that it can be metered and made clean, and compiles it. Nothing of it is run before
// [Module.NewPool]. The name stands for the module in logs and errors. An error is one line that says what is wrong and what
// would be right.
//
// Modules with equal code are compiled once, for as long as one of them is open, whatever their memories and globals begin
// with: so is an interpreter that many handlers bring along, each with a program of its own in its data.
func (l *Loader) Load(ctx context.Context, name string, binary []byte) (*Module, error) {
	m, err := l.load(ctx, name, binary)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

func (l *Loader) load(ctx context.Context, name string, binary []byte) (*Module, error) {
	code, state, err := l.separate(binary)
	if err != nil {
		return nil, err
	}
	c, err := l.compile(ctx, code)
	if err != nil {
		return nil, err
	}
	return &Module{name: name, loader: l, sum: sha256.Sum256(binary), compiled: c, state: state}, nil
}

// separate takes a module apart into code and what instances begin with.
func (l *Loader) separate(binary []byte) (code []byte, state wasm.State, err error) {
	m, err := wasm.Decode(binary)
	if err != nil {
		return nil, state, errors.New(oneLine(err.Error()))
	}
	if memory := m.ExportedMemory(); memory != nil && uint64(memory.Min)*pageSize > l.maxMemory {
		return binary, state, nil // which the checker refuses
	}
	code, state = wasm.Separate(m)
	return code, state, nil
}

// compiled is the machine code of modules, shared by all that use it.
type compiled struct {
	loader *Loader
	sum    [sha256.Size]byte // of the modules' code
	users  int               // guarded by loader.mu

	once  sync.Once
	facts facts
	code  wazero.CompiledModule
	err   error
}

// facts are what is known of a module beside its machine code. They are kept in the cache with it.
type facts struct {
	// Functions is how many the module had before it was rewritten, imported ones included.
	Functions int
	// Pulls says that it imports next_event.
	Pulls bool
	// Globals are what an image holds beside memory.
	Globals []rewrite.Global
}

// compile finds or makes the machine code of a module's code. The caller becomes one of its users.
func (l *Loader) compile(ctx context.Context, code []byte) (*compiled, error) {
	sum := sha256.Sum256(code)
	l.mu.Lock()
	c := l.compiled[sum]
	if c == nil {
		c = &compiled{loader: l, sum: sum}
		l.compiled[sum] = c
	}
	c.users++
	l.mu.Unlock()

	c.once.Do(func() { c.code, c.err = c.make(ctx, code) })
	if c.err != nil {
		c.release()
		return nil, c.err
	}
	return c, nil
}

// make checks, rewrites and compiles a module, or finds all that in the cache.
func (c *compiled) make(ctx context.Context, binary []byte) (wazero.CompiledModule, error) {
	code, err := c.loader.runtime.CompileSource(ctx, wasmruntime.Source{
		Sum:    c.loader.sourceSum(c.sum),
		Make:   func() (wasm, notes []byte, err error) { return c.rewrite(binary) },
		Recall: c.recall,
	})
	if err != nil {
		return nil, compileError(err)
	}
	return code, nil
}

// rewrite checks a module and makes of it what is compiled. The notes are the facts.
func (c *compiled) rewrite(binary []byte) (rewritten, notes []byte, err error) {
	decoded, err := wasm.Decode(binary)
	if err != nil {
		return nil, nil, errors.New(oneLine(err.Error()))
	}
	if err := c.loader.checker.check(decoded); err != nil {
		return nil, nil, err
	}
	m, err := rewrite.RewriteModule(decoded, c.loader.options())
	if err != nil {
		return nil, nil, err
	}
	c.facts = facts{
		Functions: len(decoded.Functions),
		Pulls:     decoded.ImportsFunc(abi.HandlerImportModule, "next_event"),
		Globals:   m.Globals,
	}
	notes, err = json.Marshal(c.facts)
	return m.Wasm, notes, err
}

// recall takes what rewrite has noted.
func (c *compiled) recall(notes []byte) error {
	var known facts
	if err := json.Unmarshal(notes, &known); err != nil {
		return fmt.Errorf("the notes on the module: %w", err)
	}
	c.facts = known
	return nil
}

// compileError tells a module that is at fault from a compiler that cannot have it, or is none.
func compileError(err error) error {
	if invalid := (*wasmruntime.InvalidError)(nil); errors.As(err, &invalid) {
		return fmt.Errorf("it is not valid WebAssembly: %s", firstLine(err))
	}
	return err
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return oneLine(line)
}

// acquire adds a user, unless the last one is gone.
func (c *compiled) acquire() bool {
	c.loader.mu.Lock()
	defer c.loader.mu.Unlock()
	if c.users == 0 {
		return false
	}
	c.users++
	return true
}

// release ends the use by one user, and the code with the last.
func (c *compiled) release() {
	c.loader.mu.Lock()
	c.users--
	last := c.users == 0
	if last {
		delete(c.loader.compiled, c.sum)
	}
	c.loader.mu.Unlock()
	if last && c.code != nil {
		_ = c.code.Close(context.Background()) // never fails
	}
}
