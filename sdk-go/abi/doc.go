// Package abi is the binary interface between a handler written in Go and its host, as abi/REFERENCE.md describes it: the
// same names in Go's style, nothing added. Use it to write an SDK; a handler is easier to write on top of one.
//
// Addresses are uint32, in structs too, because mainline Go's pointers are wider than wasm's. The garbage collector does
// not see such an address: whoever stores one keeps what it points to alive until the call has returned
// (runtime.KeepAlive), and takes it of something on the heap, since a stack may move.
//
// A handler exports, with //go:wasmexport or TinyGo's //export:
//
//	subscriptions() uint32                                                     // a Subscriptions
//	receive_buffer(size uint32) uintptr                                        // of a ReceiveBuffer, or 0
//	on_event(session uint32, event uint32, payload uintptr, payloadLen uint32) // a Session, an Event
//
// Words in backquotes in the comments are names of abi/events.witx.
package abi
