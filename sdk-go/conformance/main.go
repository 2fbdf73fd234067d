//go:build wasip1

// The program is a handler in Go's shape: what it exports. The rest is calls_gen.go.
package main

import (
	"unsafe"

	"github.com/sluicehttp/sluice/sdk-go/abi"
)

func main() {}

var (
	room   [512]uint64
	buffer abi.ReceiveBuffer
)

//go:wasmexport subscriptions
func subscriptions() uint32 { return uint32(abi.SubscriptionsReady | abi.SubscriptionsDone) }

//go:wasmexport receive_buffer
func receiveBuffer(size uint32) uintptr {
	if size > uint32(unsafe.Sizeof(room)) {
		return 0
	}
	buffer = abi.ReceiveBuffer{Base: uint32(uintptr(unsafe.Pointer(&room))), Size: uint32(unsafe.Sizeof(room))}
	return uintptr(unsafe.Pointer(&buffer))
}

//go:wasmexport on_event
func onEvent(session, event uint32, payload uintptr, payloadLen uint32) {}
