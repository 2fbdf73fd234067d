//go:build wasip1

package sluice

import (
	"unsafe"

	"github.com/sluicehttp/sluice/sdk-go/abi"
	"github.com/sluicehttp/sluice/sdk-go/internal/host"
)

// What the host calls. Both compilers' pragmas are there, and only types that both allow.

//export subscriptions
//go:wasmexport subscriptions
func subscriptions() int32 { return int32(subscribed) }

// buffer stays where it is, as the interface has it.
var buffer abi.ReceiveBuffer

//export receive_buffer
//go:wasmexport receive_buffer
func receiveBuffer(size int32) unsafe.Pointer {
	room := host.Room(uint32(size))
	buffer = abi.ReceiveBuffer{Base: host.Base(room), Size: uint32(len(room))}
	return unsafe.Pointer(&buffer)
}

//export on_event
//go:wasmexport on_event
func onEvent(session, kind int32, payload uintptr, payloadLen int32) {
	hear(Session(session), 1<<kind, host.At(abi.Bytes{Ptr: uint32(payload), Len: uint32(payloadLen)}))
}
