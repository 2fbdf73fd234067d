package differential

import (
	"context"
	"errors"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/llhttp"
	"github.com/sluicehttp/sluice/guest/http1"
)

// FuzzLlhttp compares our reader with llhttp, the parser of Node.js, as a server that reads requests and as a client that
// reads answers: what both accept they must take for the same; what only one accepts must belong to a class.
func FuzzLlhttp(f *testing.F) {
	parsers := llhttpParsers(f)
	odd := slices.Concat(oddInputs(50, oddRequests), oddInputs(50, oddAnswers))
	for _, input := range slices.Concat(inputs, readRequestInputs, llhttpInputs, odd) {
		f.Add([]byte(input))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) <= maxFuzzed {
			parsers.compareRequests(t, input, tally{})
			parsers.compareAnswers(t, input, tally{})
		}
	})
}

// TestLlhttp compares the readers on the inputs of the corpora and on odd ones, and shows a disagreement of every class.
func TestLlhttp(t *testing.T) {
	parsers := llhttpParsers(t)
	requests, answers := tally{}, tally{}
	both := slices.Concat(inputs, readRequestInputs, llhttpInputs, corpusInputs(t))
	for _, input := range slices.Concat(both, oddInputs(10_000, oddRequests), everyByte(plainRequest)) {
		parsers.compareRequests(t, []byte(input), requests)
	}
	for _, input := range slices.Concat(both, oddInputs(10_000, oddAnswers), everyByte(plainAnswer)) {
		parsers.compareAnswers(t, []byte(input), answers)
	}
	t.Log("requests:")
	requests.log(t, slices.Concat(llhttpRequests, llhttpRequestDifferences))
	t.Log("answers:")
	answers.log(t, slices.Concat(llhttpAnswers, llhttpAnswerDifferences))
}

// parsers are llhttp for requests and for answers.
type parsers struct{ requests, answers *llhttp.Parser }

// startLlhttp makes both parsers once for all tests.
var startLlhttp = sync.OnceValues(func() (p parsers, err error) {
	library, err := llhttp.Open(context.Background())
	if err != nil {
		return p, err
	}
	if p.requests, err = library.NewParser(llhttp.Request); err != nil {
		return p, err
	}
	p.answers, err = library.NewParser(llhttp.Response)
	return p, err
})

func llhttpParsers(tb testing.TB) parsers {
	tb.Helper()
	p, err := startLlhttp()
	if errors.Is(err, llhttp.ErrNotInstalled) && os.Getenv("SLUICE_REQUIRE_TOOLCHAINS") != "1" {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// compareRequests compares what both make of an input as requests, compareAnswers as answers.
func (p parsers) compareRequests(t *testing.T, input []byte, met tally) {
	t.Helper()
	c := &comparison{t, met, llhttpRequests, llhttpRequestDifferences, input, readRequests(input), parseAll(t, p.requests, input)}
	c.run()
}

func (p parsers) compareAnswers(t *testing.T, input []byte, met tally) {
	t.Helper()
	c := &comparison{t, met, llhttpAnswers, llhttpAnswerDifferences, input, readAnswers(input), parseAll(t, p.answers, input)}
	c.run()
}

// parseAll has llhttp read all that a peer sent, the end of the connection included.
func parseAll(t *testing.T, parser *llhttp.Parser, input []byte) *llhttp.Outcome {
	t.Helper()
	outcome, err := parser.Parse(input)
	if err == nil {
		outcome, err = parser.Finish()
	}
	if err != nil {
		t.Fatalf("input %q: %v", input, err)
	}
	return &outcome
}

// comparison compares what both made of an input.
type comparison struct {
	t           *testing.T
	met         tally
	classes     []class
	differences []class

	input  []byte
	ours   *reading
	theirs *llhttp.Outcome
}

// run compares message by message until one of the readers stops.
func (c *comparison) run() {
	c.t.Helper()
	for i := range max(len(c.ours.messages), len(c.theirs.Messages)) {
		if !c.message(i) {
			return
		}
	}
}

// message compares a message. It reports whether the next can be compared.
func (c *comparison) message(i int) bool {
	c.t.Helper()
	d := &disagreement{input: c.input, ours: c.ours}
	m, h := &message{}, &llhttp.Message{}
	if i > 0 {
		d.from = c.ours.messages[i-1].end
	}
	if i < len(c.ours.messages) {
		m = &c.ours.messages[i]
		d.message = m
	}
	if i < len(c.theirs.Messages) {
		h = &c.theirs.Messages[i]
	}
	last := i >= len(c.theirs.Messages)-1
	leaves := h.Upgrade || last && c.theirs.Upgrade
	// llhttp tells a head before it looks at the transfer codings as a whole.
	accepted := h.HeadComplete && !(last && c.theirs.Reason == "Request has invalid `Transfer-Encoding`")
	if !c.agree(d, m.headComplete, accepted) || c.differ(d, differentLlhttpHead(m, h, leaves)) || c.known(d, "framing") {
		return false
	}
	if !c.agree(d, m.complete, h.Complete) || c.differ(d, differentLlhttpBody(m, h, leaves, c.theirs.Offset)) {
		return false
	}
	c.met["both accept"]++
	return h.KeepAlive && !leaves // otherwise what follows is discarded, or not HTTP
}

func (c *comparison) agree(d *disagreement, weAccept, theyAccept bool) bool {
	c.t.Helper()
	return d.agree(c.t, c.met, c.classes, weAccept, theyAccept, c.theirs.Error+": "+c.theirs.Reason)
}

// differ reports whether both accept and take something differently. That has to be in a class.
func (c *comparison) differ(d *disagreement, what string) bool {
	c.t.Helper()
	switch {
	case what == "":
		return false
	case what == "keep-alive" && c.known(d, "framing"): // it follows from that
	case !c.known(d, what):
		c.t.Errorf("input %q\nboth accept, and differ about the %s\nours   %+v\ntheirs %+v", d.input, what, d.message, c.theirs.Messages)
	}
	return true
}

// known reports whether a difference is in a class.
func (c *comparison) known(d *disagreement, what string) bool {
	for _, known := range c.differences {
		if known.theirs == what && known.is(d) {
			c.met[known.name]++
			return true
		}
	}
	return false
}

// differentLlhttpHead names what both take differently of a head. leaves says that llhttp takes what follows for another
// protocol.
func differentLlhttpHead(m *message, h *llhttp.Message, leaves bool) string {
	keepAlive := m.is(http1.EventFlagsKeepAlive)
	if m.upgraded || m.is(http1.EventFlagsInformational) {
		keepAlive = h.KeepAlive // it means nothing there
	}
	for _, c := range []struct {
		what string
		same bool
	}{
		{"method", m.method == h.Method},
		{"target", m.target == h.Target},
		{"status", m.status == h.Status},
		{"reason", m.reason == h.Reason},
		{"version", m.major == h.Major && m.minor == h.Minor},
		{"fields", slices.Equal(m.fields, llhttpFields(h.Fields))},
		{"upgrade", m.is(http1.EventFlagsUpgrade) == leaves},
		{"keep-alive", keepAlive == h.KeepAlive},
	} {
		if !c.same {
			return c.what
		}
	}
	return ""
}

// differentLlhttpBody names what both take differently of a body, and of where another protocol begins.
func differentLlhttpBody(m *message, h *llhttp.Message, leaves bool, offset int) string {
	switch {
	case string(m.body) != h.Body:
		return "body"
	case !slices.Equal(m.trailers, llhttpFields(h.Trailers)):
		return "trailers"
	case leaves && m.end != offset:
		return "end"
	}
	return ""
}

// llhttpFields are the fields that llhttp tells, without the white space that it leaves behind values.
func llhttpFields(all []llhttp.Field) (fields []field) {
	for _, f := range all {
		fields = append(fields, field{f.Name, strings.TrimRight(f.Value, " \t")})
	}
	return fields
}

// llhttpRequestDifferences are what both accept in requests and take differently, as it should be: theirs names what.
var llhttpRequestDifferences = slices.Concat(llhttpDifferences, []class{
	{name: "differs: Upgrade in HTTP/1.0", theirs: "upgrade", reason: "it must be ignored (RFC 9110 section 7.8)",
		is: func(d *disagreement) bool {
			return d.isVersion10() && d.message.hasOption("upgrade") && len(d.message.values("Upgrade")) > 0
		}},
	{name: "differs: Upgrade to nothing", theirs: "upgrade", reason: "it names no protocol (RFC 9110 section 7.8)",
		is: func(d *disagreement) bool { return !slices.ContainsFunc(d.message.values("Upgrade"), namesSomething) }},
	{name: "differs: Proxy-Connection: Upgrade", theirs: "upgrade",
		reason: "no standard knows it; to llhttp it is a Connection",
		is:     func(d *disagreement) bool { return len(d.message.values("Proxy-Connection")) > 0 }},
	{name: "differs: tab behind Upgrade", theirs: "upgrade",
		reason: "a fault of llhttp 9.3.1, to which it is another option then",
		is:     func(d *disagreement) bool { return tabInConnection.Match(d.head()) }},
	{name: "differs: body of CONNECT", theirs: "framing",
		reason: "a length frames a body in every request (RFC 9112 section 6.3); to llhttp the tunnel begins behind the head",
		is: func(d *disagreement) bool {
			return d.message.method == "CONNECT" && (d.message.length > 0 || d.message.is(http1.EventFlagsChunked))
		}},
})

// llhttpAnswerDifferences are the same of answers.
var llhttpAnswerDifferences = slices.Concat(llhttpDifferences, []class{
	{name: "differs: chunks of HTTP/1.0", theirs: "framing",
		reason: "the framing is faulty, so the end of the connection ends the body (RFC 9112 section 6.1)",
		is: func(d *disagreement) bool {
			return d.isVersion10() && d.message.is(http1.EventFlagsUntilClose) && len(d.message.values("Transfer-Encoding")) > 0
		}},
	{name: "differs: body of an informational answer", theirs: "framing",
		reason: "it has none, whatever its fields say (RFC 9110 section 15.2); llhttp knows that of 100 to 103",
		is: func(d *disagreement) bool {
			m := d.message
			return m.is(http1.EventFlagsInformational) && m.status > 103 &&
				(len(m.values("Content-Length")) > 0 || len(m.values("Transfer-Encoding")) > 0)
		}},
})

// llhttpDifferences are those of both.
var llhttpDifferences = []class{
	{name: "differs: tab behind chunked", theirs: "framing",
		reason: "a fault of llhttp 9.3.1, to which it is another coding then",
		is:     func(d *disagreement) bool { return tabBehindChunked.Match(d.head()) }},
	{name: "differs: Proxy-Connection", theirs: "keep-alive",
		reason: "no standard knows it; to llhttp it is a Connection",
		is:     func(d *disagreement) bool { return len(d.message.values("Proxy-Connection")) > 0 }},
	{name: "differs: tab behind an option", theirs: "keep-alive",
		reason: "a fault of llhttp 9.3.1, to which it is another option then",
		is:     func(d *disagreement) bool { return tabInConnection.Match(d.head()) }},
	{name: "differs: close in HTTP/1.0", theirs: "keep-alive",
		reason: "it goes before keep-alive (RFC 9112 section 9.3); llhttp does not look for it",
		is: func(d *disagreement) bool {
			return d.isVersion10() && d.message.hasOption("close") && d.message.hasOption("keep-alive")
		}},
}

// hasOption reports whether a connection option is given.
func (m *message) hasOption(name string) bool {
	for option := range strings.SplitSeq(strings.Join(m.values("Connection"), ","), ",") {
		if strings.EqualFold(strings.Trim(option, " \t"), name) {
			return true
		}
	}
	return false
}

// llhttpRequests are the disagreements about requests that are as they should be.
var llhttpRequests = slices.Concat(llhttpClasses, requestClasses, messageClasses, []class{
	{name: "length of 64 bits", code: http1.ErrorCodeContentLength, reason: "we count in 63",
		is: func(d *disagreement) bool { return slices.ContainsFunc(d.fieldValues("Content-Length"), isLong) }},
	{name: "line ends in front of a request", code: http1.ErrorCodeLineEnd,
		reason: "only whole empty lines are skipped (RFC 9112 section 2.2)",
		is:     func(d *disagreement) bool { return strings.Trim(string(d.input[d.from:d.ours.at+1]), "\r\n") == "" }},
	{name: "spaces in front of the target", code: http1.ErrorCodeTarget,
		reason: "one stands between two parts (RFC 9112 section 3)",
		is:     func(d *disagreement) bool { return d.byteAt(0) == ' ' && d.byteAt(-1) == ' ' }},
	{name: "spaces in front of the version", code: http1.ErrorCodeVersion,
		reason: "one stands between two parts (RFC 9112 section 3)",
		is:     func(d *disagreement) bool { return d.byteAt(0) == ' ' && d.byteAt(-1) == ' ' }},
	{name: "no version", code: http1.ErrorCodeVersion, reason: "that is HTTP/0.9",
		is: func(d *disagreement) bool {
			return strings.Count(d.startLine(), " ") == 1 && d.rest(d.ours.at) == ""
		}},
	{name: "another protocol", code: http1.ErrorCodeVersion, reason: "RTSP and ICE are not HTTP",
		is: func(d *disagreement) bool { return otherProtocol.MatchString(d.rest(d.ours.at)) }},
	{name: "target: asterisk", code: http1.ErrorCodeTarget,
		reason: "it stands alone and goes with OPTIONS (RFC 9112 section 3.2.4)",
		is: func(d *disagreement) bool {
			method, target := d.requestLine()
			return strings.HasPrefix(target, "*") && !(target == "*" && method == "OPTIONS")
		}},
	{name: "Host repeated", code: http1.ErrorCodeHostRepeated,
		reason: "it must be refused (RFC 9112 section 3.2); llhttp leaves that to its server",
		is:     func(d *disagreement) bool { return len(d.fieldValues("Host")) > 1 }},

	{name: "theirs: method", theirs: "INVALID_METHOD",
		reason: "any token may be one (RFC 9110 section 9.1); llhttp has a list",
		is:     func(d *disagreement) bool { return !llhttpMethods[d.message.method] }},
	{name: "theirs: method of RTSP", theirs: "INVALID_CONSTANT: Invalid method for HTTP/x.x request",
		reason: "any token may be one (RFC 9110 section 9.1); llhttp has a list",
		is:     func(d *disagreement) bool { return !llhttpMethods[d.message.method] }},
	{name: "theirs: PRI", theirs: "INVALID_VERSION: Expected HTTP/2 Connection Preface",
		reason: "only with HTTP/2.0 it is the preface (RFC 9113 section 3.4)",
		is:     func(d *disagreement) bool { return d.message.method == "PRI" }},
	{name: "theirs: scheme", theirs: "INVALID_URL: Unexpected char in url schema",
		reason: "it may have digits and signs (RFC 3986 section 3.1)",
		is:     func(d *disagreement) bool { return oddScheme.MatchString(d.message.target) }},
	{name: "theirs: tab behind chunked", theirs: "INVALID_TRANSFER_ENCODING: Request has invalid `Transfer-Encoding`",
		reason: "a fault of llhttp 9.3.1: white space may stand there (RFC 9110 section 5.5)",
		is:     func(d *disagreement) bool { return tabBehindChunked.Match(d.head()) }},
})

// llhttpAnswers are the disagreements about answers that are as they should be.
var llhttpAnswers = slices.Concat(llhttpClasses, messageClasses, []class{startLineLimit}, []class{
	{name: "length of 64 bits", code: http1.ErrorCodeContentLength, reason: "we count in 63",
		is: func(d *disagreement) bool { return slices.ContainsFunc(d.fieldValues("Content-Length"), isLong) }},
	{name: "switch", code: http1.ErrorCodeUpgradeUnasked,
		reason: "HTTP/1.0 knows none, and the answer names the protocol (RFC 9110 section 7.8)",
		is: func(d *disagreement) bool {
			return d.message.status == 101 && (d.isVersion10() || !slices.ContainsFunc(d.fieldValues("Upgrade"), namesSomething))
		}},
	{name: "status without a space", code: http1.ErrorCodeStatus,
		reason: "it stands there even when no reason follows (RFC 9112 section 4)",
		is:     func(d *disagreement) bool { return bareStatus.MatchString(d.startLine()) }},
	{name: "status below 100", code: http1.ErrorCodeStatus, reason: "there is none (RFC 9110 section 15)",
		is: func(d *disagreement) bool { return d.byteAt(0) == '0' && d.byteAt(-1) == ' ' }},
	{name: "reason", code: http1.ErrorCodeReason, reason: "it has no control characters (RFC 9112 section 4)",
		is: func(d *disagreement) bool { return d.byteAt(0) < ' ' || d.byteAt(0) == 0x7f }},
	{name: "line ends in front of an answer", code: http1.ErrorCodeVersion,
		reason: "they are skipped only in front of a request (RFC 9112 section 2.2)",
		is: func(d *disagreement) bool {
			return d.ours.at == d.from && strings.ContainsRune("\r\n", rune(d.byteAt(0)))
		}},
	{name: "another protocol", code: http1.ErrorCodeVersion, reason: "RTSP and ICE are not HTTP",
		is: func(d *disagreement) bool { return otherProtocol.MatchString(d.rest(d.ours.at)) }},
	{name: "CR CR", code: http1.ErrorCodeLineEnd, reason: "a fault of llhttp 9.3.1, to which it ends a status line",
		is: func(d *disagreement) bool { return d.byteAt(0) == '\r' && d.byteAt(-1) == '\r' }},

	{name: "theirs: folded line", theirs: "INVALID_HEADER_TOKEN",
		reason: "in an answer it is to be read (RFC 9112 section 5.2)",
		is:     func(d *disagreement) bool { return foldedLine.Match(d.head()) }},
	{name: "theirs: equal lengths", theirs: "UNEXPECTED_CONTENT_LENGTH: Duplicate Content-Length",
		reason: "they may count as one (RFC 9112 section 6.3)",
		is: func(d *disagreement) bool {
			lengths := d.message.lengths()
			return len(lengths) > 1 && len(slices.Compact(lengths)) == 1
		}},
	{name: "theirs: list of equal lengths", theirs: "INVALID_CONTENT_LENGTH: Invalid character in Content-Length",
		reason: "they may count as one (RFC 9112 section 6.3)",
		is: func(d *disagreement) bool {
			return strings.Contains(d.message.values("Content-Length")[0], ",") && len(slices.Compact(d.message.lengths())) == 1
		}},
	{name: "theirs: chunks, then length", theirs: "INVALID_CONTENT_LENGTH: Content-Length can't be present with Transfer-Encoding",
		reason: "the chunks go before the length (RFC 9112 section 6.3)",
		is:     func(d *disagreement) bool { return len(d.message.values("Transfer-Encoding")) > 0 }},
	{name: "theirs: length, then chunks", theirs: "INVALID_TRANSFER_ENCODING: Transfer-Encoding can't be present with Content-Length",
		reason: "the chunks go before the length (RFC 9112 section 6.3)",
		is:     func(d *disagreement) bool { return len(d.message.values("Content-Length")) > 0 }},
	{name: "theirs: a length that frames nothing", theirs: "INVALID_CONTENT_LENGTH", reason: frameless, is: unframedByLength},
	{name: "theirs: lengths that frame nothing", theirs: "UNEXPECTED_CONTENT_LENGTH", reason: frameless, is: unframedByLength},
})

// lengths are the numbers that the fields give for the length of the body, without zeros in front.
func (m *message) lengths() (lengths []string) {
	for length := range strings.SplitSeq(strings.Join(m.values("Content-Length"), ","), ",") {
		lengths = append(lengths, strings.TrimLeft(strings.Trim(length, " \t"), "0"))
	}
	return lengths
}

// llhttpClasses are disagreements about requests and answers.
var llhttpClasses = []class{
	{name: "unsupported coding", code: http1.ErrorCodeTransferEncodingUnsupported,
		reason: "it may be refused (RFC 9112 section 6.1); llhttp decodes only the chunks",
		is:     func(d *disagreement) bool { return !d.isChunked() }},
	{name: "transfer codings", code: http1.ErrorCodeTransferEncoding,
		reason: "chunked has to be there once, last and by itself (RFC 9112 section 6.3)",
		is:     func(d *disagreement) bool { return !d.isChunked() }},
	{name: "limit: chunk line", code: http1.ErrorCodeChunkLineTooLong, reason: "llhttp has none",
		is: func(d *disagreement) bool { return len(d.line(d.ours.at)) > int(http1.DefaultLimits.ChunkLine) }},

	{name: "theirs: version", theirs: "INVALID_VERSION: Invalid HTTP version",
		reason: "higher minor versions are to be read (RFC 9110 section 2.5)",
		is:     func(d *disagreement) bool { return d.message.minor > 1 }},
	{name: "theirs: tab behind a length", theirs: "INVALID_CONTENT_LENGTH: Invalid character in Content-Length",
		reason: "a fault of llhttp 9.3.1: white space may stand there (RFC 9110 section 5.5)",
		is:     func(d *disagreement) bool { return tabBehindLength.Match(d.head()) }},
	{name: "theirs: space behind a chunk size", theirs: "INVALID_CHUNK_SIZE: Invalid character in chunk size",
		reason: "in front of an extension it is to be read (RFC 9112 section 7.1.1)",
		is:     func(d *disagreement) bool { return spacedExtension.Match(d.whole()) }},
	{name: "theirs: space behind an extension", theirs: "STRICT: Invalid character in chunk extensions",
		reason: "in front of another it is to be read (RFC 9112 section 7.1.1)",
		is:     func(d *disagreement) bool { return spacedExtension.Match(d.whole()) }},
}

// frameless is why an answer may have a wrong length.
const frameless = "an answer without a body, or in chunks, is not framed by it (RFC 9112 section 6.3)"

// unframedByLength reports whether the length of the answer that we accept plays no part.
func unframedByLength(d *disagreement) bool {
	const otherwise = http1.EventFlagsChunked | http1.EventFlagsUntilClose
	return d.message.flags&(http1.EventFlagsBody) == 0 || d.message.flags&otherwise != 0
}

// isLong reports whether a length has 64 bits.
func isLong(value string) bool {
	length, err := strconv.ParseUint(value, 10, 64)
	return err == nil && length > math.MaxInt64
}

// namesSomething reports whether a list has an element that is not empty.
func namesSomething(list string) bool { return strings.Trim(list, ", \t") != "" }

// isChunked reports whether chunked is the only transfer coding, up to the line that we refuse.
func (d *disagreement) isChunked() bool {
	codings := d.fieldValues("Transfer-Encoding")
	return len(codings) == 1 && strings.EqualFold(codings[0], "chunked")
}

// llhttpMethods are those that llhttp knows in HTTP.
var llhttpMethods = func() map[string]bool {
	const methods = "DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND " +
		"REBIND UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK " +
		"PRI SOURCE QUERY"
	known := map[string]bool{}
	for method := range strings.FieldsSeq(methods) {
		known[method] = true
	}
	return known
}()

var (
	otherProtocol    = regexp.MustCompile(`^(RTSP|ICE)/[0-9]\.[0-9]`)
	oddScheme        = regexp.MustCompile(`^[A-Za-z]+[-+.0-9]`)
	bareStatus       = regexp.MustCompile(`^HTTP/[0-9]\.[0-9] [0-9]{3}(\r|$)`)
	foldedLine       = regexp.MustCompile(`\r\n[ \t]`)
	spacedExtension  = regexp.MustCompile(`(?m)^[0-9A-Fa-f][^\r\n]*[ \t];`)
	tabInConnection  = regexp.MustCompile(`(?im)^connection:[^\r\n]*\t`)
	tabBehindLength  = regexp.MustCompile(`(?im)^content-length:[ \t]*[0-9]+ *\t[ \t]*\r`)
	tabBehindChunked = regexp.MustCompile(`(?im)^transfer-encoding:[ \t]*chunked *\t[ \t]*\r`)
)

// llhttpInputs show the disagreements with llhttp that the other inputs do not, those about requests first.
var llhttpInputs = []string{
	"\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /  HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /\r\n\r\n",
	"SOURCE / ICE/1.0\r\nHost: h\r\n\r\n",
	"GET *x HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
	"CONNECT h HTTP/1.1\r\nHost: h\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: , chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775808\r\n\r\n",
	chunkedPost + "1;;a=;=b;c=d\"e\"\r\nx\r\n0\r\n\r\n",
	chunkedPost + "1;" + strings.Repeat("x", 4<<10) + "\r\nx\r\n0\r\n\r\n",
	"get / HTTP/1.1\r\nHost: h\r\n\r\n",
	"DESCRIBE / HTTP/1.1\r\nHost: h\r\n\r\n",
	"PRI / HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET h2+x://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET / HTTP/1.2\r\nHost: h\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\t\r\n\r\nx",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",
	chunkedPost + "1 ;a\r\nx\r\n0\r\n\r\n",
	chunkedPost + "1;a ;b\r\nx\r\n0\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nProxy-Connection: close\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\t\r\n\r\n",
	"GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n",
	"GET / HTTP/1.0\r\nConnection: keep-alive, upgrade\r\nUpgrade: x\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nProxy-Connection: upgrade\r\nUpgrade: x\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\t\r\nUpgrade: x\r\n\r\n",
	"CONNECT h:1 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx",
	"CONNECT h:1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",

	"GET / HTTP/1.d\r\nHost: h\r\n\r\n",
	"HTTP/1.d 200 OK\r\n\r\n",
	"HTTP/1.1 2d0 OK\r\n\r\n",
	"HTTP/1.1 200\r\n\r\n",
	"HTTP/1.1 200\r\r\r\n",
	"HTTP/1.1 099 x\r\n\r\n",
	"HTTP/1.1 200 \x01\r\n\r\n",
	"\r\n" + ok + "\r\n",
	"\n" + ok + "\r\n",
	"RTSP/1.0 200 OK\r\n\r\n",
	"HTTP/2.0 200 OK\r\n\r\n",
	"HTTP/1.1 200 OK\r\rContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 " + strings.Repeat("x", 9<<10) + "\r\n\r\n",
	ok + "X: " + strings.Repeat("x", 32<<10) + "\r\n\r\n",
	ok + strings.Repeat("X: y\r\n", 129) + "\r\n",
	ok + "Connection: a b\r\n\r\n",
	ok + "Transfer-Encoding: gzip\r\n\r\n",
	ok + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
	ok + "Content-Length: 18446744073709551615\r\n\r\n",
	chunkedAnswer + "1;;a=\r\nx\r\n0\r\n\r\n",
	chunkedAnswer + "1;" + strings.Repeat("x", 4<<10) + "\r\nx\r\n0\r\n\r\n",
	chunkedAnswer + "0\r\nTrailer: a\r\n\r\n",
	chunkedAnswer + "0\r\nX: " + strings.Repeat("x", 8<<10) + "\r\n\r\n",
	chunkedAnswer + "0\r\n" + strings.Repeat("X: y\r\n", 33) + "\r\n",
	chunkedAnswer + "1 ;a\r\nx\r\n0\r\n\r\n",
	chunkedAnswer + "1;a ;b\r\nx\r\n0\r\n\r\n",
	"HTTP/1.2 200 OK\r\n\r\n",
	ok + "Content-Length: 1\t\r\n\r\nx",
	ok + "A: b\r\n c\r\n\r\n",
	ok + "A:\r\n c\r\n\r\n",
	ok + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
	ok + "Content-Length: 1, 1\r\n\r\nx",
	ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	ok + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
	ok + "Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",
	ok + "Proxy-Connection: close\r\nContent-Length: 0\r\n\r\n",
	ok + "Connection: close\t\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"HTTP/1.1 199 x\r\nContent-Length: 1\r\n\r\nx" + ok + "\r\n",

	// Both take them for the same.
	"HTTP/1.1 100 \r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\n" + chunkedAnswer + "1;a=\"b\"\r\nx\r\n0\r\nA: b\r\n\r\n" +
		"HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n" + ok + "\r\nrest",
	"HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw",
	"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 204 \r\nConnection: close\r\n\r\n",
}

const (
	ok            = "HTTP/1.1 200 OK\r\n"
	chunkedAnswer = ok + "Transfer-Encoding: chunked\r\n\r\n"
)
