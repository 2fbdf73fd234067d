package llhttp_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	. "github.com/sluicehttp/sluice/engine/internal/llhttp"
)

// corpusCase is a case of http1-llhttp.json: what a native llhttp 9.4.2 said of an input.
type corpusCase struct {
	ID       string
	Kind     string
	Input    []byte `json:"input_b64"`
	Finish   *int   // what llhttp_finish would do, in cases about the end of input
	Verdict  Verdict
	Messages []corpusMessage
	Error    *corpusError
}

type corpusError struct {
	Name, Reason string
	Offset       int
}

type corpusMessage struct {
	Method, URL, Version string
	Status               string
	StatusCode           int `json:"status_code"`
	Headers, Trailers    [][2]string
	Body                 string
	HeadersComplete      bool `json:"headers_complete"`
	Complete             bool
}

// differences are the cases of which the module in undici says something else than the corpus, with what it says and why.
// It was built from llhttp 9.3.1; each is a fault that was mended between the two versions.
var differences = map[string]struct {
	outcome string
	reason  string
}{
	"request/connection.md:342": {"incomplete, 2 messages",
		"with a tab behind it, 9.3.1 takes `close` for an option that it does not know"},
	"request/content-length.md:317": {"reject, 1 messages, INVALID_CONTENT_LENGTH at 35",
		"behind a length, 9.3.1 takes spaces, but no tabs"},
	"response/content-length.md:168": {"reject, 1 messages, INVALID_CONTENT_LENGTH at 35",
		"behind a length, 9.3.1 takes spaces, but no tabs"},
	"response/invalid.md:176": {"accept, 1 messages",
		"9.3.1 takes CR CR for the end of a status line"},
}

// TestCorpus compares what llhttp says of its own test cases with what was recorded of a newer version, with each build.
//
// Not compared is what this build of llhttp does not tell: where messages begin and end, chunks and their extensions, the
// method of a request whose target was not told, and the version of a message whose head did not end. Where there is no
// version, llhttp calls it 0.9, and the corpus has none.
func TestCorpus(t *testing.T) {
	corpus := readCorpus(t)
	for _, build := range Builds {
		t.Run(build.Name(), func(t *testing.T) {
			parsers := openParsers(t, build)
			for _, c := range corpus {
				outcome := parse(t, parsers[c.Kind], c.Input)
				if difference, ok := differences[c.ID]; ok {
					if got := summary(&outcome); got != difference.outcome {
						t.Errorf("%s: %s, want %s: %s", c.ID, got, difference.outcome, difference.reason)
					}
					continue
				}
				compare(t, &c, &outcome)
				if c.Finish != nil {
					finish(t, &c, parsers[c.Kind], &outcome)
				}
			}
			t.Logf("%d cases, %d of them differ as they should", len(corpus), len(differences))
		})
	}
}

// TestCorpusSplit says that an outcome does not depend on how the input is split, but for the end of what was refused.
func TestCorpusSplit(t *testing.T) {
	parsers := openParsers(t, SIMD)
	for _, c := range readCorpus(t) {
		p := parsers[c.Kind]
		whole := parse(t, p, c.Input)
		split := parse(t, p, nil)
		for i := range c.Input {
			var err error
			if split, err = p.Execute(c.Input[i : i+1]); err != nil {
				t.Fatal(err)
			}
		}
		if whole.Verdict() == Reject {
			forgetLast(&whole)
			forgetLast(&split)
		}
		if got, want := fmt.Sprintf("%+v", split), fmt.Sprintf("%+v", whole); got != want {
			t.Errorf("%s %q\nbyte by byte %s\nwhole        %s", c.ID, c.Input, got, want)
		}
	}
}

// forgetLast forgets what was told of a message in which the error is.
func forgetLast(o *Outcome) {
	if last := len(o.Messages) - 1; last >= 0 && !o.Messages[last].Complete {
		o.Messages[last] = Message{}
	}
}

// TestDifferences finds differences of cases that are not in the corpus.
func TestDifferences(t *testing.T) {
	corpus := readCorpus(t)
	for id := range differences {
		if !slices.ContainsFunc(corpus, func(c corpusCase) bool { return c.ID == id }) {
			t.Errorf("there is no case %s", id)
		}
	}
}

// readCorpus reads the cases from the corpora that lie beside the project, and ends the test where they do not.
func readCorpus(t *testing.T) []corpusCase {
	t.Helper()
	dir := cmp.Or(os.Getenv("SLUICE_CORPORA"), filepath.Join("..", "..", "..", "..", "shared", "corpora"))
	content, err := os.ReadFile(filepath.Join(dir, "http1-llhttp.json"))
	if err != nil {
		t.Skipf("no corpora: %v; SLUICE_CORPORA names their folder", err)
	}
	var corpus struct{ Cases []corpusCase }
	if err := json.Unmarshal(content, &corpus); err != nil {
		t.Fatal(err)
	}
	if len(corpus.Cases) == 0 {
		t.Fatal("a corpus without cases")
	}
	return corpus.Cases
}

// compare compares an outcome with a case.
func compare(t *testing.T, c *corpusCase, got *Outcome) {
	t.Helper()
	differ := func(what string, got, want any) {
		if got != want {
			t.Errorf("%s %q: %s %#v, want %#v", c.ID, c.Input, what, got, want)
		}
	}
	differ("verdict", got.Verdict(), c.Verdict)
	differ("error", corpusError{got.Error, got.Reason, got.Offset}, wantError(c))
	differ("messages", len(got.Messages), len(c.Messages))
	for i := range min(len(got.Messages), len(c.Messages)) {
		compareMessage(differ, fmt.Sprintf("message %d, ", i), &got.Messages[i], &c.Messages[i])
	}
}

// wantError is the error of a case. Without one, everything was read.
func wantError(c *corpusCase) corpusError {
	if c.Error == nil {
		return corpusError{Offset: len(c.Input)}
	}
	return *c.Error
}

func compareMessage(differ func(what string, got, want any), which string, got *Message, want *corpusMessage) {
	if want.URL != "" {
		differ(which+"method", got.Method, want.Method)
	}
	differ(which+"target", got.Target, want.URL)
	differ(which+"reason", got.Reason, want.Status)
	differ(which+"status", got.Status, want.StatusCode)
	if want.HeadersComplete && want.Version != "" {
		differ(which+"version", fmt.Sprintf("%d.%d", got.Major, got.Minor), want.Version)
	}
	differ(which+"fields", fmt.Sprintf("%q", pairs(got.Fields)), fmt.Sprintf("%q", want.Headers))
	differ(which+"trailers", fmt.Sprintf("%q", pairs(got.Trailers)), fmt.Sprintf("%q", want.Trailers))
	differ(which+"body", got.Body, want.Body)
	differ(which+"head complete", got.HeadComplete, want.HeadersComplete)
	differ(which+"complete", got.Complete, want.Complete)
}

func pairs(fields []Field) [][2]string {
	var all [][2]string
	for _, f := range fields {
		all = append(all, [2]string{f.Name, f.Value})
	}
	return all
}

// finish ends the input of a case that says what comes of it: 0 nothing, 1 the last message is complete, 2 an error.
func finish(t *testing.T, c *corpusCase, p *Parser, before *Outcome) {
	t.Helper()
	want := summary(before)
	switch *c.Finish {
	case 1:
		want = fmt.Sprintf("accept, %d messages", len(before.Messages))
	case 2:
		want = fmt.Sprintf("reject, %d messages, INVALID_EOF_STATE at %d", len(before.Messages), len(c.Input))
	}
	outcome, err := p.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if got := summary(&outcome); got != want {
		t.Errorf("%s %q: at its end %s, want %s", c.ID, c.Input, got, want)
	}
}

// summary is an outcome in a few words.
func summary(o *Outcome) string {
	text := fmt.Sprintf("%s, %d messages", o.Verdict(), len(o.Messages))
	if o.Error != "" {
		text += fmt.Sprintf(", %s at %d", o.Error, o.Offset)
	}
	return text
}
