package wasmruntime

import (
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/engine/internal/wasi"
)

// registerWASI makes WASI preview 1 importable, so that ordinary toolchains can build modules.
func registerWASI(ctx context.Context, r wazero.Runtime) (api.Module, error) {
	return wasi.Register(ctx, r.NewHostModuleBuilder(wasi.ModuleName))
}

// ExitError is what ended a call that wanted to end the process.
type ExitError = wasi.ExitError
