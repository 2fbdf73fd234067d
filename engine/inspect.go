package engine

import (
	"context"

	"github.com/sluicehttp/sluice/engine/internal/sandbox"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// Inspection describes a handler module and says what, if anything, keeps it from loading.
type Inspection = sandbox.Inspection

// InspectedFunc is a function that a module imports or exports.
type InspectedFunc = sandbox.InspectedFunc

// InspectedMemory is the size of a module's memory in pages of 64 KiB.
type InspectedMemory = sandbox.InspectedMemory

// Inspect describes a module. Of its code only what makes an instance ready is run, and only when nothing else is wrong.
func Inspect(ctx context.Context, module Module, compiler Compiler) (*Inspection, error) {
	if err := compiler.complete(); err != nil {
		return nil, err
	}
	return sandbox.Inspect(ctx, module.Wasm, wasmruntime.Config{Compiler: compiler.runtime()})
}
