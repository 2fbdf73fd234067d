//go:build unix

package http1

import (
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
)

// TestPlainRoom has memory that cannot be read follow the room that the plain case needs.
func TestPlainRoom(t *testing.T) {
	const size = 64 << 10
	memory, err := syscall.Mmap(-1, 0, 2*size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(memory)
	if err := syscall.Mprotect(memory[size:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var input []byte
	defer func() {
		if fault := recover(); fault != nil {
			t.Fatalf("%q: %v", input, fault)
		}
	}()
	random := rand.New(rand.NewPCG(11, 12))
	h := newHeard(RoleServer, &DefaultLimits)
	for range 20000 {
		input = randomRequests(random)
		input = input[:random.IntN(len(input)+1)]
		name, value := strings.Repeat("a", random.IntN(40)), strings.Repeat("a", random.IntN(100))
		whole := withRoom(input, []byte(name+": "+value+"\r\n\r\n"))
		buffer := memory[size-cap(whole) : size]
		copy(buffer, whole[:cap(whole)])
		h.conn.Open(RoleServer, &DefaultLimits)
		h.receive(buffer[:len(input):cap(whole)], 0)
	}
}
