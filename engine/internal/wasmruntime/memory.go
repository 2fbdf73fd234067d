package wasmruntime

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero/experimental"
)

// MemoryError says that an instance could not have the memory that it begins with.
type MemoryError struct{ Reason error }

func (e *MemoryError) Error() string { return "memory: " + e.Reason.Error() }

// Unwrap gives the reason.
func (e *MemoryError) Unwrap() error { return e.Reason }

// allocator makes the memory of one instance.
type allocator struct {
	limit  uint64 // in bytes
	memory *linearMemory
}

// with returns a context in which instantiation uses the allocator.
func (a *allocator) with(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, a)
}

// Allocate reserves what the memory may ever take. It cannot fail: a memory without addresses refuses to be sized.
func (a *allocator) Allocate(_, most uint64) experimental.LinearMemory {
	a.memory = &linearMemory{}
	a.memory.region, a.memory.err = reserve(min(most, a.limit))
	return a.memory
}

// explain turns wazero's panic over a memory that could not be had into an error.
func (a *allocator) explain(cause any) error {
	if a.memory != nil && a.memory.err != nil {
		return &MemoryError{a.memory.err}
	}
	return fmt.Errorf("instantiation failed: %v", cause)
}

func (a *allocator) free() {
	if a.memory != nil {
		a.memory.Free()
	}
}

// linearMemory is the memory of one instance: a range of addresses as long as the memory may become, of which only the
// bytes in use are backed by anything.
type linearMemory struct {
	region    []byte
	committed uint64 // how much of region may be touched, in bytes
	err       error  // why it could not be sized the last time
}

// Reallocate gives the memory a size in bytes. Nil, which makes the guest's memory.grow return -1, when it is too large or
// the system has no more.
func (m *linearMemory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.region)) {
		m.refuse(fmt.Errorf("%d bytes are more than the limit of %d", size, len(m.region)))
		return nil
	}
	if size > m.committed {
		if err := commit(m.region[m.committed:size]); err != nil {
			m.refuse(err)
			return nil
		}
		m.committed = size
	}
	return m.region[:size:size]
}

// refuse keeps the first reason: a reservation that failed makes every size too large.
func (m *linearMemory) refuse(err error) {
	if m.err == nil {
		m.err = err
	}
}

// Free gives the memory back. No byte of it may be touched afterwards.
func (m *linearMemory) Free() {
	release(m.region)
	*m = linearMemory{}
}
