package wasmruntime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	. "github.com/sluicehttp/sluice/engine/internal/wasmruntime"
	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

var background = context.Background()

// part is the first argument of this program when it plays a part in a test of its own; the second says which.
const part = "play-a-part"

const greeting = "sluice compiler 2\n"

// parts are what this program can be instead of a test.
var parts = map[string]func(args []string) error{
	"compile": func([]string) error { return RunCompiler(os.Stdin, os.Stdout) },
	"crash":   func([]string) error { fmt.Print(greeting); panic("this \x1b[1mcompiler\nis broken") },
	"killed":  func([]string) error { fmt.Print(greeting); return killSelf() },
	"garbage": func([]string) error { fmt.Println("Hello, I am\na server"); return nil },
	"flood": func([]string) error {
		for {
			if _, err := os.Stdout.WriteString(strings.Repeat("y\n", 1000)); err != nil {
				return err
			}
		}
	},
	"silence": func([]string) error { time.Sleep(time.Minute); return nil },
	"mute":    func([]string) error { fmt.Print(greeting); return nil },
	"babble":  func([]string) error { fmt.Print(greeting, "{}\n"); return nil },
	"lie":     func([]string) error { fmt.Print(greeting, `{"Kind":"compiled"}`, "\n"); return nil },
	"invent": func([]string) error {
		fmt.Print(greeting, `{"Kind":"invalid","Reason":"`+strings.Repeat(`\u001b\n`, 1000)+`"}`, "\n")
		return nil
	},
	"recursion": func([]string) error {
		_, err := New(background, Config{Compiler: self("recursion")})
		return err
	},
	"foreign": func([]string) error { return leave("wazero-v0.0.0-other/" + strings.Repeat("00", 32)) },
	"litter": func([]string) error {
		return leave(wazeroFolder()+"/"+strings.Repeat("00", 32), wazeroFolder()+"/litter")
	},
	"misname": func([]string) error { return leave(wazeroFolder() + "/misnamed") },
	"cheat":   func([]string) error { return leave(wazeroFolder() + "/" + strings.Repeat("00", 32)) },
	"nap":     func([]string) error { time.Sleep(6 * time.Second); return nil },
	"daemon": func([]string) error { // leaves its output open to a process that stays for a while
		nap := self("nap")
		cmd := exec.Command(nap.Program[0], nap.Program[1:]...)
		cmd.Stdout = os.Stdout
		return errors.Join(cmd.Start(), RunCompiler(os.Stdin, os.Stdout))
	},
	"tally": tally,
	"fill": func(args []string) error {
		err := fill(args[0])
		if err == nil {
			fmt.Println("filled")
		}
		return err
	},
}

func TestMain(m *testing.M) {
	if len(os.Args) < 3 || os.Args[1] != part {
		os.Exit(m.Run())
	}
	if err := parts[os.Args[2]](os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// self is this program in one of its parts, as a compiler.
func self(name string, args ...string) Compiler {
	file, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return Compiler{Program: append([]string{file, part, name}, args...)}
}

func killSelf() error {
	process, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	return errors.Join(process.Kill(), errors.New("still alive"))
}

// leave is a compiler that leaves files for a module and for its outline, and says that they are machine code.
func leave(files ...string) error {
	fmt.Print(greeting)
	var wanted struct{ Dir string }
	if err := json.NewDecoder(os.Stdin).Decode(&wanted); err != nil {
		return err
	}
	for _, folder := range []string{"code", "name"} {
		for _, file := range files {
			file = filepath.Join(wanted.Dir, folder, file)
			err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte("no machine code"), 0o600))
			if err != nil {
				return err
			}
		}
	}
	_, err := fmt.Println(`{"Kind":"compiled"}`)
	return err
}

// wazeroFolder is the folder that wazero keeps machine code in.
func wazeroFolder() string {
	dir, err := os.MkdirTemp("", "sluice-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		panic(err)
	}
	defer cache.Close(background)
	folders, err := os.ReadDir(dir)
	if err != nil {
		panic(err)
	}
	return folders[0].Name()
}

func TestCompileApart(t *testing.T) {
	checkAddOne(t, newRuntime(t, Config{Compiler: self("compile")}), addOne())
}

func TestInvalidModuleApart(t *testing.T) {
	r := newRuntime(t, Config{Compiler: self("compile")})
	var m wasmtest.Module
	m.Export(strings.Repeat("\x1b", 2000), wasmtest.KindFunc, 1)
	m.Func(wasmtest.Signature{}, 0, wasmtest.Get(1))
	for name, wasm := range map[string][]byte{
		"section": []byte(wasmtest.Header + "\xff"), "nothing": nil, "text": []byte("(module)"), "export": m.Encode(),
	} {
		_, err := r.Compile(t.Context(), wasm)
		if invalid := (*InvalidError)(nil); !errors.As(err, &invalid) {
			t.Errorf("%s: got error %v, want that the module is invalid", name, err)
			continue
		}
		_, here := newRuntime(t, Config{}).Compile(t.Context(), wasm)
		if want := strings.SplitN(here.Error(), "\n", 2)[0]; name != "export" && err.Error() != want {
			t.Errorf("%s: got error %q, and in this process %q", name, err, want)
		}
		if len(err.Error()) > 600 || strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("%s: the error is no short line: %q", name, err)
		}
	}
}

func TestCompileTimeIsLimited(t *testing.T) {
	compiler := self("compile")
	compiler.Time = 2 * time.Second
	r := newRuntime(t, Config{Compiler: compiler, CacheDir: cacheDir(t)})
	wasm := bomb()
	if len(wasm) > 200<<10 {
		t.Errorf("%d bytes are no small module", len(wasm))
	}
	began := time.Now()
	_, err := r.Compile(t.Context(), wasm)
	checkLimit(t, err, "compile_time",
		"compiling it took more than 2s, the limit compile_time; smaller functions take less, or allow more")
	if took := time.Since(began); took < compiler.Time || took > compiler.Time+10*time.Second {
		t.Errorf("it took %s", took)
	}
	checkAddOne(t, r, addOne()) // others are not harmed
}

func TestCompileMemoryIsLimited(t *testing.T) {
	if runtime.GOOS != "linux" || raceEnabled {
		t.Skip("memory is limited on Linux only, and the race detector has words of its own for that")
	}
	compiler := self("compile")
	compiler.Time, compiler.Memory = time.Minute, 64<<20
	r := newRuntime(t, Config{Compiler: compiler})
	_, err := r.Compile(t.Context(), bomb())
	checkLimit(t, err, "compile_memory",
		"compiling it took more than 64 MiB of memory, the limit compile_memory; smaller functions take less, or allow more")
	checkAddOne(t, r, addOne())
}

// TestCheckingTimeIsLimited has a module that is compiled in no time and takes long to be checked, which the engine itself
// has to do: it has a great number of exports.
func TestCheckingTimeIsLimited(t *testing.T) {
	var m wasmtest.Module
	f := m.Func(wasmtest.Signature{}, 0, wasmtest.Unreachable())
	for i := range 200_000 {
		m.Export(strconv.Itoa(i), wasmtest.KindFunc, f)
	}
	wasm := m.Encode()
	r := newRuntime(t, Config{})
	// Neither a slow machine nor the race detector should make a difference.
	compiler := self("compile")
	compiler.Time = 3 * leastOf(func() {
		if err := r.CompileOnlyFromCache(wasm); err == nil {
			t.Fatal("there is nothing to compile")
		}
	})
	_, err := newRuntime(t, Config{Compiler: compiler}).Compile(t.Context(), wasm)
	checkLimit(t, err, "compile_time", fmt.Sprintf(
		"checking it took more than %s, a tenth of the limit compile_time; smaller functions take less, or allow more",
		compiler.Time/10))
}

// TestCodeIsCheckedApart has functions that take long to be checked, because each of many jumps has to be compared with
// thousands of results. That is done by the process that compiles, and not by the one that takes the module from the cache.
func TestCodeIsCheckedApart(t *testing.T) {
	const many = 12_000
	results := bytes.Repeat([]byte{wasmtest.I32}, many)
	jumps := slices.Concat(wasmtest.Code{0x0e}, wasmtest.U32(many), make([]byte, many+1)) // br_table, all of them to the block
	var m wasmtest.Module
	m.Import("env", "results", wasmtest.Signature{Results: results}) // makes type 0, which is the block's
	for range 4 {
		m.Func(wasmtest.Signature{}, 0, wasmtest.Code{0x02, 0}, wasmtest.Unreachable(), wasmtest.Const(0), jumps,
			wasmtest.Code{0x0b}, wasmtest.Unreachable())
	}
	wasm := m.Encode()
	r := newRuntime(t, Config{})
	check := func(wasm []byte) time.Duration {
		return leastOf(func() {
			if err := r.CompileOnlyFromCache(wasm); err == nil || !strings.Contains(err.Error(), "is not for this module") {
				t.Fatalf("got error %v", err)
			}
		})
	}
	if all, outline := check(wasm), check(Outline(wasm)); outline > all/2 {
		t.Errorf("the outline is checked in %s, all of the module in %s", outline, all)
	}
}

// leastOf is the least time of three that something takes.
func leastOf(something func()) time.Duration {
	least := time.Duration(math.MaxInt64)
	for range 3 {
		began := time.Now()
		something()
		least = min(least, time.Since(began))
	}
	return least
}

func checkLimit(t *testing.T, err error, limit, want string) {
	t.Helper()
	if e := (*LimitError)(nil); !errors.As(err, &e) || e.Limit != limit || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

// TestHitsCompileNothing shows what the cache relies on: wazero can be asked for what it has, and for nothing else.
func TestHitsCompileNothing(t *testing.T) {
	r := newRuntime(t, Config{})
	began := time.Now()
	err := r.CompileOnlyFromCache(bomb())
	if err == nil || !strings.Contains(err.Error(), "is not for this module") {
		t.Errorf("got error %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestBrokenCompilers(t *testing.T) {
	for name, test := range map[string]struct {
		compiler Compiler
		want     string
	}{
		"missing":    {Compiler{Program: []string{"/no/such/program"}}, "the compiler cannot be started: fork/exec /no/such/program"},
		"not found":  {Compiler{Program: []string{"no-such-program"}}, "the compiler cannot be started: exec: \"no-such-program\""},
		"no program": {Compiler{Program: []string{"/dev/null"}}, "permission denied; its program has to be one that calls RunCompiler"},
		"true":       {Compiler{Program: []string{"true"}}, `the compiler "true" failed: it ended without a result`},
		"false":      {Compiler{Program: []string{"false"}}, `the compiler "false" failed: exit status 1`},
		"crash":      {self("crash"), "failed: exit status 2: panic: this  [1mcompiler"},
		"killed":     {self("killed"), "failed: signal: killed: perhaps the system had no memory left"},
		"garbage":    {self("garbage"), `printed "Hello, I am\na server\n"; its program has to call RunCompiler first of all`},
		"flood":      {self("flood"), "prints what no compiler does"},
		"silence":    {self("silence"), "gave no sign within 2s; its program has to call RunCompiler"},
		"mute":       {self("mute"), "failed: it ended without a result"},
		"babble":     {self("babble"), "failed: it ended without a result"},
		"lie":        {self("lie"), "code: no such file or directory"},
		"foreign":    {self("foreign"), "is built with another wazero: it made wazero-v0.0.0-other, and this program runs wazero-"},
		"litter":     {self("litter"), "has left 2 files and should have left one"},
		"misname":    {self("misname"), `has left a file named "misnamed"`},
		"cheat":      {self("cheat"), "what was compiled cannot be used: the machine code is not for this module"},
		"invent":     {self("invent"), strings.Repeat(" ", 400)},
		"recursion":  {self("recursion"), "was started to compile one module and wants to have modules compiled itself"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := cacheDir(t)
			test.compiler.Time = time.Minute
			if name == "silence" {
				test.compiler.Time = 2 * time.Second
			}
			r := newRuntime(t, Config{Compiler: test.compiler, CacheDir: dir})
			began := time.Now()
			_, err := r.Compile(t.Context(), addOne())
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("got error %q, want %q", err, test.want)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
			checkFiles(t, entries(dir), 0)
			compiled, err := r.CompileTrusted(t.Context(), addOne())
			if err != nil {
				t.Fatalf("what is trusted needs no compiler: %v", err)
			}
			compiled.Close(t.Context())
		})
	}
}

func TestCompilerMayLeaveAProcess(t *testing.T) {
	r := newRuntime(t, Config{Compiler: self("daemon")})
	began := time.Now()
	checkAddOne(t, r, addOne())
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestCompilingIsCancelled(t *testing.T) {
	r := newRuntime(t, Config{Compiler: self("compile")})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	errs := make(chan error)
	const many = 3 // more than run at a time on small machines, so that some wait for their turn
	for range many {
		go func() {
			_, err := r.Compile(ctx, bomb())
			errs <- err
		}()
	}
	for range many {
		if err := <-errs; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want that of the context", err)
		}
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestCompilersAreFew(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	dir := t.TempDir()
	r := newRuntime(t, Config{Compiler: self("tally", dir)})
	const many = 6
	errs := make(chan error)
	for range many {
		go func() {
			_, err := r.Compile(t.Context(), addOne())
			errs <- err
		}()
	}
	for range many {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	counts, err := filepath.Glob(filepath.Join(dir, "*", "count-*"))
	if err != nil || len(counts) != many {
		t.Fatalf("%q are not %d counts (%v)", counts, many, err)
	}
	most := 0
	for _, file := range counts {
		n, _ := strconv.Atoi(strings.TrimPrefix(filepath.Base(file), "count-"))
		most = max(most, n)
	}
	if most != 2 {
		t.Errorf("%d compilers ran at a time, want 2", most)
	}
}

// tally is a compiler that counts those that run.
func tally(args []string) error {
	dir, err := os.MkdirTemp(args[0], "compiler-")
	if err != nil {
		return err
	}
	running := filepath.Join(dir, "running")
	if err := os.WriteFile(running, nil, 0o600); err != nil {
		return err
	}
	time.Sleep(300 * time.Millisecond)
	all, err := filepath.Glob(filepath.Join(args[0], "*", "running"))
	if err != nil {
		return err
	}
	err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("count-%d", len(all))), nil, 0o600)
	return errors.Join(err, os.Remove(running), RunCompiler(os.Stdin, os.Stdout))
}

func TestRunCompilerByHand(t *testing.T) {
	for name, input := range map[string]string{"nothing": "", "text": "hello\n", "no module": `{"Size":10}` + "\n"} {
		cmd := exec.Command(self("compile").Program[0], self("compile").Program[1:]...)
		cmd.Stdin = strings.NewReader(input)
		output, err := cmd.CombinedOutput()
		if err == nil || !bytes.Contains(output, []byte("on standard input")) && name != "no module" {
			t.Errorf("%s: %v: %s", name, err, output)
		}
	}
}

// bomb is a module of some 100 KiB that keeps the compiler busy for minutes and takes gigabytes: each of its blocks changes one
// of many variables, and where blocks meet the compiler keeps account of all of them.
func bomb() []byte {
	const locals, blocks = 2000, 8000
	var m wasmtest.Module
	var code []wasmtest.Code
	for i := range uint32(blocks) {
		local := i % locals
		code = append(code, wasmtest.If(wasmtest.Get(local), wasmtest.Set(local, wasmtest.Get((local+1)%locals))))
	}
	m.Func(wasmtest.Signature{}, locals, code...)
	return m.Encode()
}

// straight is a module of about some size in bytes, as ordinary programs are: many functions of some instructions.
func straight(size int) []byte {
	var m wasmtest.Module
	for i := range int32(size / 200) {
		var code []wasmtest.Code
		for j := range int32(15) {
			code = append(code, wasmtest.Set(uint32(j%4), wasmtest.Add(wasmtest.Get(uint32(j+1)%4), wasmtest.Const(i*j))),
				wasmtest.If(wasmtest.Get(0), wasmtest.Return()))
		}
		m.Func(wasmtest.Signature{}, 4, code...)
	}
	return m.Encode()
}

func compile(t *testing.T, r *Runtime, wasm []byte) wazero.CompiledModule {
	t.Helper()
	compiled, err := r.Compile(t.Context(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// process is this program in one of its parts.
type process struct {
	cmd    *exec.Cmd
	output bytes.Buffer
}

func start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	command := self(name, args...).Program
	p := &process{cmd: exec.CommandContext(t.Context(), command[0], command[1:]...)}
	p.cmd.Stdout, p.cmd.Stderr = &p.output, io.Writer(os.Stderr)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) wait(t *testing.T) string {
	t.Helper()
	if err := p.cmd.Wait(); err != nil {
		t.Error(err)
	}
	return p.output.String()
}
