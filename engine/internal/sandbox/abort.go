package sandbox

import (
	"context"
	"encoding/binary"
	"fmt"
	"unicode/utf16"

	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// abortModule is what AssemblyScript imports abort from, and all that there is of it.
const abortModule = "env"

// registerAbort makes the function importable that modules of AssemblyScript call when they cannot go on. Its compiler has
// every module import it unless it is told not to.
func registerAbort(ctx context.Context, r *wasmruntime.Runtime) (api.Module, error) {
	i32 := api.ValueTypeI32
	return r.NewHostModule(abortModule).NewFunctionBuilder().
		WithName("abort").
		WithGoModuleFunction(api.GoModuleFunc(abort), []api.ValueType{i32, i32, i32, i32}, nil).
		Export("abort").
		Instantiate(ctx)
}

// abort(message, file, line, column) ends the call by a panic with an [*abortError]. The first two are strings of
// AssemblyScript or null.
func abort(_ context.Context, module api.Module, stack []uint64) {
	panic(&abortError{
		message: scriptString(module.Memory(), uint32(stack[0])),
		file:    scriptString(module.Memory(), uint32(stack[1])),
		line:    uint32(stack[2]),
		column:  uint32(stack[3]),
	})
}

// abortError is what ended a call that aborted.
type abortError struct {
	message, file string
	line, column  uint32
}

func (e *abortError) Error() string {
	return fmt.Sprintf("the module called abort: %s (%s:%d:%d)", e.message, e.file, e.line, e.column)
}

// maxScriptString bounds what is read of a string, in bytes.
const maxScriptString = 1 << 10

// scriptString reads a string of AssemblyScript: UTF-16, with its size in bytes in front of it.
//
//	        ┌──────┬───────┬───────┬┄┄
//	        │ size │ unit  │ unit  │
//	        └──────┴───────┴───────┴┄┄
//	address  -4     0       2
func scriptString(memory api.Memory, address uint32) string {
	if address == 0 {
		return "null"
	}
	size, ok := memory.ReadUint32Le(address - 4)
	if !ok {
		return "no string"
	}
	content, ok := memory.Read(address, min(size, maxScriptString)&^1)
	if !ok {
		return "no string"
	}
	units := make([]uint16, len(content)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(content[2*i:])
	}
	text, _ := visible([]byte(string(utf16.Decode(units))), maxScriptString)
	return text
}
