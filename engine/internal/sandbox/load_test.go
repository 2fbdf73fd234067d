package sandbox_test

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/hostabi/exchangetest"
	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
	. "github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// adjusted is the hello handler with a change.
func adjusted(change func(h *Handler)) []byte {
	h := Hello()
	change(h)
	return h.Encode()
}

func TestLoadErrors(t *testing.T) {
	i32 := []ValueType{I32}
	section := func(id byte, content ...byte) []byte { return append([]byte(Header), Section(id, content)...) }
	for _, test := range []struct {
		name string
		wasm []byte
		want string
	}{
		// Other things than a module.
		{"empty", nil, "the file is empty"},
		{"text", []byte("\n(module)"),
			"it is in the text format; convert it to the binary format, for instance with wat2wasm"},
		{"text with a comment", []byte(";; a handler\n(module)"),
			"it is in the text format; convert it to the binary format, for instance with wat2wasm"},
		{"component", []byte("\x00asm\x0d\x00\x01\x00"),
			"it is a WebAssembly component; a handler is a core module, built for instance for wasm32-wasip1"},
		{"other version", []byte("\x00asm\x02\x00\x00\x00"), "version 02000000 of the binary format is not supported"},
		{"program", []byte("\x7fELF\x02\x01\x01\x00..."), `it is not WebAssembly: it begins with "\x7fELF\x02\x01\x01\x00"`},
		{"script", []byte("#!/bin/sh"), `it is not WebAssembly: it begins with "#!/bin/s"`},

		// Broken modules.
		{"cut in the magic number", []byte("\x00as"), "the file is cut short: it ends inside the header"},
		{"cut in the version", []byte("\x00asm\x01"), "the file is cut short: it ends inside the header"},
		{"cut in a section", Hello().Encode()[:40],
			"the type section is broken or cut short at byte 11: 141 bytes are wanted where 29 are left"},
		{"unknown section", section(99), "section 99 is unknown or cut short at byte 10: no such section"},
		{"section too long", section(SectionType, 0, 0), "the type section is broken or cut short at byte 11: 1 bytes too many"},
		{"length that lies", section(SectionType, 0xff, 0xff, 0xff, 0xff, 0x0f),
			"the type section is broken or cut short at byte 15: 4294967295 items are announced where 0 bytes are left"},
		{"number too large", section(SectionType, 0xff, 0xff, 0xff, 0xff, 0x1f),
			"the type section is broken or cut short at byte 15: a number has more than 32 bits"},
		{"too many locals", section(SectionCode, slices.Concat([]byte{1, 7, 1}, U32(50_001), []byte{I32, 0, 0x0b})...),
			"the code section is broken or cut short at byte 17: 50001 locals in a function, 50001 up to here"},
		{"exceptions", section(13, 0), "the tag section is broken or cut short at byte 10: exceptions are not supported"},
		{"shared memory", section(SectionMemory, 1, 3, 1, 1),
			"the memory section is broken or cut short at byte 12: shared memory (threads) is not supported"},
		{"64-bit memory", section(SectionMemory, 1, 4, 1),
			"the memory section is broken or cut short at byte 12: memory with 64-bit addresses is not supported"},
		{"code that is not valid", adjusted(func(h *Handler) { h.OnEvent = Drop(nil) }),
			"it is not valid WebAssembly: " +
				"invalid function[2] export[\"on_event\"]: invalid drop: invalid operation: trying to pop at 0 with limit 0"},

		// Modules that are no handlers.
		{"no exports", []byte(Header), "it exports no function subscriptions; a handler exports subscriptions () -> i32 " +
			"(and 3 more problems)"},
		{"no memory", adjusted(func(h *Handler) { h.NoMemory = true }),
			"it exports no memory under the name memory; a handler does"},
		{"two memories", adjusted(func(h *Handler) { h.Module.Memory(AtLeast(1)) }), "it has 2 memories; a handler has one"},
		{"large memory", adjusted(func(h *Handler) { h.Memory = AtLeast(1025) }),
			"its memory begins with 67174400 bytes, more than the limit of 67108864"},
		{"large table", adjusted(func(h *Handler) { h.Table(AtLeast(1<<17 + 1)) }),
			"it has a table of 131073 entries, more than the limit of 131072"},
		{"many tables", adjusted(func(h *Handler) {
			for range 9 {
				h.Table(AtLeast(0))
			}
		}), "it has 9 tables, more than the limit of 8"},
		{"command", adjusted(func(h *Handler) { h.Export("_start", KindFunc, h.Func(Signature{}, 0)) }),
			"it is a command, which exports _start and ends; build a reactor, which exports _initialize and stays " +
				"(clang -mexec-model=reactor, go build -buildmode=c-shared, rustc --crate-type=cdylib)"},
		{"other signature", adjusted(func(h *Handler) {
			h.Replace("on_event", h.Func(Signature{Params: i32, Results: i32}, 0, Const(0)))
		}), "it exports on_event (i32) -> i32; expected on_event (i32, i32, i32, i32) -> ()"},
		{"other signature of _initialize", adjusted(func(h *Handler) {
			h.Export("_initialize", KindFunc, h.Func(Signature{Params: i32}, 0))
		}), "it exports _initialize (i32) -> (); expected _initialize () -> ()"},
		{"import of nobody's", adjusted(func(h *Handler) { h.Import("env", "log", Signature{}) }),
			"it imports env.log; there is only abort in env; linkers import from there what no library defines, " +
				"so link what defines it"},
		{"import of nobody's module", adjusted(func(h *Handler) { h.Import("host", "log", Signature{}) }),
			"it imports host.log; a handler may import functions of http_events_v1 and wasi_snapshot_preview1 only"},
		{"import of abort with another signature", adjusted(func(h *Handler) { h.Import("env", "abort", Signature{}) }),
			"it imports env.abort as () -> (); expected (i32, i32, i32, i32) -> ()"},
		{"import that is not there", adjusted(func(h *Handler) { h.Import("http_events_v1", "teleport", Signature{}) }),
			"it imports http_events_v1.teleport; http_events_v1 has no function of that name"},
		{"import with another signature", adjusted(func(h *Handler) { h.Import("http_events_v1", "drain", Signature{}) }),
			"it imports http_events_v1.drain as () -> (); expected (i32) -> i32"},
		{"import of another version", adjusted(func(h *Handler) { h.Import("http_events_v2", "send", Signature{}) }),
			"it imports http_events_v2.send: it was built for http_events_v2, and this Sluice speaks http_events_v1"},
		{"import of a memory", adjusted(func(h *Handler) {
			h.ImportItem("wasi_snapshot_preview1", "memory", KindMemory, []byte{0, 1})
		}), "it imports wasi_snapshot_preview1.memory as a memory; a handler may import functions only; " +
			"it has a memory of its own: link without --import-memory"},
		{"import with a name to deceive", adjusted(func(h *Handler) {
			h.Import("host", "x\nall is well\x1b[2J"+strings.Repeat("y", 1000), Signature{})
		}), "it imports host.x?all is well?[2J" + strings.Repeat("y", 500-33) + "..."},

		// Handlers that cannot start.
		{"start function that traps", adjusted(func(h *Handler) { h.Start(h.Func(Signature{}, 0, Unreachable())) }),
			"trap: in start: wasm error: unreachable"},
		{"_initialize that traps", adjusted(func(h *Handler) { h.Initialize = Unreachable() }),
			"trap: in _initialize: wasm error: unreachable"},
		{"data outside of the memory", adjusted(func(h *Handler) { h.Data(math.MaxInt32, []byte("x")) }),
			"trap: in instantiation: data[3]: out of bounds memory access"},
		{"unknown events", adjusted(func(h *Handler) { h.Subscriptions = Const(0x401) }),
			"broken ABI: subscriptions returned 0x401, of which 0x400 names no event of http_events_v1"},
		{"no events", adjusted(func(h *Handler) { h.Subscriptions = Const(int32(abi.SubscriptionsDone)) }),
			"broken ABI: subscriptions returned 0x40, no event of a request: the handler would never hear of one"},
		{"no receive buffer", adjusted(func(h *Handler) { h.ReceiveBuffer = Const(0) }),
			"broken ABI: receive_buffer returned null"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, _ := newLoader(t, sandbox.Config{})
			m, err := start(t, l, test.wasm, sandbox.Limits{})
			if err == nil {
				m.Close()
				t.Fatal("it was loaded")
			}
			if want := "handler.wasm: " + test.want; err.Error() != want {
				t.Errorf("got %s\nwant %s", err, want)
			}
			if n := l.Compiled(); n != 0 {
				t.Errorf("%d modules are kept", n)
			}
		})
	}
}

// TestForeignImports refuses what toolchains import when they build for something else.
func TestForeignImports(t *testing.T) {
	l := newLoaderOnly(t)
	for full, want := range map[string]string{
		"wasi_snapshot_preview1 sock_open":             "a handler has no sockets",
		"wasi_snapshot_preview1 fd_dup":                "wasi_snapshot_preview1 has no function of that name",
		"wasi_unstable fd_write":                       "that is WASI before preview 1",
		"wasi:cli/stdout@0.2.0 get-stdout":             "that is WASI preview 2 or later",
		"wasi thread-spawn":                            "a handler has one thread",
		"wasi_ephemeral_nn load":                       "that is no part of WASI preview 1",
		"gojs runtime.wasmExit":                        "build it with GOOS=wasip1",
		"wbg __wbg_log":                                "that is JavaScript's (wasm-bindgen)",
		"__wbindgen_placeholder__ __wbindgen_describe": "that is JavaScript's (wasm-bindgen)",
		"env emscripten_resize_heap":                   "that is Emscripten's JavaScript",
		"a b":                                          "that is Emscripten's JavaScript",
		"env seed":                                     "use random_get of wasi_snapshot_preview1",
		"env console.log":                              "use fd_write of wasi_snapshot_preview1",
		"env malloc":                                   "link what defines it",
		"http_events_v1 malloc":                        "http_events_v1 has no function of that name",
		"environment malloc":                           "a handler may import functions of http_events_v1",
	} {
		module, name, _ := strings.Cut(full, " ")
		_, err := l.Load(t.Context(), "handler.wasm", adjusted(func(h *Handler) { h.Import(module, name, Signature{}) }))
		begin := "handler.wasm: it imports " + module + "." + name + "; "
		if err == nil || !strings.HasPrefix(err.Error(), begin) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %s... %s", full, err, begin, want)
		}
	}
}

// TestHostileCounts has modules of a few bytes announce as much as they can. Believed, each would take gigabytes.
func TestHostileCounts(t *testing.T) {
	huge := U32(math.MaxUint32 - 1)
	module := func(id byte, content ...[]byte) []byte {
		return append([]byte(Header), Section(id, slices.Concat(content...))...)
	}
	one := []byte{1}
	for name, wasm := range map[string][]byte{
		"types":         module(SectionType, huge),
		"parameters":    module(SectionType, one, []byte{0x60}, huge),
		"results":       module(SectionType, one, []byte{0x60, 0}, huge),
		"imports":       module(SectionImport, huge),
		"import name":   module(SectionImport, one, huge),
		"functions":     module(SectionFunction, huge),
		"tables":        module(SectionTable, huge),
		"globals":       module(SectionGlobal, huge),
		"exports":       module(SectionExport, huge),
		"export name":   module(SectionExport, one, huge),
		"elements":      module(SectionElement, huge),
		"element":       module(SectionElement, one, []byte{0, 0x41, 0, 0x0b}, huge),
		"element exprs": module(SectionElement, one, []byte{5, 0x70}, huge),
		"code":          module(SectionCode, huge),
		"body":          module(SectionCode, one, huge),
		"local groups":  module(SectionCode, one, []byte{6}, huge, []byte{0}),
		"locals":        module(SectionCode, one, []byte{8, 1}, huge, []byte{I32, 0x0b}),
		"data":          module(SectionData, huge),
		"datum":         module(SectionData, one, one, huge),
		"custom name":   module(SectionCustom, huge),
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := newLoader(t, sandbox.Config{})
			_, err := start(t, l, wasm, sandbox.Limits{})
			if err == nil || !strings.Contains(err.Error(), "is broken or cut short") {
				t.Errorf("got error %v, want that a section is broken", err)
			}
		})
	}
}

// TestBrokenNamesAreNoProblem has names that lie about their number and length. They serve stack traces only.
func TestBrokenNamesAreNoProblem(t *testing.T) {
	huge := U32(math.MaxUint32 - 1)
	for name, content := range map[string][]byte{
		"function names": Section(1, huge),
		"name":           Section(1, slices.Concat([]byte{1, 0}, huge)),
		"local names":    Section(2, huge),
		"locals' names":  Section(2, slices.Concat([]byte{1, 0}, huge)),
		"module name":    Section(0, huge),
		"size":           slices.Concat([]byte{1}, huge, huge),
		"twice":          Section(0, Name("twice")),
	} {
		t.Run(name, func(t *testing.T) {
			wasm := adjusted(func(h *Handler) {
				h.Custom("name", content)
				h.Custom("name", content)
				h.Custom("other", []byte{1, 2, 3})
			})
			if _, err := start(t, newLoaderOnly(t), wasm, sandbox.Limits{}); err != nil {
				t.Error(err)
			}
		})
	}
}

func newLoaderOnly(t *testing.T) *sandbox.Loader {
	l, _ := newLoader(t, sandbox.Config{})
	return l
}

// TestTablesCannotGrowBeyondTheCap grows a table that its author did not bound.
func TestTablesCannotGrowBeyondTheCap(t *testing.T) {
	grow := func(by int32) Code { // ref.null func, by, table.grow 0
		return slices.Concat(Code{0xd0, 0x70}, Const(by), Code{0xfc, 0x0f, 0})
	}
	for name, limits := range map[string]Limits{"no maximum": AtLeast(1), "a large one": Between(1, math.MaxUint32)} {
		t.Run(name, func(t *testing.T) {
			h := NewHandler(abi.SubscriptionsReady)
			h.Table(limits)
			h.OnEvent = Seq(
				If(Ne(grow(1<<17-1), Const(1)), Unreachable()),
				If(Ne(grow(1), Const(-1)), Unreachable()),
				Drop(Do("send_end", Get(Session))))
			p, _ := newPool(t, h, sandbox.PoolConfig{})
			if err := p.Serve(&exchangetest.Exchange{Events: get()}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestInitializeRunsFirst(t *testing.T) {
	h := Hello()
	ready := h.Global(0)
	h.Initialize = SetGlobal(ready, Const(int32(abi.SubscriptionsReady)))
	h.Subscriptions = GetGlobal(ready)
	p, err := start(t, newLoaderOnly(t), h.Encode(), sandbox.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Subscriptions(); got != abi.SubscriptionsReady {
		t.Errorf("subscriptions %#x", got)
	}
}

func TestMemoryLimitIsAsConfigured(t *testing.T) {
	l, _ := newLoader(t, sandbox.Config{MaxMemory: wasmruntime.PageSize})
	_, err := l.Load(t.Context(), "handler.wasm", Hello().Encode())
	if want := "handler.wasm: its memory begins with 131072 bytes, more than the limit of 65536"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestOutputOfLoadingIsLogged(t *testing.T) {
	h := Hello()
	write := wasi(h, "fd_write", 4, I32)
	h.Initialize = Drop(Call(write, Const(1), h.Vector("starting\n"), Const(1), Const(1<<15)))
	l, log := newLoader(t, sandbox.Config{})
	m, err := l.Load(t.Context(), "handler.wasm", h.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.NewPool(sandbox.PoolConfig{Log: textLog(log)}); err != nil {
		t.Fatal(err)
	}
	if want := "level=INFO msg=\"handler printed\" route=\"\" module=handler.wasm stream=stdout line=starting\n"; log.String() != want {
		t.Errorf("logged %s, want %s", log, want)
	}
}

// TestStartFunctionsAreBoundToo has a module print and sleep before it is an instance.
func TestStartFunctionsAreBoundToo(t *testing.T) {
	h := Hello()
	write, poll := wasi(h, "fd_write", 4, I32), wasi(h, "poll_oneoff", 4, I32)
	h.Data(1<<15+24, slices.Repeat([]byte{0xff}, 8)) // a clock, and the longest time there is
	h.Start(h.Func(Signature{}, 0,
		Drop(Call(write, Const(2), h.Vector("starting\x1b\n"), Const(1), Const(1<<14))),
		Drop(Call(poll, Const(1<<15), Const(1<<15+64), Const(1), Const(1<<14)))))
	l, log := newLoader(t, sandbox.Config{})
	m, err := l.Load(t.Context(), "handler.wasm", h.Encode())
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.NewPool(sandbox.PoolConfig{Log: textLog(log)})
	if want := "the handler slept for too long"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %s", err, want)
	}
	if !strings.Contains(log.String(), `starting\x1b`) {
		t.Errorf("logged %s", log)
	}
}

func TestInspect(t *testing.T) {
	h := Hello()
	wasi(h, "fd_write", 4, I32)
	wasi(h, "fd_prestat_get", 2, I32)
	h.Memory = Between(2, 16)
	good := h.Encode()
	bad := adjusted(func(h *Handler) {
		h.Import("env", "log", Signature{Params: []ValueType{I32, I64}})
		h.ImportItem("env", "table", KindTable, []byte{0x70, 0, 0})
		h.Memory = AtLeast(2000)
	})
	for name, wasm := range map[string][]byte{"good": good, "bad": bad, "nothing": nil} {
		t.Run(name, func(t *testing.T) {
			found, err := sandbox.Inspect(t.Context(), wasm, wasmruntime.Config{})
			if err != nil {
				t.Fatal(err)
			}
			checkGolden(t, "testdata/inspect_"+name+".txt", text(found))
		})
	}
}

// text writes an inspection down.
func text(i *sandbox.Inspection) string {
	var b strings.Builder
	fmt.Fprintf(&b, "ABI %q\nsubscriptions %q\n", i.ABI, i.Subscriptions)
	if i.Memory != nil {
		fmt.Fprintf(&b, "memory %+v\n", *i.Memory)
	}
	for _, f := range i.Imports {
		fmt.Fprintf(&b, "import %s.%s %s known %v%s\n", f.Module, f.Name, f.Signature, f.Known, strings.TrimRight(" "+f.Idle, " "))
	}
	for _, f := range i.Exports {
		fmt.Fprintf(&b, "export %s %s known %v\n", f.Name, f.Signature, f.Known)
	}
	for _, p := range i.Problems {
		fmt.Fprintf(&b, "problem %s\n", p)
	}
	return b.String()
}

// checkGolden compares text with a file. SLUICE_UPDATE=1 writes the file instead.
func checkGolden(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("SLUICE_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant (%s)\n%s", got, file, want)
	}
}

// FuzzCheck compiles modules that were tampered with. Whatever they are, there is an answer of one line.
func FuzzCheck(f *testing.F) {
	for _, h := range []*Handler{Hello(), Echo(), Pull(), growing()} {
		h.Table(AtLeast(3))
		h.Elements(0, 1, 2)
		h.Custom("name", Section(1, slices.Concat([]byte{1, 9}, Name("function"))))
		f.Add(h.Encode())
	}
	l, _ := newLoader(f, sandbox.Config{})
	f.Fuzz(func(t *testing.T, wasm []byte) {
		if err := l.Check(t.Context(), wasm); err != nil && strings.Contains(err.Error(), "the compiler failed") {
			t.Error(err)
		}
	})
}
