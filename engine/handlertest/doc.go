// Package handlertest plays transcripts against a handler: what peers send, and what is due. The handler runs in its real
// sandbox, in a real engine; only the network is left out.
//
//	func TestHello(t *testing.T) {
//		wasm, err := os.ReadFile("hello.wasm")
//		if err != nil {
//			t.Fatal(err)
//		}
//		setup := handlertest.Setup{Handler: engine.Module{Name: "hello.wasm", Wasm: wasm}}
//		handlertest.Run(t, setup, "http", "./hello.transcript.md")
//	}
//
// Programs that are no tests call [Check]. `sluice test hello.wasm` does.
//
// # Suites
//
// A suite is a Markdown file. [Names] lists those that are built in: "http" is what every handler has to keep, whatever it
// answers, and the others are what the examples of the same names have to do. A case begins with a heading of the second level.
// What it does stands in fenced blocks, which are played in their order; everything else is prose.
//
//	## A name is greeted
//
//	```send
//	GET /?name=Ada HTTP/1.1
//	Host: test
//	```
//
//	```receive
//	200
//	Content-Type: text/plain; charset=utf-8
//
//	Hello, Ada!\n
//	```
//
// Bytes are written as they are where they can be seen, and else as \r, \n, \t, \0, \xHH; a backslash is \\. \{text*count}
// repeats, and \{mod 251*count} counts: byte i of it is i modulo 251. Lines of a head end with CRLF. Where a line of a body ends
// nothing is added, so a line feed is written.
//
// There are blocks of five kinds:
//
//   - send: a request. An empty line ends its head. "Content-Length: *" is the length of the body. With "Transfer-Encoding:
//     chunked" each line of the body is a chunk, and what follows another empty line are trailers.
//   - receive: a status, fields, and behind an empty line the body that is due, and behind another one trailers. What is not
//     named does not matter.
//   - peer: what else the peer does, a line each: wait, abort, half-close, connect, closed, sent below.
//   - log: what is due of the log, a line each: printed, stdout, stderr or fault with a pattern, nothing printed, memory below.
//   - events: what the handler is due to hear of a request, such as "DATA_READY 5 bytes", and below it, indented, the calls
//     that it makes then, such as "send_data 5 bytes → success". What the handler does not subscribe to is not compared.
//
// A case has one connection, or with the setting @name one for each name.
//
// docs/testing.md has all of it, with the settings that may stand behind send and receive.
//
// Whatever a transcript says, no fault may be logged that a log block does not name, nothing may come that is not due, and the
// engine must be done with every request when its peer has gone. Everything that is waited for is waited for a limited time,
// [Setup.Timeout].
//
// The files: suite.go reads the file of a suite, notation.go bytes, message.go requests, receive.go what is due of answers.
// check.go serves the handler; play.go plays a case with the client's end of a connection, peer.go, on sockets that need no
// network, listener.go. log.go is what the engine logs meanwhile, history.go what the handler hears and does, events.go and
// matching.go what is due of that; diff.go shows what differs, run.go is for tests.
package handlertest
