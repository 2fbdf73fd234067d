package smuggling

import (
	"fmt"
	"strings"
)

// attacks are payloads of our own, by theme. Where not said otherwise Sluice has to refuse them.
func attacks() (all []*payload) {
	for _, list := range [][]*payload{
		conflicts(), codings(), lengths(), chunks(), trailers(), lines(), heads(), targets(), versions(), expectations(), served(),
	} {
		all = append(all, list...)
	}
	return all
}

// refuse and serve are payloads that Sluice has to refuse or to serve, either those that it may do either with.
func refuse(name, bytes string) *payload { return &payload{name: name, bytes: bytes, refused: true} }
func serve(name, bytes string) *payload  { return &payload{name: name, bytes: bytes, served: true} }
func either(name, bytes string) *payload { return &payload{name: name, bytes: bytes} }

// otherVersion marks a payload that a server may answer in another version of HTTP.
func otherVersion(p *payload) *payload {
	p.otherVersion = true
	return p
}

// Heads that many payloads begin with; further fields and the empty line follow.
const (
	get  = "GET / HTTP/1.1\r\nHost: h\r\n"
	post = "POST / HTTP/1.1\r\nHost: h\r\n"
	te   = "Transfer-Encoding: chunked\r\n"
)

// conflicts have two fields that frame.
func conflicts() []*payload {
	teCL := "\r\n" + hiddenChunk() + hidden + "\r\n0\r\n\r\n"
	return []*payload{
		refuse("CL.TE", post+"Content-Length: 6\r\n"+te+"\r\n0\r\n\r\nG"),
		refuse("CL.TE, hidden request", post+te+"Content-Length: 50\r\n\r\n0\r\n\r\n"+hidden),
		refuse("TE.CL", post+"Content-Length: 4\r\n"+te+teCL),
		refuse("TE.CL, the length behind", post+te+"Content-Length: 4\r\n"+teCL),
		refuse("TE.CL, length 0", post+te+"Content-Length: 0\r\n\r\n0\r\n\r\n"),
		refuse("CL.TE in HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nContent-Length: 5\r\n"+te+"\r\n0\r\n\r\n"),
		refuse("CL.TE, close", post+"Connection: close\r\nContent-Length: 5\r\n"+te+"\r\n0\r\n\r\n"+hidden),
		refuse("CL.TE, the coding named as hop-by-hop", post+"Connection: Transfer-Encoding\r\nContent-Length: 5\r\n"+te+"\r\n0\r\n\r\n"+hidden),
		refuse("two lengths, the longer first", post+"Content-Length: "+hiddenLength+"\r\nContent-Length: 0\r\n\r\n"+hidden),
		refuse("two lengths, the longer last", post+"Content-Length: 0\r\nContent-Length: "+hiddenLength+"\r\n\r\n"+hidden),
		refuse("two equal lengths", post+"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
		refuse("a list of lengths", post+"Content-Length: 3, 3\r\n\r\nabc"),
		refuse("a list of other lengths", post+"Content-Length: 0, "+hiddenLength+"\r\n\r\n"+hidden),
	}
}

// hiddenSize is the size of the hidden request in bytes.
var hiddenSize = len((&payload{bytes: hidden}).fill(0))

// hiddenChunk is the line in front of a chunk that holds the hidden request. It is 4 bytes long.
func hiddenChunk() string { return fmt.Sprintf("%02x\r\n", hiddenSize) }

// codings obscure a Transfer-Encoding. Whoever overlooks it takes the body for requests.
func codings() (all []*payload) {
	body := "\r\n" + hiddenChunk() + hidden + "\r\n0\r\n\r\n"
	for _, field := range []string{
		"Transfer-Encoding: chunked, chunked", "Transfer-Encoding: identity, chunked", "Transfer-Encoding: chunked, identity",
		"Transfer-Encoding: xchunked", "Transfer-Encoding: chunkedx", "Transfer-Encoding: chunked;q=1", "Transfer-Encoding: chunked ;",
		"Transfer-Encoding: \"chunked\"", "Transfer-Encoding: 'chunked'", "Transfer-Encoding: chunked\x00", "Transfer-Encoding: \x00chunked",
		"Transfer-Encoding: \x0bchunked", "Transfer-Encoding: chunked\x0b", "Transfer-Encoding: \x0cchunked", "Transfer-Encoding: chunked\x1f",
		"Transfer-Encoding: ,chunked", "Transfer-Encoding: chunked,", "Transfer-Encoding: ", "Transfer-Encoding: identity",
		"Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, gzip", "Transfer-Encoding: chun\xffked", "Transfer-Encoding: \xa0chunked",
		"Transfer-Encoding:\r\n chunked", "Transfer-Encoding: chunked\r\n x", " Transfer-Encoding: chunked", "Transfer-Encoding : chunked",
		"Transfer-Encoding\t: chunked", "Transfer-Encoding\x00: chunked", "Transfer-Encoding\x0b: chunked", "Transfer-Encoding\r: chunked",
		"Transfer-Encoding\n: chunked", "X: y\nTransfer-Encoding: chunked", "X: y\rTransfer-Encoding: chunked", "X: y\r\rTransfer-Encoding: chunked",
		"\x00Transfer-Encoding: chunked", "Transfer-Encoding: chunked\nX: y", "Transfer-Encoding: chunked\rX: y", ": chunked", "Transfer-Encoding chunked",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
	} {
		all = append(all,
			refuse(fmt.Sprintf("TE.TE %q", field), post+field+"\r\n"+body),
			refuse(fmt.Sprintf("TE.TE %q beside a length", field), post+"Content-Length: 4\r\n"+field+"\r\n"+body),
		)
	}
	// Names that look like it frame nothing: the bytes behind are the next message, and no good one.
	for _, field := range []string{"Transfer_Encoding: chunked", "TransferEncoding: chunked", "X-Transfer-Encoding: chunked", "TE: chunked", "Content-Encoding: chunked"} {
		all = append(all, refuse(fmt.Sprintf("TE.0 %q", field), post+field+"\r\n"+body))
	}
	return all
}

// lengths obscure a Content-Length: CL.0 and 0.CL.
func lengths() (all []*payload) {
	for _, field := range []string{
		"Content-Length: +{length}", "Content-Length: -{length}", "Content-Length: -0", "Content-Length: 0x20", "Content-Length: {length} 0",
		"Content-Length: 0 {length}", "Content-Length: {length}abc", "Content-Length: {length}.0", "Content-Length: 1e2", "Content-Length: 6_2",
		"Content-Length: \x0b{length}", "Content-Length: {length}\x00", "Content-Length: \x00{length}", "Content-Length: \"{length}\"", "Content-Length: ",
		"Content-Length: ,{length}", "Content-Length: {length},", "Content-Length: {length};", "Content-Length: 18446744073709551616",
		"Content-Length: 18446744073709551678", "Content-Length: 9223372036854775808", "Content-Length: 4294967296000000000000000062",
		"Content-Length: \xd9\xa6\xd9\xa2", "Content-Length : {length}", "Content-Length\t: {length}", " Content-Length: {length}", "Content-Length:\r\n {length}",
		"Content-Length: {length}\r\n 0", "Content-Length\x00: {length}", "X: y\nContent-Length: {length}", "X: y\rContent-Length: {length}",
		"Content-Length: {length}\nX: y", "Content-Length {length}", "Content-Length: {length}\rX: y",
	} {
		for _, head := range []string{get, post} {
			all = append(all, refuse(fmt.Sprintf("CL %q of a %s", field, head[:4]), head+field+"\r\n\r\n"+hidden))
		}
	}
	for _, method := range []string{"GET", "HEAD", "DELETE", "OPTIONS", "PUT", "FOO"} {
		head := method + " / HTTP/1.1\r\nHost: h\r\n"
		all = append(all,
			serve("CL.0 "+method, head+"Content-Length: {length}\r\n\r\n"+hidden),
			serve("CL.0 "+method+", leading zeros", head+"Content-Length: 0000{length}\r\n\r\n"+hidden),
			serve("CL.0 "+method+", white space", head+"Content-Length: \t {length} \t\r\n\r\n"+hidden),
			serve("TE.0 "+method, head+te+"\r\n"+hiddenChunk()+hidden+"\r\n0\r\n\r\n"),
			serve("CL.0 "+method+", the length named as hop-by-hop", head+"Connection: Content-Length\r\nContent-Length: {length}\r\n\r\n"+hidden),
		)
	}
	return append(all,
		either("CL.0 TRACE", "TRACE / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n"+hidden),
		refuse("0.CL, the body never comes", get+"Content-Length: 10000\r\n\r\n"+hidden),
		either("0.CL, a name with an underscore", post+"Content_Length: 3\r\n\r\nabc"),
		either("a byte behind the body", post+"Content-Length: 3\r\n\r\nabcX"),
	)
}

// chunks break the framing of chunks.
func chunks() (all []*payload) {
	head := post + te + "\r\n"
	for _, c := range [][2]string{
		{"bare LF behind the size", "3\nabc\r\n0\r\n\r\n"},
		{"bare LF behind the data", "3\r\nabc\n0\r\n\r\n"},
		{"bare LF everywhere", "3\nabc\n0\n\n"},
		{"bare CR behind the size", "3\rabc\r\n0\r\n\r\n"},
		{"CR CR LF behind the size", "3\r\r\nabc\r\n0\r\n\r\n"},
		{"bare LF behind the last size", "3\r\nabc\r\n0\n\r\n" + hidden},
		{"bare LF at the end", "3\r\nabc\r\n0\r\n\n" + hidden},
		{"bare CR at the end", "3\r\nabc\r\n0\r\n\r" + hidden},
		{"LF in an extension", "3;a\nb\r\nabc\r\n0\r\n\r\n"},
		{"LF behind a semicolon", "2;\nxx\r\n" + fmt.Sprintf("%x", hiddenSize+7) + "\r\n0\r\n\r\n" + hidden + "\r\n0\r\n\r\n"},
		{"CR in an extension", "3;a\rb\r\nabc\r\n0\r\n\r\n"},
		{"CR LF in a quoted extension", "3;a=\"\r\nabc\r\n0\r\n\r\n" + hidden},
		{"LF in a quoted extension", "3;a=\"\n\"\r\nabc\r\n0\r\n\r\n"},
		{"NUL in an extension", "3;a\x00\r\nabc\r\n0\r\n\r\n"},
		{"an extension without a name", "3;\r\nabc\r\n0\r\n\r\n"},
		{"an extension without a semicolon", "3 a\r\nabc\r\n0\r\n\r\n"},
		{"a space behind the size", "3 \r\nabc\r\n0\r\n\r\n"},
		{"a space before the size", " 3\r\nabc\r\n0\r\n\r\n"},
		{"a tab before the size", "\t3\r\nabc\r\n0\r\n\r\n"},
		{"0x", "0x3\r\nabc\r\n0\r\n\r\n"},
		{"plus", "+3\r\nabc\r\n0\r\n\r\n"},
		{"minus", "-3\r\nabc\r\n0\r\n\r\n"},
		{"minus zero", "3\r\nabc\r\n-0\r\n\r\n"},
		{"an underscore", "0_3\r\nabc\r\n0\r\n\r\n"},
		{"a leading underscore", "_3\r\nabc\r\n0\r\n\r\n"},
		{"a letter", "3g\r\nabc\r\n0\r\n\r\n"},
		{"h", "3h\r\nabc\r\n0\r\n\r\n"},
		{"a comma", "3,\r\nabc\r\n0\r\n\r\n"},
		{"a NUL", "3\x00\r\nabc\r\n0\r\n\r\n"},
		{"no size", "\r\nabc\r\n0\r\n\r\n"},
		{"more than 64 bits", "10000000000000003\r\nabc\r\n0\r\n\r\n"},
		{"64 bits", "8000000000000003\r\nabc\r\n0\r\n\r\n"},
		{"more than 32 bits", "100000003\r\nabc\r\n0\r\n\r\n"},
		{"more than 128 bits", "100000000000000000000000000000003\r\nabc\r\n0\r\n\r\n"},
		{"data longer than the size", "3\r\nabcX\r\n0\r\n\r\n"},
		{"data longer, spilling a chunk", "5\r\nabcdeXX2\r\nab\r\n0\r\n\r\n"},
		{"data shorter than the size", "5\r\nabc\r\n0\r\n\r\n"},
		{"no line end behind the data", "3\r\nabc0\r\n\r\n"},
		{"the last chunk alone", "3\r\nabc\r\n0\r\n"},
		{"nothing behind the data", "3\r\nabc\r\n"},
		{"a hidden request in place of the last", "3\r\nabc\r\n" + hidden},
		{"an extension that is too long", "3;a=" + strings.Repeat("x", 5000) + "\r\nabc\r\n0\r\n\r\n"},
		{"fullwidth digits", "\xef\xbc\x93\r\nabc\r\n0\r\n\r\n"},
		{"a semicolon in front", ";3\r\nabc\r\n0\r\n\r\n"},
	} {
		all = append(all, refuse("chunks, "+c[0], head+c[1]))
	}
	for _, c := range [][2]string{
		{"extensions", "3;a;b=c;d=\"e\\\"; f\"\r\nabc\r\n0;g\r\n\r\n"},
		{"leading zeros", "0000000000000000000003\r\nabc\r\n000\r\n\r\n"},
		{"capitals", "A\r\n0123456789\r\n0\r\n\r\n"},
		{"a hidden request", fmt.Sprintf("%X\r\n", hiddenSize) + hidden + "\r\n0\r\n\r\n"},
		{"a large chunk", "11170\r\n" + strings.Repeat("0123456789abcdef", 0x1117) + "\r\n0\r\n\r\n"},
		{"many small chunks", strings.Repeat("1\r\nx\r\n", 500) + "0\r\n\r\n"},
		{"an empty body", "0\r\n\r\n"},
	} {
		all = append(all, serve("chunks, "+c[0], head+c[1]))
	}
	return all
}

// trailers put into trailers what belongs into a head.
func trailers() (all []*payload) {
	head := post + te + "\r\n3\r\nabc\r\n0\r\n"
	for _, field := range []string{
		"Content-Length: {length}", "Transfer-Encoding: chunked", "Host: other", "Connection: close", "Trailer: X", "X : y", " X: y", "X: y\r\n z",
		"X: y\nZ: z", "X: y\rZ: z", "X: \x00", "X", ": y", "X: y\n", "\nX: y", "Expect: 100-continue", "Upgrade: x",
	} {
		all = append(all, refuse(fmt.Sprintf("trailer %q", field), head+field+"\r\n\r\n"+hidden))
	}
	return append(all,
		serve("trailers", head+"X: y\r\nContent-MD5: z\r\n\r\n"),
		refuse("many trailers", head+strings.Repeat("X: y\r\n", 40)+"\r\n"),
		refuse("trailers without an end", head+"X: y\r\n"),
		refuse("the probe as trailers", head+"X: y"),
	)
}

// lines end otherwise than they should.
func lines() []*payload {
	return []*payload{
		refuse("bare LF everywhere", "GET / HTTP/1.1\nHost: h\n\n"),
		refuse("bare LF behind the start line", "GET / HTTP/1.1\nHost: h\r\n\r\n"),
		refuse("bare LF behind a field", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n"),
		refuse("bare LF at the end of the head", get+"\n"+hidden),
		refuse("bare CR behind a field", "GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n"),
		refuse("bare CR at the end of the head", get+"\r"+hidden),
		refuse("CR CR LF", "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n"),
		refuse("CR CR LF at the end of the head", get+"\r\r\n"+hidden),
		refuse("LF CR", "GET / HTTP/1.1\n\rHost: h\n\r\n\r"),
		refuse("a leading LF", "\n"+get+"\r\n"),
		refuse("a leading CR", "\r"+get+"\r\n"),
		refuse("a leading space", " "+get+"\r\n"),
		refuse("a leading NUL", "\x00"+get+"\r\n"),
		refuse("a byte order mark", "\xef\xbb\xbf"+get+"\r\n"),
		refuse("a folded first line", "GET / HTTP/1.1\r\n Host: h\r\nHost: h\r\n\r\n"),
		refuse("a folded field", get+"X: y\r\n z\r\n\r\n"),
		refuse("a folded field with a tab", get+"X: y\r\n\tContent-Length: {length}\r\n\r\n"+hidden),
		refuse("a fold of nothing", get+"X: y\r\n \r\n\r\n"),
		refuse("a vertical tab as a line end", "GET / HTTP/1.1\x0bHost: h\r\n\r\n"),
		refuse("NEL as a line end", "GET / HTTP/1.1\xc2\x85Host: h\r\n\r\n"),
		serve("leading empty lines", "\r\n\r\n"+get+"\r\n"),
	}
}

// heads have odd fields.
func heads() []*payload {
	return []*payload{
		refuse("no colon", get+"X\r\n\r\n"),
		refuse("no name", get+": y\r\n\r\n"),
		refuse("a space in a name", get+"X Y: z\r\n\r\n"),
		refuse("a space before the colon", get+"X : y\r\n\r\n"),
		refuse("a NUL in a name", get+"X\x00: y\r\n\r\n"),
		refuse("a NUL in a value", get+"X: y\x00z\r\n\r\n"),
		refuse("a NUL in front of a hidden line", get+"X: y\x00\r\nContent-Length: {length}\r\n\r\n"+hidden),
		refuse("obs-text in a name", get+"X\xff: y\r\n\r\n"),
		refuse("a delimiter in a name", get+"X(): y\r\n\r\n"),
		refuse("a control character in a value", get+"X: \x01\r\n\r\n"),
		refuse("DEL in a value", get+"X: \x7f\r\n\r\n"),
		serve("obs-text in a value", get+"X: \xff\xfe\r\n\r\n"),
		serve("an encoded line end in a value", get+"X: %0d%0aContent-Length: 5\r\n\r\n"),
		serve("an empty value", get+"X:\r\n\r\n"),
		serve("a name with an underscore", get+"X_Y: z\r\n\r\n"),
		refuse("no Host", "GET / HTTP/1.1\r\n\r\n"),
		refuse("two Hosts", get+"Host: other\r\n\r\n"),
		refuse("two equal Hosts", get+"Host: h\r\n\r\n"),
		refuse("an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
		refuse("a space in Host", "GET / HTTP/1.1\r\nHost: h h\r\n\r\n"),
		refuse("a path in Host", "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n"),
		refuse("a userinfo in Host", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n"),
		refuse("a bad port in Host", "GET / HTTP/1.1\r\nHost: h:80x\r\n\r\n"),
		refuse("a list of Hosts", "GET / HTTP/1.1\r\nHost: h, other\r\n\r\n"),
		refuse("Host with white space before the colon", "GET / HTTP/1.1\r\nHost: h\r\nHost : other\r\n\r\n"),
		serve("Host named as hop-by-hop", get+"Connection: Host\r\n\r\n"),
		serve("the tag named as hop-by-hop", get+"Connection: Tag\r\n\r\n"),
		serve("a tag of the attacker's", get+"Tag: evil\r\n\r\n"),
		serve("several options", get+"Connection: keep-alive, X, ,Y\r\nX: y\r\nY: z\r\n\r\n"),
		refuse("an option that is no token", get+"Connection: \"close\"\r\n\r\n"),
		serve("a request for h2c", get+"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"),
		serve("a request for WebSocket", get+"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"),
		serve("an upgrade with a body", post+"Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: {length}\r\n\r\n"+hidden),
		serve("TE", get+"TE: trailers, chunked\r\nConnection: TE\r\n\r\n"),
		refuse("many fields", get+strings.Repeat("X: y\r\n", 200)+"\r\n"),
		refuse("a large head", get+strings.Repeat("X: "+strings.Repeat("y", 990)+"\r\n", 40)+"\r\n"),
		serve("a head of 16,000 bytes", get+strings.Repeat("X: "+strings.Repeat("y", 990)+"\r\n", 16)+"\r\n"),
	}
}

// targets have odd forms.
func targets() []*payload {
	line := func(target string) string { return "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n" }
	return []*payload{
		serve("an absolute target", line("http://other/x?y")),
		serve("an absolute target without a path", line("http://other")),
		serve("an absolute target with a query alone", line("http://other?y")),
		serve("an absolute target with another scheme", line("https://other:443/")),
		refuse("an absolute target with a userinfo", line("http://h@other/")),
		refuse("an absolute target without an authority", line("http:///x")),
		refuse("an absolute target with two ports", line("http://h:80:90/")),
		refuse("an absolute target, no Host", "GET http://other/ HTTP/1.1\r\n\r\n"),
		refuse("an absolute target, two Hosts", "GET http://other/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
		serve("two slashes", line("//other/x")),
		serve("an encoded line end", line("/%0d%0aX:%20y%0d%0a%0d%0aGET%20/hidden")),
		serve("encoded NUL and slash", line("/%00%2f..%2f")),
		serve("dots", line("/a/../../b/./c")),
		serve("backslashes", line("/\\..\\x")),
		refuse("a fragment and a space", line("/#a b")),
		refuse("no slash", line("x")),
		refuse("an asterisk", line("*")),
		refuse("an authority", line("h:80")),
		refuse("a control character", line("/\x01")),
		refuse("a tab", line("/\tx")),
		refuse("a NUL", line("/\x00")),
		refuse("obs-text", line("/\xff")),
		refuse("a request in a target", "GET /x HTTP/1.1\r\nGET /y HTTP/1.1\r\nHost: h\r\n\r\n"),
		refuse("a target that holds a version", "GET / HTTP/1.1 HTTP/1.1\r\nHost: h\r\n\r\n"),
		refuse("a long target", line("/"+strings.Repeat("x", 9000))),
		serve("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"),
		refuse("CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n"+hidden),
		refuse("CONNECT with a body", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\nContent-Length: {length}\r\n\r\n"+hidden),
	}
}

// versions have odd versions and methods.
func versions() []*payload {
	body := "\r\n" + hiddenChunk() + hidden + "\r\n0\r\n\r\n"
	return []*payload{
		refuse("TE in HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\n"+te+body),
		refuse("TE in HTTP/1.0, kept alive", "POST / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n"+te+body),
		serve("HTTP/1.0, hidden request behind", "GET / HTTP/1.0\r\nHost: h\r\n\r\n"+hidden),
		serve("HTTP/1.0, kept alive", "GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"),
		serve("HTTP/1.0, a body", "POST / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nContent-Length: {length}\r\n\r\n"+hidden),
		serve("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n"),
		otherVersion(refuse("HTTP/0.9", "GET /\r\n")),
		otherVersion(refuse("HTTP/0.9 with fields", "GET /\r\nHost: h\r\n\r\n")),
		serve("HTTP/1.9", "GET / HTTP/1.9\r\nHost: h\r\n\r\n"),
		refuse("HTTP/2.0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n"),
		otherVersion(refuse("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")),
		refuse("HTTP/1.10", "GET / HTTP/1.10\r\nHost: h\r\n\r\n"),
		refuse("HTTP/1.", "GET / HTTP/1.\r\nHost: h\r\n\r\n"),
		refuse("HTTP/01.1", "GET / HTTP/01.1\r\nHost: h\r\n\r\n"),
		refuse("HTTP/+1.1", "GET / HTTP/+1.1\r\nHost: h\r\n\r\n"),
		refuse("HTTP/1.1x", "GET / HTTP/1.1x\r\nHost: h\r\n\r\n"),
		refuse("http/1.1", "GET / http/1.1\r\nHost: h\r\n\r\n"),
		refuse("HTTPS/1.1", "GET / HTTPS/1.1\r\nHost: h\r\n\r\n"),
		refuse("a space behind the version", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"),
		refuse("two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"),
		refuse("a tab", "GET\t/\tHTTP/1.1\r\nHost: h\r\n\r\n"),
		refuse("a colon in a method", "GET: / HTTP/1.1\r\nHost: h\r\n\r\n"),
		refuse("a NUL in a method", "G\x00T / HTTP/1.1\r\nHost: h\r\n\r\n"),
		either("a method in lower case", "post / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n"+hidden),
	}
}

// expectations play with Expect: a front that waits or does not wait for 100 (Continue) may lose its place.
func expectations() (all []*payload) {
	const length = "Content-Length: {length}\r\n"
	for _, field := range []string{"Expect: x", "Expect: y 100-continue", "Expect: 100-continue, x", "Expect: 100-continue\r\n x", "Expect:\r\n 100-continue", " Expect: 100-continue", "Expect : 100-continue", "Expect: \x00100-continue", "Expect: 100-continue=1", "Expect: "} {
		all = append(all, refuse(fmt.Sprintf("%q", field), post+length+field+"\r\n\r\n"+hidden))
	}
	return append(all,
		serve("Expect, the body at once", post+length+"Expect: 100-continue\r\n\r\n"+hidden),
		serve("Expect in capitals", post+length+"Expect: 100-CONTINUE\r\n\r\n"+hidden),
		serve("Expect twice", post+length+"Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n"+hidden),
		serve("Expect of a GET", get+length+"Expect: 100-continue\r\n\r\n"+hidden),
		serve("Expect in chunks", post+te+"Expect: 100-continue\r\n\r\n"+hiddenChunk()+hidden+"\r\n0\r\n\r\n"),
		serve("Expect without a body", get+"Expect: 100-continue\r\n\r\n"),
		serve("Expect of length 0", post+"Content-Length: 0\r\nExpect: 100-continue\r\n\r\n"),
		serve("Expect in HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n"+length+"Expect: 100-continue\r\n\r\n"+hidden),
		serve("Expect named as hop-by-hop", post+length+"Connection: Expect\r\nExpect: 100-continue\r\n\r\n"+hidden),
		either("Expect, a byte behind the body", post+"Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabcX"),
	)
}

// served are requests that have to be told apart, and others that end a connection.
func served() []*payload {
	all := []*payload{
		serve("one request", get+"\r\n"),
		serve("pipelined", strings.Repeat(get+"\r\n", 10)),
		serve("pipelined with bodies", strings.Repeat(post+"Content-Length: {length}\r\n\r\n"+hidden, 5)),
		serve("pipelined in chunks", strings.Repeat(post+te+"\r\n"+hiddenChunk()+hidden+"\r\n0\r\nX: y\r\n\r\n", 5)),
		serve("a request hidden in a body", post+"Content-Length: {length}\r\n\r\n"+hidden),
		serve("a request hidden in a chunk", post+te+"\r\n"+hiddenChunk()+hidden+"\r\n0\r\n\r\n"),
		serve("HEAD", "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"),
		serve("a body of 100,000 bytes", post+"Content-Length: 100000\r\n\r\n"+strings.Repeat("0123456789", 10000)),
		serve("close, hidden request behind", get+"Connection: close\r\n\r\n"+hidden),
		serve("close, a body, hidden request behind", post+"Connection: close\r\nContent-Length: 3\r\n\r\nabc"+hidden),
	}
	for _, p := range all {
		p.plain = true
	}
	return append(all,
		serve("empty lines between", get+"\r\n\r\n\r\n"),
		refuse("a broken one behind a good one", get+"\r\nGET / HTTP/1.1\r\n\r\n"),
	)
}
