package rewrite_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// workload is work that a module does, as it is and rewritten.
type workload struct {
	name string
	wasm func(testing.TB) []byte
	// begin gets an instance ready, and gives what does the work once and returns something that depends on it.
	begin func(p *program) (step func() uint64)
}

// workloads are those by which the cost of metering is judged: Go, an interpreter, a handler, and loops.
var workloads = []workload{
	{"core 80B", goCore, parse(padded("GET /index.html HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\nX-Pad: ", 80))},
	{"core 700B", goCore, parse(padded("GET /articles/2024/index.html?page=2 HTTP/1.1\r\n"+
		"Host: www.example.com\r\n"+
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n"+
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"+
		"Accept-Language: en-GB,en;q=0.9,de;q=0.7\r\n"+
		"Accept-Encoding: gzip, deflate, br, zstd\r\n"+
		"Connection: keep-alive\r\n"+
		"Upgrade-Insecure-Requests: 1\r\n"+
		"Referer: https://www.example.com/articles/\r\n"+
		"If-None-Match: \"5f3c-61a2b8\"\r\n"+
		"Cookie: ", 700))},
	{"quickjs", quickJS, script("run()")},
	{"quickjs json", quickJS, script("json()")},
	{"json", built("json"), rounds("json", 1)},
	{"list", built("kernels"), rounds("list", 1)},
	{"matrix", built("kernels"), rounds("matrix", 1)},
	{"state", built("kernels"), rounds("state", 20)},
	{"crc", built("kernels"), rounds("crc", 5)},
}

func padded(head string, size int) []byte {
	const end = "\r\n\r\n"
	return []byte(head + strings.Repeat("x", size-len(head)-len(end)) + end)
}

// program is an instance that works, whether it was rewritten or not.
type program struct {
	testing.TB
	host     *host
	instance api.Module
	budget   api.MutableGlobal // nil when it was not rewritten
}

// open makes an instance of a module.
func (h *host) open(tb testing.TB, binary []byte, rewritten bool) *program {
	h.provide(tb, binary)
	if !rewritten {
		return &program{TB: tb, host: h, instance: h.instance(tb, binary)}
	}
	instance, _ := h.rewritten(tb, binary)
	return &program{TB: tb, host: h, instance: instance, budget: budget(instance)}
}

// function looks a function up. What it returns calls it with a full budget.
func (p *program) function(name string) func(args ...uint64) uint64 {
	p.Helper()
	f := p.instance.ExportedFunction(name)
	if f == nil {
		p.Fatalf("no export %q", name)
	}
	var stack [8]uint64
	ctx := context.Background()
	return func(args ...uint64) uint64 {
		if p.budget != nil {
			p.budget.Set(uint64(p.host.slice)<<32 | uint64(uint32(p.host.stack)))
		}
		copy(stack[:], args)
		if err := f.CallWithStack(ctx, stack[:]); err != nil {
			p.Fatalf("%s: %v", name, err)
		}
		return stack[0]
	}
}

// write puts a string into memory that a function of the module gives.
func (p *program) write(allocate func(...uint64) uint64, text string) (address uint64) {
	address = allocate(uint64(len(text) + 1))
	if !p.instance.Memory().Write(uint32(address), append([]byte(text), 0)) {
		p.Fatal("no room")
	}
	return address
}

// rounds has an export do a number of rounds.
func rounds(name string, count uint64) func(p *program) func() uint64 {
	return func(p *program) func() uint64 {
		f := p.function(name)
		return func() uint64 { return f(count) }
	}
}

// built is a module that build.sh builds.
func built(name string) func(testing.TB) []byte {
	return func(tb testing.TB) []byte {
		return file(tb, filepath.Join("../../../build/measured", name+".wasm"))
	}
}

// file reads a file that may not be there yet: build.sh sees to it that it is.
func file(tb testing.TB, path string) []byte {
	wasm, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("SLUICE_REQUIRE_TOOLCHAINS") != "1" {
		tb.Skipf("%v: ./build.sh test makes it", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return wasm
}

func goCore(testing.TB) []byte { return core.Binary }

// parse has the core parse a request and answer it.
func parse(request []byte) func(p *program) func() uint64 {
	return func(p *program) func() uint64 {
		p.function("_initialize")()
		memory := p.instance.Memory()
		bytes := func(address, size uint32) []byte {
			b, ok := memory.Read(address, size)
			if !ok {
				p.Fatalf("%d bytes at %d", size, address)
			}
			return b
		}
		var layout abi.Layout
		layout.Load(bytes(uint32(p.function("setup")(4)), abi.LayoutSize))
		limits := abi.Limits{StartLine: 8192, Head: 32768, Fields: 128, ChunkLine: 4096, Trailers: 8192, TrailerFields: 32}
		limits.Store(bytes(layout.Limits, abi.LimitsSize))
		copy(bytes(layout.Date, 29), "Sun, 06 Nov 1994 08:49:37 GMT")
		copy(bytes(layout.Slots+layout.SlotBytes, layout.SlotSize), request)
		p.function("open")(0, uint64(abi.RoleServer))
		receive, frame := p.function("receive"), p.function("frame_head")
		next := uint64(0)
		return func() uint64 {
			if errno := receive(0, 0, 0, uint64(len(request)), next); errno != 0 {
				p.Fatalf("receive: %d", errno)
			}
			next = uint64(abi.ReceiveFlagsNextCycle)
			if errno := frame(0, 200, 0, 13, uint64(abi.HeadFlagsComplete)); errno != 0 {
				p.Fatalf("frame_head: %d", errno)
			}
			return uint64(bytes(layout.Output, 64)[9])
		}
	}
}

// quickJS is the module of an npm package.
func quickJS(tb testing.TB) []byte { return file(tb, "node_modules/quickjs-wasi/quickjs.wasm") }

// script has QuickJS run a script. What it may call is there.
func script(code string) func(p *program) func() uint64 {
	const library = `
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) }
function run() {
  let words = {}, text = "the quick brown fox jumps over the lazy dog and the dog barks ".repeat(4)
  for (const word of text.split(" ")) words[word] = (words[word] || 0) + 1
  let primes = []
  for (let n = 2; n < 200; n++) if (primes.every(p => n % p)) primes.push(n)
  const sorted = Object.entries(words).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
  return fib(12) + primes.length + sorted.length + text.replace(/o[a-z]/g, "").length
}
const order = {id: 7, name: "Ada", items: Array.from({length: 20}, (_, i) => ({sku: "A-" + i, count: i * 1.5, ok: i % 2 == 0}))}
function json() { return JSON.stringify(JSON.parse(JSON.stringify(order))).length }
0`
	return func(p *program) func() uint64 {
		p.function("_initialize")()
		if status := p.function("qjs_init")(); status != 0 {
			p.Fatalf("qjs_init: %d", status)
		}
		allocate, evaluate := p.function("wasm_malloc"), p.function("qjs_eval")
		failed, free, name := p.function("qjs_is_exception"), p.function("qjs_free_value"), p.write(allocate, "bench.js")
		number := p.function("qjs_get_float64")
		run := func(code string) func() uint64 {
			address := p.write(allocate, code)
			return func() uint64 {
				value := evaluate(address, uint64(len(code)), name, 0)
				if failed(value) != 0 {
					p.Fatalf("%s: an exception", code)
				}
				result := uint64(api.DecodeF64(number(value)))
				free(value)
				return result
			}
		}
		run(library)()
		return run(code)
	}
}

// provide has the runtime offer what a module imports from env: functions that do nothing and return 0.
func (h *host) provide(tb testing.TB, binary []byte) {
	m, err := wasm.Decode(binary)
	if err != nil {
		tb.Fatal(err)
	}
	const env = "env"
	if h.runtime.Module(env) != nil {
		return
	}
	builder := h.runtime.NewHostModuleBuilder(env)
	for _, i := range m.Imports {
		if i.Module == env && i.Kind == wasm.KindFunc {
			t := m.Types[i.Type]
			builder.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
				if len(t.Results) > 0 {
					stack[0] = 0
				}
			}), t.Params, t.Results).Export(i.Name)
		}
	}
	if _, err := builder.Instantiate(context.Background()); err != nil {
		tb.Fatal(err)
	}
}
