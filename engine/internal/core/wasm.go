package core

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	goruntime "runtime"
	"unsafe"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
	"github.com/sluicehttp/sluice/guest/http1"
)

// Binary is the core as a WebAssembly module. It is committed, and `./build.sh check` proves that it is what ./guest
// compiles to.
//
//go:embed core.wasm
var Binary []byte

// maxConnections is the most that the core takes, from abi/events.witx.
const maxConnections = 1 << 20

// memoryLimit bounds the core's memory in bytes. It is reserved at once, so that the memory never moves and the views
// into it hold, and costs nothing until it is used.
const memoryLimit = 512 << 20

// sandboxed is the core in its sandbox. Its functions are looked up once: a lookup costs a hundred times a call.
type sandboxed struct {
	ctx    context.Context
	module api.Module
	stack  [6]uint64

	openFunc, receiveFunc, restrictFunc, advanceFunc, queryFunc   api.Function
	frameHeadFunc, frameDataFunc, frameEndFunc, frameTrailersFunc api.Function
	frameInformationalFunc, frameUpgradeFunc, frameRequestFunc    api.Function
}

// WasmMaker makes cores that run in a sandbox. The module is compiled once for all of them.
func WasmMaker(ctx context.Context, runtime *wasmruntime.Runtime, config Config) (Maker, error) {
	if !littleEndian() {
		return nil, errors.New("the sandboxed core needs a little-endian processor; use the native core")
	}
	// Where handlers are compiled in this process it is on one goroutine, so that a panic of the compiler can be contained.
	// The core is our own.
	ctx = experimental.WithCompilationWorkers(ctx, goruntime.GOMAXPROCS(0))
	compiled, err := runtime.CompileTrusted(ctx, Binary)
	if err != nil {
		return nil, fmt.Errorf("core.wasm: %w", err)
	}
	return func(onBroken func(error)) (*Core, error) {
		core, err := startSandboxed(runtime, compiled, config)
		if err != nil {
			return nil, fmt.Errorf("core.wasm: %w", err)
		}
		core.onBroken = onBroken
		return core, nil
	}, nil
}

// startSandboxed makes an instance of the compiled core.
func startSandboxed(runtime *wasmruntime.Runtime, compiled wazero.CompiledModule, config Config) (*Core, error) {
	// Calls outlive the context of the start, and wazero asks their context for values: the plainest is the fastest.
	ctx := context.Background()
	module, err := runtime.Instantiate(ctx, compiled, wazero.NewModuleConfig(), memoryLimit)
	if err != nil {
		return nil, err
	}
	s := &sandboxed{ctx: ctx, module: module}
	core, err := s.start(config)
	if err != nil {
		_ = module.Close(ctx)
		return nil, err
	}
	return core, nil
}

// littleEndian reports whether records can be read where the core wrote them.
func littleEndian() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) == 1 }

// start runs the module's own initialization and sets the core up.
func (s *sandboxed) start(config Config) (*Core, error) {
	for _, name := range []string{"_initialize", "_start"} {
		if initialize := s.module.ExportedFunction(name); initialize != nil {
			if _, err := initialize.Call(s.ctx); err != nil {
				return nil, err
			}
			break
		}
	}
	return s.setup(config)
}

// setup looks up the functions, has the core lay out its memory, and takes views of it.
func (s *sandboxed) setup(config Config) (*Core, error) {
	functions := map[string]*api.Function{
		"open": &s.openFunc, "receive": &s.receiveFunc, "restrict": &s.restrictFunc, "advance": &s.advanceFunc, "query": &s.queryFunc,
		"frame_head": &s.frameHeadFunc, "frame_data": &s.frameDataFunc, "frame_end": &s.frameEndFunc,
		"frame_trailers": &s.frameTrailersFunc, "frame_informational": &s.frameInformationalFunc,
		"frame_upgrade": &s.frameUpgradeFunc, "frame_request": &s.frameRequestFunc,
	}
	for name, function := range functions {
		if *function = s.module.ExportedFunction(name); *function == nil {
			return nil, fmt.Errorf("no export %q", name)
		}
	}
	results, err := s.module.ExportedFunction("setup").Call(s.ctx, uint64(config.Connections))
	if err != nil {
		return nil, err
	}
	address := uint32(results[0])
	if address == 0 {
		return nil, fmt.Errorf("%d connections; a core takes 1 to %d", config.Connections, maxConnections)
	}
	memory, ok := s.module.Memory().Read(0, s.module.Memory().Size())
	if !ok || uint64(address)+abi.LayoutSize > uint64(len(memory)) {
		return nil, fmt.Errorf("layout at %d outside of the memory", address)
	}
	var layout abi.Layout
	layout.Load(memory[address:])
	views, err := mapLayout(memory, &layout)
	if err != nil {
		return nil, err
	}
	return newCore(config, views, s), nil
}

// mapLayout takes the views that a layout describes.
func mapLayout(memory []byte, layout *abi.Layout) (views shared, err error) {
	m := mapper{memory: memory}
	views = shared{
		limits:  &mapRecords[http1.Limits](&m, layout.Limits, 1)[0],
		fields:  mapRecords[http1.FieldSpan](&m, layout.InputFields, layout.InputFieldCount),
		input:   m.bytes(layout.Input, layout.InputSize),
		output:  m.bytes(layout.Output, layout.OutputSize),
		framing: &mapRecords[http1.Framing](&m, layout.Framing, 1)[0],
		state:   &mapRecords[http1.ConnectionState](&m, layout.ConnectionState, 1)[0],
		date:    m.bytes(layout.Date, uint32(dateSize)),
		table:   make([]Slot, layout.SlotCount),
	}
	for i := range views.table {
		base := layout.Slots + uint32(i)*layout.SlotStride
		views.table[i] = Slot{
			Number:    uint32(i),
			Bytes:     m.bytes(base+layout.SlotBytes, layout.SlotSize),
			Events:    mapRecords[http1.EventRecord](&m, base+layout.SlotEvents, layout.SlotEventCount),
			Fields:    m.bytes(base+layout.SlotFields, layout.SlotFieldCount*uint32(unsafe.Sizeof(http1.FieldSpan{}))),
			reception: &mapRecords[http1.Reception](&m, base+layout.SlotReception, 1)[0],
		}
	}
	return views, m.err
}

// mapper takes views of a memory and remembers the first that lies outside of it.
type mapper struct {
	memory []byte
	err    error
}

// bytes is a view of size bytes.
func (m *mapper) bytes(address, size uint32) []byte {
	end := uint64(address) + uint64(size)
	if end > uint64(len(m.memory)) {
		m.err = fmt.Errorf("layout: %d bytes at %d lie outside of the memory of %d", size, address, len(m.memory))
		return make([]byte, size)
	}
	return m.memory[address:end:end]
}

// mapRecords is a view of count records, which lie in the memory as they lie in Go's.
func mapRecords[T any](m *mapper, address, count uint32) []T {
	var record T
	if align := uint32(unsafe.Alignof(record)); address%align != 0 {
		m.err = fmt.Errorf("layout: address %d is not aligned to %d", address, align)
		return make([]T, count)
	}
	bytes := m.bytes(address, count*uint32(unsafe.Sizeof(record)))
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(bytes))), count)
}

// call calls a function with the arguments in the stack and takes its errno.
func (s *sandboxed) call(function api.Function) (http1.Errno, error) {
	if err := function.CallWithStack(s.ctx, s.stack[:]); err != nil {
		return 0, err
	}
	return http1.Errno(s.stack[0]), nil
}

func (s *sandboxed) open(connection uint32, role http1.Role) (http1.Errno, error) {
	s.stack[0], s.stack[1] = uint64(connection), uint64(role)
	return s.call(s.openFunc)
}

func (s *sandboxed) receive(connection, slot, offset, size uint32, flags http1.ReceiveFlags) (http1.Errno, error) {
	s.stack = [6]uint64{uint64(connection), uint64(slot), uint64(offset), uint64(size), uint64(flags)}
	return s.call(s.receiveFunc)
}

func (s *sandboxed) frameHead(connection uint32, status http1.Status, fields uint32, length uint64, flags http1.HeadFlags) (http1.Errno, error) {
	s.stack = [6]uint64{uint64(connection), uint64(status), uint64(fields), length, uint64(flags)}
	return s.call(s.frameHeadFunc)
}

func (s *sandboxed) frameData(connection uint32, size uint64) (http1.Errno, error) {
	s.stack[0], s.stack[1] = uint64(connection), size
	return s.call(s.frameDataFunc)
}

func (s *sandboxed) frameEnd(connection uint32) (http1.Errno, error) {
	s.stack[0] = uint64(connection)
	return s.call(s.frameEndFunc)
}

func (s *sandboxed) frameTrailers(connection, fields uint32) (http1.Errno, error) {
	s.stack[0], s.stack[1] = uint64(connection), uint64(fields)
	return s.call(s.frameTrailersFunc)
}

func (s *sandboxed) frameInformational(connection uint32, status http1.Status, fields uint32) (http1.Errno, error) {
	s.stack[0], s.stack[1], s.stack[2] = uint64(connection), uint64(status), uint64(fields)
	return s.call(s.frameInformationalFunc)
}

func (s *sandboxed) frameUpgrade(connection, fields uint32) (http1.Errno, error) {
	s.stack[0], s.stack[1] = uint64(connection), uint64(fields)
	return s.call(s.frameUpgradeFunc)
}

func (s *sandboxed) frameRequest(connection, method, target, fields uint32, length uint64, flags http1.HeadFlags) (http1.Errno, error) {
	s.stack = [6]uint64{uint64(connection), uint64(method), uint64(target), uint64(fields), length, uint64(flags)}
	return s.call(s.frameRequestFunc)
}

func (s *sandboxed) restrict(connection, chunkLine, trailers, trailerFields uint32) (http1.Errno, error) {
	s.stack[0], s.stack[1], s.stack[2], s.stack[3] = uint64(connection), uint64(chunkLine), uint64(trailers), uint64(trailerFields)
	return s.call(s.restrictFunc)
}

func (s *sandboxed) advance(connection uint32, size uint64) (http1.Errno, error) {
	s.stack[0], s.stack[1] = uint64(connection), size
	return s.call(s.advanceFunc)
}

func (s *sandboxed) query(connection uint32) (http1.Errno, error) {
	s.stack[0] = uint64(connection)
	return s.call(s.queryFunc)
}

func (s *sandboxed) close() error { return s.module.Close(s.ctx) }
