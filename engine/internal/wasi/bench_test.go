package wasi

import (
	"context"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// BenchmarkCalls measures calls from a module, compiled as handlers are, beside wazero's functions.
func BenchmarkCalls(b *testing.B) {
	for _, of := range []string{"ours", "wazero"} {
		runtime := wazero.NewRuntime(context.Background())
		b.Cleanup(func() { runtime.Close(context.Background()) })
		if of == "ours" {
			if _, err := Register(b.Context(), runtime.NewHostModuleBuilder(ModuleName)); err != nil {
				b.Fatal(err)
			}
		} else {
			wasi_snapshot_preview1.MustInstantiate(b.Context(), runtime)
		}
		i := instantiate(b, runtime, wazero.NewModuleConfig().WithArgs("a", "bc").WithSysWalltime().WithSysNanotime())
		iovs, count := i.vectors(8, 100)
		for _, test := range []struct {
			name   string
			bytes  int64
			params []uint64
		}{
			{"clock_time_get", 0, []uint64{0, 0, 8}},
			{"args_get", 0, []uint64{8, 32}},
			{"fd_write", 100, []uint64{stdout, iovs, count, 0}},
			{"random_get", 64 << 10, []uint64{0, 64 << 10}},
			{"path_open", 0, make([]uint64, 9)},
		} {
			b.Run(test.name+"/"+of, func(b *testing.B) {
				quiet := newQuiet()
				function := i.ExportedFunction(test.name)
				stack := make([]uint64, 9)
				b.SetBytes(test.bytes)
				b.ReportAllocs()
				for b.Loop() {
					copy(stack, test.params)
					if err := function.CallWithStack(quiet, stack); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// quiet is a caller that remembers nothing.
type quiet struct {
	trusted
	context.Context
	process Process
}

func newQuiet() *quiet {
	return &quiet{Context: context.Background(), process: Process{Args: NewStrings([]string{"a", "bc"})}}
}

func (q *quiet) Value(any) any { return nil }

func (q *quiet) Process() *Process { return &q.process }
