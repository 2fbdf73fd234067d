package engine_test

import (
	"errors"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine"
	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// compileModule has this program compile a module instead of testing.
const compileModule = "compile-module"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == compileModule {
		if err := engine.RunCompiler(os.Stdin, os.Stdout); err != nil {
			log.Fatal(err)
		}
		return
	}
	os.Exit(m.Run())
}

func TestHandlersAreCompiledApart(t *testing.T) {
	for name, test := range map[string]struct {
		wasm []byte
		time time.Duration
		want string // empty: it loads
	}{
		"hello": {wasmtest.Hello().Encode(), time.Minute, ""},
		"bomb": {bomb(), time.Second,
			"compiling it took more than 1s, the limit compile_time; smaller functions take less, or allow more"},
		"invalid": {invalid(), time.Minute,
			"it is not valid WebAssembly: invalid function[0] export[\"on_event\"]: too many results"},
	} {
		t.Run(name, func(t *testing.T) {
			config := engine.Config{
				Core:     engine.CoreNative,
				Compiler: thisCompiler(t, test.time),
				Routes:   []engine.Route{{Handler: engine.Module{Name: name, Wasm: test.wasm}}},
			}
			e, err := engine.New(t.Context(), config)
			if err == nil {
				defer e.Close(t.Context())
			}
			checkError(t, err, "handler "+name+": ", test.want)
			if tooMuch := (*engine.CompileLimitError)(nil); errors.As(err, &tooMuch) != (name == "bomb") {
				t.Errorf("%v is a CompileLimitError, or is none", err)
			}

			found, err := engine.Inspect(t.Context(), config.Routes[0].Handler, config.Compiler)
			if err != nil {
				t.Fatal(err)
			}
			err = nil
			if len(found.Problems) > 0 {
				err = errors.New(found.Problems[0])
			}
			checkError(t, err, "", test.want)
		})
	}
}

func checkError(t *testing.T, err error, prefix, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), prefix+want)) {
		t.Errorf("got error %v, want %s%s", err, prefix, want)
	}
}

func TestCompilerLimits(t *testing.T) {
	for want, compiler := range map[string]engine.Compiler{
		"limit compile_time is 1ms; it can be 100ms to 24h0m0s":              {Time: time.Millisecond},
		"limit compile_time is 25h0m0s; it can be 100ms to 24h0m0s":          {Time: 25 * time.Hour},
		"limit compile_time is -1s; it can be 100ms to 24h0m0s":              {Time: -time.Second},
		"limit compile_memory is 1; it can be 67108864 to 68719476736":       {Memory: 1},
		"limit compile_memory is 1 << 40; it can be 67108864 to 68719476736": {Memory: 1 << 40},
	} {
		want = strings.Replace(want, "1 << 40", "1099511627776", 1)
		_, err := engine.Inspect(t.Context(), engine.Module{}, compiler)
		if limit := (*engine.LimitError)(nil); !errors.As(err, &limit) || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}

func thisCompiler(t *testing.T, most time.Duration) engine.Compiler {
	t.Helper()
	program, err := engine.ThisProgram(compileModule)
	if err != nil {
		t.Fatal(err)
	}
	return engine.Compiler{Program: program, Time: most}
}

// bomb is a handler that takes long to compile: each of its blocks changes one of many variables, and where blocks meet the
// compiler keeps account of all of them. None of its functions is so large that it would be refused unseen.
func bomb() []byte {
	const functions, locals, blocks = 16, 480, 4000 // each just within the limits of a function
	h := wasmtest.NewHandler(abi.SubscriptionsReady)
	for range functions {
		var code []wasmtest.Code
		for i := range uint32(blocks) {
			local := 4 + i%locals
			code = append(code, wasmtest.If(wasmtest.Get(local), wasmtest.Set(local, wasmtest.Get(4+(i+1)%locals))))
		}
		h.Replace("on_event", h.Func(onEvent, locals, code...))
	}
	return h.Encode()
}

// invalid is a handler that leaves a value behind.
func invalid() []byte {
	h := wasmtest.NewHandler(abi.SubscriptionsReady)
	h.Replace("on_event", h.Func(onEvent, 0, wasmtest.Const(1)))
	return h.Encode()
}

var onEvent = wasmtest.Signature{Params: []wasmtest.ValueType{wasmtest.I32, wasmtest.I32, wasmtest.I32, wasmtest.I32}}
