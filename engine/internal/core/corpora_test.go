package core_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/internal/corpus"
)

// foreign is a case that others wrote.
type foreign struct {
	corpus, id string
	input      []byte
	settings   corpus.Settings
	// headOnly says that the case ends with the first head, whatever follows.
	headOnly bool

	// verdict is what the case says of the input.
	verdict verdict
	// messages are what it says of the messages in it.
	messages []message
	// complete is how many of them it takes for complete, or uncounted.
	complete int
}

const uncounted = -1

// verdict is accept, incomplete, upgrade, or reject with the name of an error.
type verdict string

const (
	accept     verdict = "accept"
	incomplete verdict = "incomplete"
	upgrade    verdict = "upgrade"
	reject     verdict = "reject"
	// noError is any of the above but reject, in a case.
	noError verdict = "no-error"
)

// message is the parts of a message as text, by their names. A case that says nothing of a part does not have it.
type message map[string]string

// reading is what a core made of an input.
type reading struct {
	verdict  verdict
	messages []message
	complete int
	end      corpus.End
}

// TestCorpora reads the cases that others wrote, on both cores and however they are split, and compares what came of them
// with what the cases say. Every difference needs its line in testdata/expectations.txt, and every line its difference.
func TestCorpora(t *testing.T) {
	folder := corporaFolder(t)
	expected := loadExpectations(t)
	for _, load := range corporaLoaders {
		cases := load(t, folder)
		t.Logf("%s: %d cases", cases[0].corpus, len(cases))
		for i := range cases {
			compareForeign(t, &cases[i], expected)
		}
	}
	checkHeadEnds(t, folder)
	compareHeaderLists(t, folder, expected)
	compareWriters(t, folder, expected)
	expected.complain(t)
}

// compareForeign compares a case with what is read of it. A request that lacks nothing but its Host is read again with one,
// so that the case shows what it was written for.
func compareForeign(t *testing.T, c *foreign, expected *expectations) {
	t.Helper()
	got := c.read(t)
	if wrong := c.difference(&got); wrong != "" {
		expected.explain(t, c.corpus, c.id, wrong)
	}
	if hosted, ok := c.withHost(&got); ok {
		compareForeign(t, &hosted, expected)
	}
}

// read reads a case in every way, and fails when they do not come to the same.
func (c *foreign) read(t *testing.T) (first reading) {
	t.Helper()
	both := bothCores(t)
	seed := uint64(len(c.input))
	feeds := []func() corpus.Feed{
		func() corpus.Feed { return corpus.Feed{Split: corpus.Whole} },
		func() corpus.Feed { return corpus.Feed{Split: corpus.ByByte} },
		func() corpus.Feed { return corpus.RandomFeed(seed) },
	}
	want := ""
	for _, on := range []*core.Core{both.native, both.wasm} {
		for _, feed := range feeds {
			trace := play(t, on, c.input, c.settings, feed()).Joined()
			got := trace.String()
			if want == "" {
				want, first = got, c.readingOf(&trace)
			}
			if got != want {
				t.Fatalf("%s %s: not the same in every way\n%s", c.corpus, c.id, corpus.Diff(want, got))
			}
		}
	}
	return first
}

// play plays an input on a connection of its own.
func play(t *testing.T, on *core.Core, input []byte, settings corpus.Settings, feed corpus.Feed) corpus.Trace {
	t.Helper()
	p := openPeerAs(t, on, roleOf(settings))
	defer p.close()
	trace, err := corpus.NewPlayer(p).Play(input, settings, feed)
	if err != nil {
		t.Fatalf("input %q: %v", input, err)
	}
	return trace
}

// readingOf sums a trace up.
func (c *foreign) readingOf(trace *corpus.Trace) reading {
	r := reading{end: trace.End}
	for i := range trace.Events {
		r.hear(&trace.Events[i], c.settings.Client)
	}
	switch {
	case c.headOnly && slices.ContainsFunc(trace.Events, isHeader):
		r.verdict = accept
	case r.end.Error == abi.ErrorCodeTruncated:
		r.verdict = incomplete
	case r.end.Error != abi.ErrorCodeNone:
		r.verdict = reject + verdict(" "+r.end.Error.String())
	case slices.ContainsFunc(trace.Events, isUpgraded):
		r.verdict = upgrade
	case r.complete < len(r.messages) || r.complete == 0 || c.begun(&r.end):
		r.verdict = incomplete
	default:
		r.verdict = accept
	}
	return r
}

func isHeader(e corpus.Event) bool   { return e.Kind == abi.EventHeaderReady }
func isUpgraded(e corpus.Event) bool { return e.Kind == abi.EventUpgraded }

// begun reports whether another message has begun that no event tells of. Empty lines begin none.
func (c *foreign) begun(end *corpus.End) bool {
	rest := c.input[end.Offset:]
	return len(bytes.ReplaceAll(rest, []byte("\r\n"), nil)) > 0
}

// hear adds an event to the messages. An informational answer counts as one, and so does one that leaves HTTP.
func (r *reading) hear(e *corpus.Event, client bool) {
	var m message
	if len(r.messages) > 0 {
		m = r.messages[len(r.messages)-1]
	}
	switch e.Kind {
	case abi.EventLineReady:
		if m != nil && m["end"] == "" {
			m["end"] = fmt.Sprint(e.Offset) // of an informational answer
		}
		r.messages = append(r.messages, lineParts(e))
	case abi.EventHeaderReady:
		m["fields"] = fieldLines(e.Fields)
		m["keep-alive"] = fmt.Sprint(e.Flags&abi.EventFlagsKeepAlive != 0)
		m["body"], m["chunks"], m["trailers"] = "", "", ""
		if e.Flags&abi.EventFlagsInformational != 0 {
			r.complete++
		}
	case abi.EventDataReady:
		if _, raw := m["raw"]; raw {
			m["raw"] += string(e.Data)
			break
		}
		m["body"] += string(e.Data)
		if e.Flags&abi.EventFlagsChunkEnd != 0 {
			m["chunks"] += fmt.Sprintf("%d ", len(e.Data))
		}
	case abi.EventTrailerReady:
		m["trailers"] = fieldLines(e.Fields)
	case abi.EventReady:
		m["end"] = fmt.Sprint(e.Offset)
		r.complete++
	case abi.EventUpgraded:
		m["raw"] = ""
		if client {
			m["end"] = fmt.Sprint(e.Offset)
			r.complete++
		}
	}
}

// lineParts are the parts of a start line.
func lineParts(e *corpus.Event) message {
	m := message{"begin": fmt.Sprint(e.Offset), "version": fmt.Sprintf("%d.%d", e.Version>>8, e.Version&0xff)}
	if e.Status != 0 {
		m["status"], m["reason"] = fmt.Sprint(e.Status), string(e.Reason)
	} else {
		m["method"], m["target"] = string(e.Method), string(e.Target)
	}
	return m
}

// fieldLines are fields as text. Not every corpus keeps the case of names.
func fieldLines(fields []corpus.Field) string {
	var out strings.Builder
	for _, field := range fields {
		fmt.Fprintf(&out, "%s: %s\n", strings.ToLower(string(field.Name)), field.Value)
	}
	return out.String()
}

// difference says in which way a reading is not what the case says: by its verdict, or by the parts that differ.
func (c *foreign) difference(got *reading) string {
	kind, _, _ := strings.Cut(string(got.verdict), " ")
	switch {
	case c.verdict == noError && kind != string(reject):
		return ""
	case kind != string(c.verdict):
		return string(got.verdict)
	case c.complete != uncounted && c.complete != got.complete:
		return fmt.Sprintf("%s, %d complete", got.verdict, got.complete)
	case c.verdict == reject:
		return ""
	}
	parts := c.differentParts(got)
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("%s, other %s", got.verdict, strings.Join(parts, " "))
}

// differentParts are the names of the parts of messages that are not what the case says.
func (c *foreign) differentParts(got *reading) (parts []string) {
	for i, want := range c.messages {
		if i == len(got.messages) {
			return append(parts, "messages")
		}
		for part, text := range want {
			if got.messages[i][part] != text && !slices.Contains(parts, part) {
				parts = append(parts, part)
			}
		}
	}
	slices.Sort(parts)
	return parts
}

// withHost is the case with a Host where one is missing or empty, when that is why it was refused. The error stands where the
// Host has to go.
func (c *foreign) withHost(got *reading) (hosted foreign, ok bool) {
	at := got.end.Offset
	insert, edit := "Host: added.example\r\n", func(fields string) string { return fields + "host: added.example\n" }
	switch {
	case got.verdict == "reject host_missing":
	case got.verdict == "reject host_invalid" && bytes.HasPrefix(c.input[at:], []byte("\r\n")):
		insert, edit = "h", func(fields string) string { return strings.Replace(fields, "host: \n", "host: h\n", 1) }
	default:
		return hosted, false
	}
	hosted = *c
	hosted.input = slices.Concat(c.input[:at], []byte(insert), c.input[at:])
	hosted.messages = nil
	for i, m := range c.messages {
		m = maps.Clone(m)
		delete(m, "begin")
		delete(m, "end")
		if fields, ok := m["fields"]; ok && i == len(got.messages)-1 {
			m["fields"] = edit(fields)
		}
		hosted.messages = append(hosted.messages, m)
	}
	return hosted, true
}

// TestSmuggling puts a request behind every payload that hides one. Of a payload that is to be refused nothing may be
// delivered, neither as a request with any body nor with a request behind it; of the others exactly what their
// Content-Length says.
func TestSmuggling(t *testing.T) {
	cases := smugglerCases(t, corporaFolder(t))
	refused := 0
	for i := range cases {
		c := &cases[i]
		c.wrap("", "GET /behind HTTP/1.1\r\nHost: a\r\n\r\n")
		got := c.read(t)
		bodies := []string{}
		for _, m := range got.messages {
			if body, delivered := m["body"]; delivered {
				bodies = append(bodies, fmt.Sprintf("%s %d bytes", m["target"], len(body)))
			}
		}
		want := []string{}
		if c.verdict == accept {
			want = []string{"/ 5 bytes", "/behind 0 bytes"}
		} else {
			refused++
		}
		if !slices.Equal(bodies, want) || got.complete != len(want) {
			t.Errorf("%s: %d complete messages, %q, want %q", c.id, got.complete, bodies, want)
		}
	}
	t.Logf("%d payloads, %d of them refused", len(cases), refused)
}
