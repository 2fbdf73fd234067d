package differential

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/guest/http1"
)

// FuzzReadRequest compares our reader with http.ReadRequest of Go: what both accept they must take for the same, above all
// where a body ends; what only one accepts must belong to a class.
func FuzzReadRequest(f *testing.F) {
	for _, input := range slices.Concat(inputs, readRequestInputs, llhttpInputs, oddInputs(50, oddRequests)) {
		f.Add([]byte(input))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) <= maxFuzzed {
			compareReadRequest(t, input, tally{})
		}
	})
}

// TestReadRequest compares the readers on the inputs of the corpora and on odd ones, and shows a disagreement of every class.
func TestReadRequest(t *testing.T) {
	met := tally{}
	seeds := slices.Concat(inputs, readRequestInputs, llhttpInputs)
	for _, input := range slices.Concat(seeds, corpusInputs(t), oddInputs(10_000, oddRequests), everyByte(plainRequest)) {
		compareReadRequest(t, []byte(input), met)
	}
	met.log(t, readRequestClasses)
}

// compareReadRequest compares request by request until one of the readers stops.
func compareReadRequest(t *testing.T, input []byte, met tally) {
	t.Helper()
	ours := readRequests(input)
	theirs := newGoReader(input)
	for i := 0; ; i++ {
		d := &disagreement{input: input, from: theirs.position(), ours: ours}
		if i < len(ours.messages) {
			d.message = &ours.messages[i]
		}
		theirs.skipEmptyLines()
		request, err := http.ReadRequest(theirs.buffer)
		if !d.agree(t, met, readRequestClasses, d.message != nil && d.message.headComplete, err == nil, fmt.Sprint(err)) {
			return
		}
		if difference := differentHead(d.message, request); difference != "" {
			t.Fatalf("input %q: %s", input, difference)
		}
		body, err := io.ReadAll(request.Body)
		if ends := min(len(body), len(d.message.body)); !bytes.Equal(body[:ends], d.message.body[:ends]) {
			t.Fatalf("input %q\nour body   %q\ntheir body %q", input, d.message.body, body)
		}
		if !d.agree(t, met, readRequestClasses, d.message.complete, err == nil, fmt.Sprint(err)) {
			return
		}
		if difference := differentBody(d.message, request, body, theirs.position()); difference != "" {
			t.Fatalf("input %q: %s", input, difference)
		}
		met["both accept"]++
		if request.Close {
			return // we discard what follows
		}
	}
}

// goReader is an input that http.ReadRequest reads from, and its place in it.
type goReader struct {
	input  *bytes.Reader
	buffer *bufio.Reader
}

// newGoReader has a buffer that holds all of the input: of a smaller one ReadRequest makes limits.
func newGoReader(input []byte) *goReader {
	source := bytes.NewReader(input)
	return &goReader{source, bufio.NewReaderSize(source, max(len(input), 1<<10)+1)}
}

func (g *goReader) position() int { return int(g.input.Size()) - g.input.Len() - g.buffer.Buffered() }

// skipEmptyLines skips the empty lines in front of a request, which Go leaves to its callers (RFC 9112 section 2.2).
func (g *goReader) skipEmptyLines() {
	for {
		if line, _ := g.buffer.Peek(2); string(line) != "\r\n" {
			return
		}
		_, _ = g.buffer.Discard(2)
	}
}

// differentHead tells what both take differently of a head.
func differentHead(m *message, request *http.Request) string {
	ours, theirs := goHeader(m), request.Header
	length := int64(m.length)
	if m.is(http1.EventFlagsChunked) {
		length = -1
	}
	for _, c := range []struct {
		what         string
		ours, theirs any
	}{
		{"method", m.method, request.Method},
		{"target", m.target, request.RequestURI},
		{"version", [2]int{m.major, m.minor}, [2]int{request.ProtoMajor, request.ProtoMinor}},
		{"authority", goAuthority(m), request.Host},
		{"fields", ours, theirs},
		{"length", length, request.ContentLength},
		{"chunked", m.is(http1.EventFlagsChunked), slices.Equal(request.TransferEncoding, []string{"chunked"})},
		{"close", !m.is(http1.EventFlagsKeepAlive), request.Close},
	} {
		if !reflect.DeepEqual(c.ours, c.theirs) {
			return fmt.Sprintf("%s: ours %#v, theirs %#v", c.what, c.ours, c.theirs)
		}
	}
	return ""
}

// goAuthority is the authority as Go has it: decoded, when it comes from the target.
func goAuthority(m *message) string {
	if !m.isOrigin() {
		if decoded, err := url.PathUnescape(m.authority); err == nil {
			return decoded
		}
	}
	return m.authority
}

// isOrigin reports whether the target holds no authority.
func (m *message) isOrigin() bool { return m.target[0] == '/' || m.target == "*" }

// goHeader are the fields of a message as Go has them: by their canonical names, without those that it has taken out.
func goHeader(m *message) http.Header {
	header := http.Header{}
	for _, f := range m.fields {
		header.Add(f[0], f[1])
	}
	// Go knows that Pragma once meant what Cache-Control means.
	if pragma := header["Pragma"]; len(pragma) > 0 && pragma[0] == "no-cache" && header["Cache-Control"] == nil {
		header.Set("Cache-Control", "no-cache")
	}
	header.Del("Host")
	if m.is(http1.EventFlagsChunked) {
		header.Del("Transfer-Encoding")
		header.Del("Trailer")
	}
	return header
}

// differentBody tells what both take differently of a body, of what follows it, and of where that ends.
func differentBody(m *message, request *http.Request, body []byte, position int) string {
	ours, theirs := http.Header{}, http.Header{}
	for _, f := range m.trailers {
		ours.Add(f[0], f[1])
	}
	for name, values := range request.Trailer {
		if values != nil { // it was announced and did not come
			theirs[name] = values
		}
	}
	switch {
	case !bytes.Equal(m.body, body):
		return fmt.Sprintf("body: ours %q, theirs %q", m.body, body)
	case !reflect.DeepEqual(ours, theirs):
		return fmt.Sprintf("trailers: ours %#v, theirs %#v", ours, theirs)
	case m.end != position:
		return fmt.Sprintf("end: ours %d, theirs %d", m.end, position)
	}
	return ""
}

// readRequestClasses are the disagreements with http.ReadRequest that are as they should be.
var readRequestClasses = slices.Concat(requestClasses, messageClasses, []class{startLineLimit}, []class{
	{name: "bare LF", code: http1.ErrorCodeLineEnd,
		reason: "it may be taken for a line end (RFC 9112 section 2.2), but who differ about it can be played off against each other",
		is:     func(d *disagreement) bool { return d.byteAt(0) == '\n' && d.byteAt(-1) != '\r' }},
	{name: "target: byte above 0x7F", code: http1.ErrorCodeTarget, reason: "a URI has none (RFC 3986 section 2)",
		is: func(d *disagreement) bool { return d.byteAt(0) >= 0x80 }},
	{name: "target: asterisk", code: http1.ErrorCodeTarget, reason: "it goes only with OPTIONS (RFC 9112 section 3.2.4)",
		is: func(d *disagreement) bool {
			method, target := d.requestLine()
			return target == "*" && method != "OPTIONS"
		}},
	{name: "target: no authority", code: http1.ErrorCodeTarget,
		reason: "an absolute target is that of an http URI (RFC 9110 section 4.2); Go takes those of all schemes, opaque ones too",
		is: func(d *disagreement) bool {
			_, target := d.requestLine()
			return schemePattern.MatchString(target) && !absolutePattern.MatchString(target)
		}},
	{name: "preface of HTTP/2", code: http1.ErrorCodeHTTP2Preface, reason: "it is told apart (RFC 9113 section 3.4)",
		is: func(d *disagreement) bool { return strings.HasPrefix(d.startLine(), "PRI * HTTP/2.0") }},
	{name: "space in front of the colon", code: http1.ErrorCodeFieldName,
		reason: "it must be refused (RFC 9112 section 5.1); to Go it is a part of the name",
		is:     func(d *disagreement) bool { return d.byteAt(0) == ' ' && strings.Contains(d.rest(d.ours.at), ":") }},
	{name: "folded line", code: http1.ErrorCodeFieldFold,
		reason: "a server refuses it (RFC 9112 section 5.2); Go joins the lines",
		is: func(d *disagreement) bool {
			return d.byteAt(-1) == '\n' && strings.ContainsRune(" \t", rune(d.byteAt(0)))
		}},
	{name: "folded length", code: http1.ErrorCodeContentLength,
		reason: "a server refuses it, and the first line without waiting for the next",
		is:     func(d *disagreement) bool { return d.rest(d.ours.at) == "" && d.folds() }},
	{name: "folded transfer coding", code: http1.ErrorCodeTransferEncoding,
		reason: "a server refuses it, and the first line without waiting for the next",
		is:     func(d *disagreement) bool { return d.rest(d.ours.at) == "" && d.folds() }},
	{name: "equal lengths", code: http1.ErrorCodeContentLengthRepeated,
		reason: "they may be refused (RFC 9112 section 6.3); Go counts them as one",
		is: func(d *disagreement) bool {
			lengths := d.fieldValues("Content-Length")
			return len(lengths) > 1 && (len(slices.Compact(lengths)) == 1 || d.rest(d.ours.at) == "" && d.folds())
		}},
	{name: "length and chunks", code: http1.ErrorCodeFramingConflict,
		reason: "both together may be refused (RFC 9112 section 6.3); Go drops the length",
		is: func(d *disagreement) bool {
			return len(d.fieldValues("Content-Length")) > 0 && len(d.fieldValues("Transfer-Encoding")) > 0
		}},
	{name: "theirs: percent sign", theirs: "parse ",
		reason: "we read nothing into a target; Go decodes it, and in a host only what is above 0x7F",
		is: func(d *disagreement) bool {
			return strings.Contains(d.theirs, "invalid URL escape") && strings.Contains(d.message.target, "%")
		}},
	{name: "theirs: IP literal", theirs: "parse ",
		reason: "we look only at the bytes between the brackets, which may be of a future version (RFC 3986 section 3.2.2)",
		is: func(d *disagreement) bool {
			return strings.HasPrefix(d.message.authority, "[") && !d.message.isOrigin()
		}},
	{name: "theirs: announced trailer", theirs: "bad trailer key",
		reason: "Trailer is a hint (RFC 9110 section 6.6.2); what it names is refused when it comes",
		is:     func(d *disagreement) bool { return len(d.message.values("Trailer")) > 0 }},
	{name: "theirs: chunk size of many digits", theirs: "http chunk length too large",
		reason: "zeros in front say nothing (RFC 9112 section 7.1)",
		is:     func(d *disagreement) bool { return manyDigits.Match(d.whole()) }},
	{name: "theirs: space behind a chunk size", theirs: "invalid byte in chunk length",
		reason: "in front of an extension it is to be read (RFC 9112 section 7.1.1)",
		is:     func(d *disagreement) bool { return spacedExtension.Match(d.whole()) }},
	{name: "theirs: long chunk line", theirs: "header line too long", reason: "our limit is one byte longer",
		is: func(d *disagreement) bool { return d.longestLine() == int(http1.DefaultLimits.ChunkLine) }},
	{name: "theirs: chunks of little data", theirs: "chunked encoding contains too much non-data",
		reason: "we bound every line, not all of them",
		is:     func(d *disagreement) bool { return d.message.end-d.message.start-len(d.message.body) > 16<<10 }},
})

// folds reports whether the line that we refuse goes on in the next one.
func (d *disagreement) folds() bool {
	next := d.input[d.ours.at+len(d.rest(d.ours.at)):]
	return foldedLine.Match(next[:min(len(next), 3)])
}

var manyDigits = regexp.MustCompile(`\r\n0[0-9A-Fa-f]{16}`)

// longestLine is the length of the longest line of the message.
func (d *disagreement) longestLine() (longest int) {
	for line := range bytes.SplitSeq(d.whole(), []byte("\r\n")) {
		longest = max(longest, len(line))
	}
	return longest
}

// readRequestInputs show the disagreements that the other inputs do not.
var readRequestInputs = []string{
	"GET http://h:123456/ HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET x://a:b:1/ HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET http://[fe80::1%25en0]/ HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET http://user@h/ HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET http:opaque HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET * HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n",
	"CONNECT /rpc HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET / HTTP/3.0\r\nHost: h\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
	"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n 1\r\n\r\nx",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nExpect: more\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nConnection: a b\r\n\r\n",
	chunkedPost + "1 \r\nx\r\n0\r\n\r\n",
	chunkedPost + "1; a\r\nx\r\n0\r\n\r\n",
	"GET /" + strings.Repeat("x", 8<<10) + " HTTP/1.1\r\nHost: h\r\n\r\n",
	strings.Repeat("X", 9<<10) + " / HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 32<<10) + "\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X: y\r\n", 128) + "\r\n",
	chunkedPost + "0\r\nX: " + strings.Repeat("x", 8<<10) + "\r\n\r\n",
	chunkedPost + "0\r\n" + strings.Repeat("X: y\r\n", 33) + "\r\n",

	"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET http://%41/ HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET http://[v1.x]/ HTTP/1.1\r\nHost: h\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\n\r\n",
	chunkedPost + "00000000000000001\r\nx\r\n0\r\n\r\n",
	chunkedPost + "1;" + strings.Repeat("x", 4<<10-2) + "\r\nx\r\n0\r\n\r\n",
	chunkedPost + strings.Repeat("1;"+strings.Repeat("x", 4000)+"\r\nx\r\n", 5) + "0\r\n\r\n",

	// Both take them for the same.
	chunkedPost + "1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0b\r\n0123456789a\r\n0\r\n\r\n",
	"GET http://%c3%a9:1?x HTTP/1.1\r\nHost: h\r\nPragma: no-cache\r\npragma: x\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\nGET / HTTP/1.1\r\n\r\n",
	"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\nTrailer: A, B\r\n\r\n" +
		"1;a=\"\\\"\";b=c\r\nx\r\n0\r\na: b\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
}

const chunkedPost = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
