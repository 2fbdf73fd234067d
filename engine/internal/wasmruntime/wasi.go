package wasmruntime

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// registerWASI makes WASI preview 1 importable, so that ordinary toolchains can build modules.
func registerWASI(ctx context.Context, r wazero.Runtime) (api.Module, error) {
	builder := r.NewHostModuleBuilder(wasi_snapshot_preview1.ModuleName)
	wasi_snapshot_preview1.NewFunctionExporter().ExportFunctions(builder)
	builder.NewFunctionBuilder().
		WithName("proc_exit").
		WithGoFunction(api.GoFunc(procExit), []api.ValueType{api.ValueTypeI32}, nil).
		Export("proc_exit")
	return builder.Instantiate(ctx)
}

// procExit(code) takes the place of wazero's function, which closes the instance: that would take away its memory while a
// call is running in it.
func procExit(_ context.Context, stack []uint64) { panic(&ExitError{Code: uint32(stack[0])}) }

// ExitError is what ended a call that wanted to end the process.
type ExitError struct{ Code uint32 }

func (e *ExitError) Error() string { return fmt.Sprintf("the module called proc_exit(%d)", e.Code) }
