package llhttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// memoryLimit bounds the memory of an instance in bytes. The module begins with 128 KiB and grows with its input.
const memoryLimit = 64 << 20

// importModule is the name of the module that llhttp imports its callbacks from.
const importModule = "env"

// callbacks are the functions that llhttp calls, by name. What they leave in stack[0] is the result: 0 goes on parsing.
type callbacks map[string]api.GoFunc

// library is llhttp compiled, with callbacks to call.
type library struct {
	runtime  *wasmruntime.Runtime
	compiled wazero.CompiledModule
}

// open compiles a build with the settings that our core is compiled with.
func open(ctx context.Context, build Build, callbacks callbacks) (l library, err error) {
	module, err := build.module()
	if err != nil {
		return l, err
	}
	if l.runtime, err = wasmruntime.New(ctx, wasmruntime.Config{}); err != nil {
		return l, err
	}
	if l.compiled, err = l.runtime.Compile(ctx, module); err == nil {
		err = l.register(ctx, callbacks)
	}
	if err != nil {
		return l, errors.Join(fmt.Errorf("%s: %w", build, err), l.runtime.Close(ctx))
	}
	return l, nil
}

// register makes the callbacks importable, all that the module asks for.
func (l library) register(ctx context.Context, callbacks callbacks) error {
	builder := l.runtime.NewHostModule(importModule)
	for _, wanted := range l.compiled.ImportedFunctions() {
		module, name, _ := wanted.Import()
		callback, ok := callbacks[name]
		if module != importModule || !ok {
			return fmt.Errorf("it imports %s.%s, which nothing here implements", module, name)
		}
		builder.NewFunctionBuilder().
			WithName(name).
			WithGoFunction(callback, wanted.ParamTypes(), wanted.ResultTypes()).
			Export(name)
	}
	_, err := builder.Instantiate(ctx)
	return err
}

// instance is one instance of the module with one parser in its memory, an llhttp_t. It belongs to one goroutine.
type instance struct {
	ctx context.Context // of every call

	module api.Module
	memory api.Memory
	stack  [3]uint64

	parser  uint64 // its address
	execute api.Function

	// The input lies in a buffer of the module's memory.
	buffer uint32 // its address
	room   int    // its size in bytes
}

// start makes an instance whose parser reads messages of a kind. Callbacks are given the context, which is that of every
// call.
func (l library) start(ctx context.Context, kind Kind) (i instance, err error) {
	i.ctx = ctx
	if i.module, err = l.runtime.Instantiate(i.ctx, l.compiled, wazero.NewModuleConfig(), memoryLimit); err != nil {
		return i, err
	}
	i.memory, i.execute = i.module.Memory(), i.module.ExportedFunction("llhttp_execute")
	if _, err = i.call("_initialize"); err == nil {
		i.parser, err = i.call("llhttp_alloc", uint64(kind))
	}
	if err != nil {
		return i, errors.Join(err, i.close())
	}
	return i, nil
}

func (i *instance) close() error { return i.module.Close(context.Background()) }

// call calls an export that is not called often enough to be kept. The result is 0 when the export has none.
func (i *instance) call(name string, params ...uint64) (uint64, error) {
	function := i.module.ExportedFunction(name)
	if function == nil {
		return 0, fmt.Errorf("llhttp has no export %q", name)
	}
	results, err := function.Call(i.ctx, params...)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return results[0], nil
}

// load puts input into the buffer, which grows as it has to.
func (i *instance) load(input []byte) error {
	if len(input) > i.room || i.room == 0 {
		if err := i.grow(max(len(input), 4<<10)); err != nil {
			return err
		}
	}
	if !i.memory.Write(i.buffer, input) {
		return fmt.Errorf("llhttp has no %d bytes at %d", len(input), i.buffer)
	}
	return nil
}

// grow takes a buffer of size bytes in place of the present one.
func (i *instance) grow(size int) error {
	i.room = 0
	if _, err := i.call("free", uint64(i.buffer)); err != nil {
		return err
	}
	address, err := i.call("malloc", uint64(size))
	if err != nil {
		return err
	}
	if i.buffer = uint32(address); i.buffer == 0 {
		return fmt.Errorf("llhttp has no memory for %d bytes of input", size)
	}
	i.room = size
	return nil
}

// run parses the first size bytes of the buffer and gives llhttp's error number, 0 for none.
func (i *instance) run(size int) (errno uint64, err error) {
	i.stack = [3]uint64{i.parser, uint64(i.buffer), uint64(size)}
	if err := i.execute.CallWithStack(i.ctx, i.stack[:]); err != nil {
		return 0, err
	}
	return i.stack[0], nil
}

// text reads the string of C that an export returns the address of. A null pointer is an empty string.
func (i *instance) text(export string, param uint64) (string, error) {
	address, err := i.call(export, param)
	if err != nil || address == 0 {
		return "", err
	}
	rest, ok := i.memory.Read(uint32(address), i.memory.Size()-uint32(address))
	end := bytes.IndexByte(rest, 0)
	if !ok || end < 0 {
		return "", fmt.Errorf("%s returned %d, where no string is", export, address)
	}
	return string(rest[:end]), nil
}
