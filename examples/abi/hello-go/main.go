//go:build wasip1

// Command hello-go is a handler that says hello.
package main

import (
	"runtime"
	"unsafe"

	"github.com/sluicehttp/sluice/sdk-go/abi"
)

// room is where the host writes requests. One that does not fit is answered 413 or 431 without us.
var (
	room   = make([]uint64, 64<<10/8)
	buffer = &abi.ReceiveBuffer{Base: address(unsafe.Pointer(unsafe.SliceData(room))), Size: 64 << 10}
)

//go:wasmexport receive_buffer
func receiveBuffer(size uint32) uintptr {
	if size > buffer.Size {
		return 0
	}
	return uintptr(unsafe.Pointer(buffer))
}

// READY without DATA_READY: the request comes in one piece, once it is complete.
//
//go:wasmexport subscriptions
func subscriptions() uint32 {
	return uint32(abi.SubscriptionsReady)
}

var (
	contentType = []byte("content-type")
	textPlain   = []byte("text/plain; charset=utf-8")
	hello       = []byte("Hello from Go!\n")
)

//go:wasmexport on_event
func onEvent(session, event uint32, payload uintptr, payloadLen uint32) {
	fields := []abi.Field{{Name: bytesOf(contentType), Value: bytesOf(textPlain)}}
	abi.Send(abi.Session(session), 200, fields, hello)
	runtime.KeepAlive(fields)
}

func bytesOf(b []byte) abi.Bytes {
	return abi.Bytes{Ptr: address(unsafe.Pointer(unsafe.SliceData(b))), Len: uint32(len(b))}
}

// address is where p points as the host sees it. What lies there must be on the heap or global, for a stack can move.
func address(p unsafe.Pointer) uint32 { return uint32(uintptr(p)) }

// main never runs: the module is a library.
func main() {}
