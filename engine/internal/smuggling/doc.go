// Package smuggling holds the tests for HTTP request smuggling, also called HTTP desync: do two servers in a row agree on
// where each request begins and ends? If they do not, an attacker can hide a request in another's body, or have somebody
// else be given an answer.
//
// A chain is a front, which faces the attacker, and a back, to which it forwards. Sluice is in front of Go's net/http, Node,
// nginx and itself, as a reverse proxy made of its two roles (proxy_test.go), and behind Go's httputil.ReverseProxy, nginx
// and HAProxy. Connections between front and back are used again, whoever's request comes next. Each run sends one payload
// (attacks_test.go, mutations of them, and the corpus of payloads that others wrote) on a connection of its own, and behind it a probe, a plain
// request. Front and back write down what they believe (ledger_test.go); the client hears what is answered (run_test.go).
//
// The front puts a field Tag into every request that it makes: the client's port, a dash, a number that rises. The back
// answers with the tag that it saw. So a request without a tag was hidden in another, and an answer says whose it is.
//
// # How to read a failure
//
// A finding (judge_test.go) says what is wrong, then what was sent, what was answered, and each request as both sides
// believe it to be:
//
//   - "the back saw a request that the front did not make": smuggled. Somewhere in the payload front and back count bytes
//     otherwise: the request that both know before it is where.
//   - "the lengths of the bodies differ", "the bodies differ", "only one side saw the end of the body": front and back frame
//     one message in two ways. The lines "front made" and "back saw" show where they part.
//   - "the back sent more answers than it was asked for", "the front made 3 requests that were refused, the back refused 4
//     messages": what was left of a message was taken for another.
//   - "an answer came that was not due", "the request was given the answer to": answers got to somebody else.
//   - "Sluice has to refuse this", "Sluice has to serve this": the payload's mark in attacks_test.go, or the corpus, says so,
//     after RFC 9112.
//
// Whether Sluice is at fault depends on who departs from RFC 9112 sections 6 and 7. Alone a payload is sent by
//
//	go test ./engine/internal/smuggling -run 'TestSluiceBehind/nginx$' -payload 'bare LF behind a field'
//
// and more mutations by -mutations and -seed. careless_test.go shows that all this finds what it is made for.
//
// In the table that is logged (go test -v) a payload is refused by the front when the front answered by itself and ended the
// connection, refused by the back when the back did so with a request that both framed alike, and agreed otherwise.
package smuggling
