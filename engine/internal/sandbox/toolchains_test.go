package sandbox_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/hostabi/exchangetest"
	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// TestToolchains loads handlers as compilers make them, whose sources are in engine/testdata/toolchains, and has them
// answer with what they see of the system.
func TestToolchains(t *testing.T) {
	const clock, file = "clock true\nsleep true\nrandom true\n", "file true\n"
	for name, want := range map[string]string{
		"golang":         "args [golang.wasm -v]\nenv value 1\n" + clock + file + "network true\n",
		"rust":           "args [\"rust.wasm\", \"-v\"]\nenv value 1\n" + clock + file,
		"c":              "args c.wasm -v\nenv value\n" + clock + file,
		"assemblyscript": "env KEY=value\nclock true\nrandom true\n",
	} {
		t.Run(name, func(t *testing.T) {
			p, log := newToolchainPool(t, name)
			for range 2 {
				x := &exchangetest.Exchange{Events: get()}
				if err := p.Serve(x); err != nil {
					t.Fatal(err)
				}
				got := strings.NewReplacer(`\n`, "\n", `\"`, `"`).Replace(strings.TrimSuffix(x.Log(), "\n"))
				if got != `send 200 "`+want+`"` {
					t.Errorf("got %s\nwant %s", got, want)
				}
			}
			wantLog := ""
			for _, line := range []string{"stdout line=started", "stderr line=asked", "stderr line=asked"} {
				wantLog += "level=INFO msg=\"handler printed\" route=\"\" module=" + name + ".wasm stream=" + line + "\n"
			}
			if log.String() != wantLog {
				t.Errorf("logged\n%s\nwant\n%s", log, wantLog)
			}
		})
	}
}

// TestAssemblyScriptAborts throws an error that nobody catches.
func TestAssemblyScriptAborts(t *testing.T) {
	p, _ := newToolchainPool(t, "assemblyscript")
	err := p.Serve(&exchangetest.Exchange{Events: post(strings.Repeat("x", 300))})
	checkFault(t, err, sandbox.FaultTrap, 500,
		"in on_event: the module called abort: the request is too long for me (engine/testdata/toolchains/assemblyscript.ts:")
	if err := p.Serve(&exchangetest.Exchange{Events: get()}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// newToolchainPool makes a pool of a handler that a compiler made, and a place where it logs.
func newToolchainPool(t *testing.T, name string) (*sandbox.Pool, *bytes.Buffer) {
	t.Helper()
	wasm, err := os.ReadFile("../../../build/toolchains/" + name + ".wasm")
	if err != nil && os.Getenv("SLUICE_REQUIRE_TOOLCHAINS") == "1" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skipf("%v; ./build.sh toolchains makes it", err)
	}
	// Compiling what Go brings along takes seconds, and minutes under the race detector.
	r, err := wasmruntime.New(t.Context(), wasmruntime.Config{CacheDir: "../../../build/toolchains/cache"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(context.Background()) })
	l, err := sandbox.NewLoader(t.Context(), r, sandbox.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	m, err := l.Load(t.Context(), name+".wasm", wasm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	log := &bytes.Buffer{}
	p, err := m.NewPool(sandbox.PoolConfig{
		Process: sandbox.Process{Args: []string{"-v"}, Env: []string{"KEY=value"}}, Log: textLog(log),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, log
}
