// Package http1 is Sluice's HTTP/1.1 core: it turns bytes into events and answers into bytes, and knows no socket, no
// clock and no goroutine (sans-IO). RFC 9110 and RFC 9112 rule; strict is its only mode.
//
// One file holds one idea, and each builds on those before it:
//
//	grammar.go  which bytes may stand where: tables, and tests of eight bytes at a time
//	errors.go   the status that answers each error
//	limits.go   what bounds a message
//	state.go    the tables of transitions: what may follow what, on both sides of an exchange
//	target.go   the forms of a request target, and authorities
//	header.go   the few fields that mean something to the core: framing, routing, the connection
//	conn.go     a connection, and the cycle of messages on it
//	reader.go   bytes to events: start line, fields, body by length
//	plain.go    the same for lines that are whole and plain, as nearly all are, a word at a time
//	chunk.go    bytes to events: chunked bodies and trailers
//	writer.go   answers to bytes: heads and chunk framing
//	reason.go   the phrases that go with statuses
//
// abi_gen.go holds the records and numbers that cross into the host, generated from abi/events.witx.
//
// The package compiles to WebAssembly with mainline Go and with TinyGo, and natively for tests, fuzzing and hosts that
// want speed before isolation. Nothing here allocates. Spans are offsets into the bytes a call was given; the reader
// copies none.
package http1
