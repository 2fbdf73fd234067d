package hostabi

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// Register makes the functions of http_events_v1 importable in a runtime. Once per runtime.
func Register(ctx context.Context, r *wasmruntime.Runtime) (api.Module, error) {
	builder := r.NewHostModule(abi.HandlerImportModule)
	for _, f := range abi.HandlerImports {
		function, ok := functions[f.Name]
		if !ok {
			return nil, fmt.Errorf("%s.%s is not implemented", abi.HandlerImportModule, f.Name)
		}
		builder.NewFunctionBuilder().
			WithName(f.Name).
			WithGoFunction(&observable{function, f.Name}, valueTypes(f.Params), valueTypes(f.Results)).
			Export(f.Name)
	}
	return builder.Instantiate(ctx)
}

func valueTypes(types []abi.ValueType) []api.ValueType {
	out := make([]api.ValueType, len(types))
	for i, t := range types {
		out[i] = [...]api.ValueType{
			abi.I32: api.ValueTypeI32,
			abi.I64: api.ValueTypeI64,
			abi.F32: api.ValueTypeF32,
			abi.F64: api.ValueTypeF64,
		}[t]
	}
	return out
}
