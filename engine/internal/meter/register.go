package meter

import (
	"context"

	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// Metered is the context of every call into a metered instance.
type Metered interface {
	context.Context
	Meter() *Meter
}

// Register makes the function importable that rewritten modules call when their fuel has run out. Once per runtime.
func Register(ctx context.Context, r *wasmruntime.Runtime) error {
	i64 := []api.ValueType{api.ValueTypeI64}
	_, err := r.NewHostModule(rewrite.HostModule).NewFunctionBuilder().
		WithName(rewrite.TickImport).
		WithGoFunction(api.GoFunc(tick), i64, i64).
		Export(rewrite.TickImport).
		Instantiate(ctx)
	return err
}

func tick(ctx context.Context, stack []uint64) {
	stack[0] = ctx.(Metered).Meter().tick(stack[0])
}
