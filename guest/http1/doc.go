// Package http1 is Sluice's HTTP/1.1 core: it turns bytes into events and messages into bytes, for servers and for clients,
// and knows no socket, no clock and no goroutine (sans-IO). RFC 9110 and RFC 9112 rule; strict is its only mode. POLICY.md
// says what is decided where they leave a choice, STATES.md what may follow what, testdata/corpus shows each rule.
//
// One file holds one idea, and each builds on those before it:
//
//	grammar.go      which bytes may stand where: tables
//	words.go        tests of eight bytes at a time
//	records.go      records, written a word at a time
//	errors.go       the status that answers each error
//	limits.go       what bounds a message
//	state.go        the tables of transitions: what may follow what, on both sides of an exchange, for both roles
//	target.go       the forms of a request target, and authorities
//	header.go       the few fields that mean something to the core: framing, routing, the connection
//	conn.go         a connection, its role, and the cycle of messages on it
//	reader.go       bytes to events: one call, and bodies by length
//	requestline.go  the start line of a request
//	statusline.go   the start line of an answer
//	section.go      header sections, and what they say of the body
//	plain.go        requests that are whole and plain, as nearly all are, with few jumps
//	chunk.go        bytes to events: chunked bodies and trailers
//	writer.go       messages to bytes: heads of answers, pieces of body, trailers
//	interim.go      informational answers, and the one that leaves HTTP
//	request.go      heads of requests
//	reason.go       the phrases that go with statuses
//
// abi_gen.go holds the records and numbers that cross into the host, generated from abi/events.witx.
//
// The package compiles to WebAssembly with mainline Go and with TinyGo, and natively for tests, fuzzing and hosts that
// want speed before isolation. Nothing here allocates. Spans are offsets into the bytes a call was given; the reader
// copies none. Only words.go uses unsafe, to look at bytes behind those that came: plain.go says which, and that they mean
// nothing.
package http1
