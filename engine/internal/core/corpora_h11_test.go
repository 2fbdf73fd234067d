package core_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/guest/http1"
	"github.com/sluicehttp/sluice/internal/corpus"
)

const h11 = "http1-h11"

// h11Event is an event as h11 knows it.
type h11Event struct {
	Type, Method, Target, Reason string
	Version                      string `json:"http_version"`
	Status                       int    `json:"status_code"`
	Headers, Trailers            pairs
	Data                         string `json:"data_b64"`
}

// h11Corpus is the corpus of h11.
type h11Corpus struct {
	Readers []struct {
		Parse    string
		Input    base64Bytes `json:"input_b64"`
		Verdict  verdict
		Expected *h11Event
	}
	Bodies []struct {
		Framing  string
		Length   *int        `json:"content_length"`
		Input    base64Bytes `json:"input_b64"`
		EOF      bool
		Verdict  verdict
		Expected []h11Event
	}
	Headers []struct {
		Headers pairs
		Verdict verdict
	}
	Writers []struct {
		Writer   string
		Event    h11Event
		Verdict  verdict
		Expected string `json:"expected_bytes"`
	}
}

// h11Cases are what h11 reads: heads, and bodies.
func h11Cases(t *testing.T, folder string) (cases []foreign) {
	t.Helper()
	var file h11Corpus
	loadJSON(t, folder, h11, &file)
	for i, c := range file.Readers {
		f := foreign{
			corpus: h11, id: fmt.Sprintf("readers/%d", i), input: c.Input, settings: asClient(c.Parse == "response"),
			headOnly: true, verdict: c.Verdict, complete: uncounted,
		}
		if c.Expected != nil {
			f.messages = []message{c.Expected.parts()}
		}
		cases = append(cases, f)
	}
	for i, c := range file.Bodies {
		head := map[string]string{"chunked": "Transfer-Encoding: chunked\r\n\r\n", "until-eof": "\r\n"}[c.Framing]
		if c.Length != nil {
			head = fmt.Sprintf("Content-Length: %d\r\n\r\n", *c.Length)
		}
		for _, client := range []bool{false, true} {
			if !client && c.Framing == "until-eof" {
				continue
			}
			cases = append(cases, bodyCase(fmt.Sprintf("bodies/%d", i), client, head, c.Input, c.EOF, c.Verdict, c.Expected))
		}
	}
	return cases
}

// checkHeadEnds gives bytes behind every head that is accepted. None of them may be taken for a part of it.
func checkHeadEnds(t *testing.T, folder string) {
	t.Helper()
	for _, c := range h11Cases(t, folder) {
		if got := c.read(t); !c.headOnly || got.verdict != accept {
			continue
		}
		end := uint64(len(c.input))
		c.wrap("", "behind")
		for _, feed := range []corpus.Feed{{Split: corpus.Whole}, {Split: corpus.ByByte}} {
			trace := play(t, bothCores(t).native, c.input, c.settings, feed)
			next := slices.IndexFunc(trace.Events, isHeader) + 1
			if next == len(trace.Events) || trace.Events[next].Offset != end {
				t.Errorf("%s: the head does not end at %d\n%s", c.id, end, trace)
			}
		}
	}
}

// parts are the parts of a head.
func (e *h11Event) parts() message {
	parts := message{"version": e.Version, "fields": e.Headers.lines(latin1)}
	if e.Type == "Request" {
		parts["method"], parts["target"] = e.Method, e.Target
	} else {
		parts["status"], parts["reason"] = fmt.Sprint(e.Status), e.Reason
	}
	return parts
}

// bodyCase is a body in a message that is framed by head.
func bodyCase(id string, client bool, head string, input []byte, eof bool, says verdict, events []h11Event) foreign {
	start := "POST / HTTP/1.1\r\nHost: h\r\n"
	if client {
		start = "HTTP/1.1 200 OK\r\n"
	}
	f := foreign{corpus: h11, id: id, input: input, settings: asClient(client), verdict: says, complete: uncounted}
	f.settings.EOF = eof
	f.wrap(start+head, "")
	if says == reject {
		return f
	}
	f.verdict = incomplete
	parts := message{"body": "", "trailers": ""}
	for _, event := range events {
		data, _ := base64.StdEncoding.DecodeString(event.Data)
		parts["body"] += string(data)
		if event.Type == "EndOfMessage" {
			f.verdict = accept
			parts["trailers"] = event.Trailers.lines(latin1)
		}
	}
	f.messages = []message{parts}
	return f
}

// compareHeaderLists checks each list of fields as what a handler sends, as what a client sends, and as what a peer sends.
func compareHeaderLists(t *testing.T, folder string, expected *expectations) {
	t.Helper()
	var file h11Corpus
	loadJSON(t, folder, h11, &file)
	t.Logf("%s: %d lists of fields", h11, len(file.Headers))
	for i, c := range file.Headers {
		id := fmt.Sprintf("headers/%d", i)
		for _, client := range []bool{false, true} {
			compareHeaderList(t, id, client, c.Headers, c.Verdict, expected)
		}
	}
}

// compareHeaderList frames the fields on one side of a connection, and reads them on the other.
func compareHeaderList(t *testing.T, id string, client bool, fields pairs, says verdict, expected *expectations) {
	t.Helper()
	f := foreign{corpus: h11, id: id, settings: asClient(client), headOnly: true, verdict: says, complete: uncounted}
	start := "POST / HTTP/1.1\r\nHost: h\r\n"
	all := append(pairs{{"Host", "h"}}, fields...)
	if client {
		start, all = "HTTP/1.1 200 OK\r\n", fields
	}
	for _, field := range fields {
		f.input = append(f.input, latin1(field[0])+": "+latin1(field[1])+"\r\n"...)
	}
	f.wrap(start, "\r\n")
	f.messages = []message{{"fields": all.lines(latin1)}}
	compareForeign(t, &f, expected)

	both := bothCores(t)
	wasm, native := frameForeign(t, both.wasm, client, all), frameForeign(t, both.native, client, all)
	if wasm != native {
		t.Errorf("%s: wasm %s, native %s", id, wasm, native)
	}
	if got := framedVerdict(native); got != string(says) && !strings.HasPrefix(got, string(says)+" ") {
		expected.explain(t, h11, id, "framed: "+got)
	}
}

// framedVerdict sums up what framing came to.
func framedVerdict(errno http1.Errno) string {
	if errno == http1.ErrnoSuccess {
		return string(accept)
	}
	return string(reject) + " " + errno.String()
}

// frameForeign frames fields: those of an answer when a client is to read them, otherwise those of a request. Whether the body
// has a length is left to the fields.
func frameForeign(t *testing.T, c *core.Core, client bool, fields pairs) http1.Errno {
	t.Helper()
	_, errno := frameEvent(t, c, &h11Event{Method: "POST", Target: "/", Status: 200, Headers: fields}, !client)
	return errno
}

// frameEvent frames a request, or an answer to one that asks for an upgrade.
func frameEvent(t *testing.T, c *core.Core, e *h11Event, request bool) (out []byte, errno http1.Errno) {
	t.Helper()
	fields := e.fields()
	if request {
		p := openPeerAs(t, c, http1.RoleClient)
		defer p.close()
		r := core.Request{Method: []byte(e.Method), Target: []byte(e.Target), Fields: fields, Flags: http1.HeadFlagsStreamed}
		if e.Method == "GET" {
			r.Flags = http1.HeadFlagsComplete
		}
		out, _, errno = c.FrameRequest(p.number, &r, nil)
		return out, errno
	}
	p := openPeer(t, c)
	defer p.close()
	if _, err := p.Receive([]byte("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: any\r\n\r\n"), 0); err != nil {
		t.Fatal(err)
	}
	if e.Status == 101 {
		out, _, errno = c.FrameUpgrade(p.number, fields, nil)
		return out, errno
	}
	head := core.Head{Status: uint16(e.Status), Fields: fields, Flags: http1.HeadFlagsStreamed}
	out, _, errno = c.FrameHead(p.number, &head, nil)
	return out, errno
}

// fields are the fields of an event as a handler gives them.
func (e *h11Event) fields() exchange.Fields {
	var flat []string
	for _, field := range e.Headers {
		flat = append(flat, latin1(field[0]), latin1(field[1]))
	}
	return exchange.NewFields(flat...)
}

// compareWriters frames each event, and reads on the other side of a connection what came of it.
func compareWriters(t *testing.T, folder string, expected *expectations) {
	t.Helper()
	var file h11Corpus
	loadJSON(t, folder, h11, &file)
	t.Logf("%s: %d writers", h11, len(file.Writers))
	for i, c := range file.Writers {
		id := fmt.Sprintf("writers/%d", i)
		if wrong := compareWriter(t, &c.Event, c.Verdict, c.Expected); wrong != "" {
			expected.explain(t, h11, id, wrong)
		}
	}
}

// compareWriter frames an event. A block of fields goes into an answer.
func compareWriter(t *testing.T, e *h11Event, says verdict, bytes string) (wrong string) {
	t.Helper()
	both := bothCores(t)
	request := e.Type == "Request"
	if e.Type == "HeaderBlock" {
		e.Status = 200
	}
	out, errno := frameEvent(t, both.native, e, request)
	if wasm, wasmErrno := frameEvent(t, both.wasm, e, request); string(wasm) != string(out) || wasmErrno != errno {
		t.Errorf("native %q, %v; wasm %q, %v", out, errno, wasm, wasmErrno)
	}
	if got := framedVerdict(errno); says == reject || errno != http1.ErrnoSuccess {
		if strings.HasPrefix(got, string(says)) {
			return ""
		}
		return "framed: " + got
	}
	return differentHead(t, out, e, !request, bytes)
}

// differentHead reads a head that was framed, and says what is not in it of the event, or stands elsewhere than in the bytes
// that h11 makes. The core may add fields of its own.
func differentHead(t *testing.T, out []byte, e *h11Event, client bool, bytes string) string {
	t.Helper()
	trace := play(t, bothCores(t).native, out, asClient(client), corpus.Feed{Split: corpus.Whole})
	i := slices.IndexFunc(trace.Events, isHeader)
	if i < 0 {
		return "framed: " + trace.End.String()
	}
	line := lineParts(&trace.Events[i-1])
	for part, want := range map[string]string{"method": e.Method, "target": e.Target, "reason": e.Reason, "version": e.Version} {
		if want != "" && line[part] != want {
			return "framed: accept, other " + part
		}
	}
	read, last := fieldLines(trace.Events[i].Fields), 0
	for _, field := range e.inOrderOf(bytes) {
		at := strings.Index(read, (pairs{field}).lines(latin1))
		switch {
		case at < 0:
			return "framed: accept, other fields"
		case at < last:
			return "framed: accept, other order"
		}
		last = at
	}
	return ""
}

// inOrderOf are the fields in the order of the bytes that h11 makes of them.
func (e *h11Event) inOrderOf(bytes string) pairs {
	place := func(field [2]string) int { return strings.Index(strings.ToLower(bytes), field[0]+": ") }
	return slices.SortedFunc(slices.Values(e.Headers), func(a, b [2]string) int { return place(a) - place(b) })
}
