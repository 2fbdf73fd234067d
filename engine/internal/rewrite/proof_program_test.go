package rewrite_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental/table"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// programPages is the largest memory of a generated program, and programEntries the largest table. They hold for the
// original and the rewritten one.
const (
	programPages   = 8
	programEntries = wasmtest.GeneratedEntries
)

// rewriteProgram is the rewriter as generated programs meet it.
func rewriteProgram(wasm []byte) (*rewrite.Module, error) {
	return rewrite.Rewrite(wasm, rewrite.Options{MaxMemory: programPages << 16, MaxTableEntries: programEntries})
}

// laboratory is where generated programs run. It is made once and serves many of them, one after the other.
type laboratory struct {
	testing.TB
	ctx     context.Context
	runtime wazero.Runtime
	meter   *meter
}

func newLaboratory(t testing.TB) *laboratory {
	ctx := context.Background()
	config := wazero.NewRuntimeConfigCompiler().WithCoreFeatures(api.CoreFeaturesV2).WithMemoryLimitPages(programPages)
	l := &laboratory{TB: t, ctx: ctx, runtime: wazero.NewRuntimeWithConfig(ctx, config)}
	l.meter = newMeter(ctx, t, l.runtime)
	t.Cleanup(func() { l.runtime.Close(ctx) })
	return l
}

// proofTime and proofSeed are for long runs: for minutes, and on other programs every time.
var (
	proofTime = flag.Duration("prooftime", 0, "how long each proof tries generated programs; 0: a few seconds")
	proofSeed = flag.Uint64("proofseed", 0, "the first of them")
)

// leastPrograms is how many programs a proof tries, however long it takes.
const leastPrograms = 100

// programs has a proof try generated programs for some seconds.
func (l *laboratory) programs(seconds int, proof func(*wasmtest.Program) error) {
	l.Helper()
	long := *proofTime > 0
	deadline := time.Now().Add(max(*proofTime, time.Duration(seconds)*time.Second))
	tried := 0
	for ; tried < leastPrograms || time.Now().Before(deadline) && (long || tried < 6*leastPrograms); tried++ {
		seed := *proofSeed + uint64(tried)
		if err := proof(wasmtest.Generate(programInput(seed))); err != nil {
			l.Fatalf("-proofseed %d: %v", seed, err)
		}
	}
	l.Logf("%d programs", tried)
}

// programInput is what programs are generated of where no fuzzer gives it.
func programInput(seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 2))
	input := make([]byte, 500+random.IntN(5000))
	for i := range input {
		input[i] = byte(random.Uint32())
	}
	return input
}

// subject is a program with its host.
type subject struct {
	*laboratory
	*wasmtest.Program
	host    api.Module
	running *run // whose call of the host's functions it is
	// lastLimit is how much fuel the last call may use, or the start if there are no calls; 0 is no limit.
	lastLimit int64
	// hidden says that the hidden view of globals is compared with the program's own.
	hidden bool
}

// subject makes the functions that a program imports. What they return depends on their arguments and on how many calls
// there were before.
func (l *laboratory) subject(generated *wasmtest.Program) *subject {
	p := &subject{laboratory: l, Program: generated}
	builder := l.runtime.NewHostModuleBuilder(wasmtest.HostModule)
	for _, f := range p.Imports {
		work := api.GoFunc(func(_ context.Context, stack []uint64) {
			params := comparable(f.Params, stack[:len(f.Params)])
			hash := fnv.New64a()
			fmt.Fprint(hash, len(p.running.log), params)
			p.running.log = append(p.running.log, fmt.Sprint(f.Name, params))
			for i := range f.Results {
				stack[i] = hash.Sum64() >> (8 * i)
			}
			comparable(f.Results, stack)
		})
		builder.NewFunctionBuilder().WithGoFunction(work, f.Params, f.Results).Export(f.Name)
	}
	var err error
	if p.host, err = builder.Instantiate(l.ctx); err != nil {
		l.Fatal(err)
	}
	return p
}

func (p *subject) close() { p.host.Close(p.ctx) }

// compile compiles a module, which has to be possible.
func (p *subject) compile(wasm []byte) wazero.CompiledModule {
	p.Helper()
	compiled, err := p.runtime.CompileModule(p.ctx, wasm)
	if err != nil {
		p.Fatalf("wazero: %v", err)
	}
	return compiled
}

// run is an instance of a program.
type run struct {
	*subject
	*instance
	log    []string // calls of the host's functions
	failed error    // of probes
}

// start makes an instance of a program. The error is how its start function ended, or instantiation itself.
func (p *subject) start(m *rewrite.Module, compiled wazero.CompiledModule) (*run, error) {
	r := &run{subject: p}
	p.running = r
	var err error
	r.instance, err = instantiate(p.ctx, p.runtime, compiled, m, p.meter, func(string) api.Module { return nil })
	return r, err
}

// end closes an instance, not its module.
func (r *run) end() {
	if r.instance != nil {
		r.instance.module.Close(r.ctx)
	}
}

func (r *run) call(name string, args ...uint64) ([]uint64, error) {
	r.running = r
	return r.instance.call(r.ctx, name, args...)
}

// outcome is what came of a call, as far as it can be compared.
type outcome struct {
	results []uint64 // references to functions are 0 or 1
	trap    string
}

func (o outcome) equal(other outcome) bool {
	return o.trap == other.trap && slices.Equal(o.results, other.results)
}

func (o outcome) String() string {
	if o.trap != "" {
		return "trap: " + o.trap
	}
	return fmt.Sprintf("%#x", o.results)
}

// invoke makes a call.
func (r *run) invoke(call wasmtest.Invocation) outcome {
	results, err := r.call(call.Function.Name, call.Args...)
	if err != nil {
		return outcome{trap: trap(err)}
	}
	return outcome{results: comparable(call.Function.Results, results)}
}

// trap is why a call ended, without where: stacks differ.
func trap(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errNoFuel):
		return errNoFuel.Error()
	case errors.Is(err, errNoStack):
		return errNoStack.Error()
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	if _, kind, found := strings.Cut(first, "wasm error: "); found {
		return kind
	}
	return first
}

// comparable makes of references to functions, which are addresses, 0 or 1, and takes away what lies beside 32 bits.
func comparable(types []wasmtest.ValueType, words []uint64) []uint64 {
	at := 0
	for _, t := range types {
		switch t {
		case wasmtest.V128:
			at++
		case wasmtest.I32, wasmtest.F32:
			words[at] = uint64(uint32(words[at]))
		case wasmtest.FuncRef:
			words[at] = min(words[at], 1)
		}
		at++
	}
	return words
}

// state is what a program has left behind.
type state struct {
	memory  []byte // up to what memory.size says
	tail    bool   // there is something behind that
	parts   []string
	calls   []string // of the host's functions
	globals [][]uint64
}

// look takes the state of an instance, by exports of the program's own.
func (r *run) look() (s state, err error) {
	s.calls = slices.Clone(r.log)
	if r.Memory {
		pages := r.probe("pages")[0]
		content, _ := r.module.Memory().Read(0, r.module.Memory().Size())
		if pages<<16 > uint64(len(content)) {
			return s, fmt.Errorf("memory.size says %d pages, and there are %d bytes", pages, len(content))
		}
		s.memory = bytes.Clone(content[:pages<<16])
		s.tail = slices.ContainsFunc(content[pages<<16:], func(b byte) bool { return b != 0 })
	}
	for i, v := range r.Globals {
		words := []uint64{0}
		if v.Type == wasmtest.V128 {
			words = r.probe(fmt.Sprint("lanes", i))
		} else {
			words[0] = r.module.ExportedGlobal(fmt.Sprint("g", i)).Get()
		}
		s.globals = append(s.globals, comparable([]wasmtest.ValueType{v.Type}, words))
	}
	for i, t := range r.Tables {
		s.parts = append(s.parts, r.entries(i, t))
	}
	return s, r.failed
}

// probe calls a function that cannot fail. If it does, look tells.
func (r *run) probe(name string, args ...uint64) []uint64 {
	results, err := r.call(name, args...)
	if err != nil {
		r.failed = errors.Join(r.failed, fmt.Errorf("%s%v: %w", name, args, err))
		return []uint64{0, 0}
	}
	return results
}

// entries tells what a table holds: all of a small one, and of a large one the ends and what lies around a border.
func (r *run) entries(i int, t wasmtest.ValueType) string {
	size := int(r.probe(fmt.Sprint("size", i))[0])
	out := fmt.Sprintf("table %d of %d:", i, size)
	for at := 0; at < size; at++ {
		if at > 20 && at < size-4 && (at < 8188 || at > 8196) {
			continue
		}
		switch {
		case t == wasmtest.ExternRef:
			out += fmt.Sprintf(" %x", r.probe(fmt.Sprint("entry", i), uint64(at))[0])
		case r.probe(fmt.Sprint("null", i), uint64(at))[0] == 1:
			out += " null"
		default:
			out += " " + r.functionAt(i, at)
		}
	}
	return out
}

// functionAt names the function in a table as it is exported. Where functions are imported it does not ask: wazero follows a
// wild pointer when it looks up one of those.
func (r *run) functionAt(i, at int) string {
	if len(r.Imports) > 0 {
		return "function"
	}
	for _, f := range r.Exports {
		if found := r.lookUp(i, at, f.Signature); found != nil {
			for _, name := range found.Definition().ExportNames() {
				if strings.HasPrefix(name, "f") {
					return name
				}
			}
		}
	}
	return "unexported"
}

// lookUp is nil when the function in the table is of another type.
func (r *run) lookUp(i, at int, s wasmtest.Signature) (f api.Function) {
	defer func() { _ = recover() }()
	return table.LookupFunction(r.module, uint32(i), uint32(at), s.Params, s.Results)
}

// differ says in what two states differ, or nothing.
func (s state) differ(other state) string {
	switch {
	case len(s.memory) != len(other.memory):
		return fmt.Sprintf("memory of %d and %d bytes", len(s.memory), len(other.memory))
	case !bytes.Equal(s.memory, other.memory):
		at := 0
		for s.memory[at] == other.memory[at] {
			at++
		}
		return fmt.Sprintf("memory at %#x: %x and %x", at, s.memory[at], other.memory[at])
	case s.tail || other.tail:
		return "there is something behind the end of the memory"
	case !slices.Equal(s.calls, other.calls):
		return fmt.Sprintf("calls of the host %v and %v", s.calls, other.calls)
	}
	for i := range s.globals {
		if !slices.Equal(s.globals[i], other.globals[i]) {
			return fmt.Sprintf("global %d: %#x and %#x", i, s.globals[i], other.globals[i])
		}
	}
	for i := range s.parts {
		if s.parts[i] != other.parts[i] {
			return s.parts[i] + " and " + other.parts[i]
		}
	}
	return ""
}

// image is what a host keeps to make an instance like new: what the hidden exports show, and nothing else.
type image struct {
	memory  []byte
	pages   uint64
	globals [][2]uint64
}

// take takes an image.
func (r *run) take() (i image) {
	r.global(rewrite.MarksExport).Set(0)
	if r.Memory {
		content, _ := r.module.Memory().Read(0, r.module.Memory().Size())
		i.memory = bytes.Clone(content)
		i.pages = r.global(rewrite.PagesExport).Get()
	}
	for _, g := range r.rewrite.Globals {
		i.globals = append(i.globals, r.hiddenValue(g))
	}
	return i
}

// restore makes the instance like new.
func (r *run) restore(i image) {
	if r.Memory {
		content, _ := r.module.Memory().Read(0, r.module.Memory().Size())
		size := r.blocks()
		marks := rewrite.Marks(r.global(rewrite.MarksExport).Get())
		for at := 0; at < len(content); at += size {
			written := content[at:][:marked(marks, size, at/size)]
			clear(written[copy(written, i.memory[min(at, len(i.memory)):]):])
		}
		r.global(rewrite.PagesExport).Set(i.pages)
	}
	for n, g := range r.rewrite.Globals {
		if g.SetLanes != "" {
			r.probe(g.SetLanes, i.globals[n][0], i.globals[n][1])
			continue
		}
		r.global(g.Export).Set(i.globals[n][0])
	}
}

// blocks is the size of the blocks that are marked.
func (r *run) blocks() int { return rewrite.BlocksOf(r.module.Memory().Definition().Min()).Size() }

// marked is how much of a block may have been written, from its beginning, as marks say: all of it when it is marked, and as
// much as a mark reaches when the block before it is.
func marked(marks rewrite.Marks, size, block int) int {
	set := func(block int) bool { return block >= 0 && marks>>(block%rewrite.MarkedBlocks)&1 != 0 }
	switch {
	case set(block):
		return size
	case set(block - 1):
		return rewrite.Reach
	}
	return 0
}

func (r *run) hiddenValue(g rewrite.Global) (value [2]uint64) {
	if g.GetLanes != "" {
		copy(value[:], r.probe(g.GetLanes))
	} else {
		value[0] = r.global(g.Export).Get()
	}
	return value
}

// global is a hidden global, which has to be there.
func (r *run) global(name string) api.MutableGlobal {
	r.Helper()
	global, ok := r.module.ExportedGlobal(name).(api.MutableGlobal)
	if !ok {
		r.Fatalf("no mutable global %q", name)
	}
	return global
}

// dirty is set when an image is not enough to make the instance like new.
func (r *run) dirty() bool { return r.global(rewrite.DirtyExport).Get() != 0 }

// checkGlobals compares the hidden view of globals with the program's own.
func (r *run) checkGlobals(s state) error {
	n := 0
	for i, v := range r.Globals {
		if !v.Mutable || v.Type == wasmtest.FuncRef || v.Type == wasmtest.ExternRef {
			continue
		}
		if n >= len(r.rewrite.Globals) || r.rewrite.Globals[n].Type != v.Type {
			return fmt.Errorf("global %d is not among the %d that the rewriter tells of, or of another type",
				i, len(r.rewrite.Globals))
		}
		if hidden := r.hiddenValue(r.rewrite.Globals[n]); !slices.Equal(hidden[:len(s.globals[i])], s.globals[i]) {
			return fmt.Errorf("global %d is %#x, and its hidden export says %#x", i, s.globals[i], hidden)
		}
		n++
	}
	if n != len(r.rewrite.Globals) {
		return fmt.Errorf("the rewriter tells of %d globals, and there are %d", len(r.rewrite.Globals), n)
	}
	return nil
}

// checkStack compares the stack that is left after a call that returned with what there was before it.
func (r *run) checkStack(o outcome) error {
	if left := r.stackLeft(); r.metered && o.trap == "" && left != r.meter.stack {
		return fmt.Errorf("%d bytes of the stack are left of %d after a call that returned", left, r.meter.stack)
	}
	return nil
}

// count reads the count of wasmtest.Counted.
func (r *run) count() int64 { return int64(r.module.ExportedGlobal(wasmtest.CountExport).Get()) }
