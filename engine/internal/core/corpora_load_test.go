package core_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/internal/corpus"
)

// corporaLoaders load the cases of one corpus each.
var corporaLoaders = []func(t *testing.T, folder string) []foreign{llhttpCases, parserCases, h11Cases, smugglerCases}

// findCorpora finds the folder of the corpora that others wrote.
func findCorpora() (folder string, err error) {
	folder = os.Getenv("SLUICE_CORPORA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "..", "shared", "corpora")
	}
	if _, err := os.Stat(folder); err != nil {
		return "", fmt.Errorf("no corpora: %w; SLUICE_CORPORA names their folder", err)
	}
	return folder, nil
}

// corporaFolder is the folder of the corpora. Without it the test is skipped.
func corporaFolder(t *testing.T) string {
	t.Helper()
	folder, err := findCorpora()
	if err != nil {
		t.Skip(err)
	}
	return folder
}

// loadJSON reads a corpus.
func loadJSON(t *testing.T, folder, name string, into any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, name+".json"))
	if err == nil {
		err = json.Unmarshal(content, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// base64Bytes are bytes that a corpus holds in base64.
type base64Bytes []byte

func (b *base64Bytes) UnmarshalJSON(text []byte) (err error) {
	var encoded string
	if err := json.Unmarshal(text, &encoded); err != nil {
		return err
	}
	*b, err = base64.StdEncoding.DecodeString(encoded)
	return err
}

// pairs are fields as a corpus lists them.
type pairs [][2]string

// lines are the fields as text, each read with decode.
func (p pairs) lines(decode func(string) string) string {
	var fields []corpus.Field
	for _, field := range p {
		fields = append(fields, corpus.Field{Name: []byte(decode(field[0])), Value: []byte(decode(field[1]))})
	}
	return fieldLines(fields)
}

// utf8 and latin1 are the two ways in which corpora hold bytes as text.
func utf8(text string) string { return text }

func latin1(text string) string {
	var b []byte
	for _, r := range text {
		b = append(b, byte(r))
	}
	return string(b)
}

// asClient are the settings for answers. The requests ask for an upgrade, so that an answer may agree to one.
func asClient(client bool) corpus.Settings {
	settings := corpus.Defaults()
	settings.Answer = corpus.AnswerUpgrade
	settings.Client, settings.AsksUpgrade = client, client
	return settings
}

// llhttpCases are the cases of llhttp's own tests.
func llhttpCases(t *testing.T, folder string) (cases []foreign) {
	t.Helper()
	var file struct {
		Cases []struct {
			ID       string
			Kind     string
			Input    base64Bytes `json:"input_b64"`
			EOF      bool        `json:"eof_after_input"`
			Finish   int
			Verdict  verdict
			Complete int `json:"complete_messages"`
			Messages []llhttpMessage
		}
	}
	loadJSON(t, folder, "http1-llhttp", &file)
	for _, c := range file.Cases {
		settings := asClient(c.Kind == "response")
		settings.EOF = c.EOF
		if c.EOF && c.Finish == 1 {
			// The end of the input completes the message.
			c.Verdict = accept
			c.Complete++
		}
		f := foreign{
			corpus: "http1-llhttp", id: c.ID, input: c.Input, settings: settings, verdict: c.Verdict, complete: c.Complete,
		}
		for i := range c.Messages {
			if c.Messages[i].HeadersComplete {
				f.messages = append(f.messages, c.Messages[i].parts(settings.Client))
			}
		}
		cases = append(cases, f)
	}
	return cases
}

// llhttpMessage is a message as llhttp's corpus tells of it.
type llhttpMessage struct {
	Method, URL, Version, Status, Body string
	StatusCode                         int `json:"status_code"`
	Headers, Trailers                  pairs
	HeadersComplete                    bool `json:"headers_complete"`
	Complete                           bool
	Begin, End                         int
}

// parts are the parts of a message whose head is complete.
func (m *llhttpMessage) parts(client bool) message {
	parts := message{"version": m.Version, "fields": m.Headers.lines(utf8), "body": m.Body}
	if client {
		parts["status"], parts["reason"] = fmt.Sprint(m.StatusCode), m.Status
	} else {
		parts["method"], parts["target"] = m.Method, m.URL
	}
	if m.Complete {
		parts["begin"], parts["end"] = fmt.Sprint(m.Begin), fmt.Sprint(m.End)
		parts["trailers"] = m.Trailers.lines(utf8)
	}
	return parts
}

// parserCases are the cases of http_parser, picohttpparser and httparse.
func parserCases(t *testing.T, folder string) (cases []foreign) {
	t.Helper()
	var file struct {
		Cases []struct {
			ID, Parse, Mode string
			Input           base64Bytes `json:"input_b64"`
			Text            string      `json:"input"`
			Verdict         verdict
			Expected        json.RawMessage
			Decoded         *string
			ConsumeTrailer  *bool `json:"consume_trailer"`
		}
	}
	loadJSON(t, folder, "http1-parsers", &file)
	for _, c := range file.Cases {
		f := foreign{
			corpus: "http1-parsers", id: c.ID, input: c.Input, settings: asClient(c.Parse == "response"),
			headOnly: c.Mode == "head only", verdict: c.Verdict, complete: uncounted,
		}
		if c.Input == nil {
			f.input = []byte(latin1(c.Text))
		}
		switch c.Parse {
		case "headers":
			f.wrap("GET / HTTP/1.1\r\n", "")
		case "chunked-body":
			f.wrapChunks(c.Decoded, c.ConsumeTrailer)
		case "chunk-size-line":
			f.wrapChunkLine(t, c.Expected)
		default:
			f.setParserMessage(t, c.Expected)
		}
		cases = append(cases, f)
	}
	return cases
}

// parserMessage is a message as these parsers' cases tell of it. http_parser gives a version as text, httparse its minor
// number.
type parserMessage struct {
	Method, URL, Path, Reason, Body *string
	Version                         json.RawMessage
	StatusCode                      int `json:"status_code"`
	Code                            int
	Headers                         *pairs
	Chunks                          []int
	KeepAlive                       *bool   `json:"should_keep_alive"`
	CompleteOnEOF                   bool    `json:"complete_on_eof"`
	UpgradeRest                     *string `json:"upgrade_rest"`
}

// setParserMessage takes what a case says of its only message.
func (f *foreign) setParserMessage(t *testing.T, expected json.RawMessage) {
	t.Helper()
	if len(expected) == 0 || string(expected) == "null" {
		return
	}
	var m parserMessage
	if err := json.Unmarshal(expected, &m); err != nil {
		t.Fatalf("%s: %v", f.id, err)
	}
	f.settings.EOF = m.CompleteOnEOF
	if m.UpgradeRest != nil {
		f.verdict = upgrade
		m.KeepAlive = nil // of a connection that leaves HTTP
	}
	if f.verdict != incomplete {
		f.messages = []message{m.parts()}
	}
}

// parts are the parts of the message that the case tells of.
func (m *parserMessage) parts() message {
	parts := message{}
	set := func(part string, text *string) {
		if text != nil {
			parts[part] = latin1(*text)
		}
	}
	set("method", m.Method)
	set("target", m.Path)
	set("target", m.URL)
	set("reason", m.Reason)
	set("body", m.Body)
	set("raw", m.UpgradeRest)
	if version := strings.Trim(string(m.Version), `"`); version != "" {
		parts["version"] = "1." + strings.TrimPrefix(version, "1.")
	}
	if status := m.StatusCode + m.Code; status != 0 {
		parts["status"] = fmt.Sprint(status)
	}
	if m.Headers != nil {
		parts["fields"] = m.Headers.lines(latin1)
	}
	if m.KeepAlive != nil {
		parts["keep-alive"] = fmt.Sprint(*m.KeepAlive)
	}
	if len(m.Chunks) > 0 {
		parts["chunks"] = ""
		for _, size := range m.Chunks[:len(m.Chunks)-1] {
			parts["chunks"] += fmt.Sprintf("%d ", size)
		}
	}
	return parts
}

// wrap puts what is missing of a message around an input.
func (f *foreign) wrap(before, behind string) {
	f.input = []byte(before + string(f.input) + behind)
}

// chunkedHead is the head of a request whose body is in chunks.
const chunkedHead = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"

// wrapChunks makes a message of a body in chunks. A decoder that leaves trailers to others ends with the last chunk: the line
// that ends the body is added for it.
func (f *foreign) wrapChunks(decoded *string, consumeTrailer *bool) {
	end := ""
	if consumeTrailer != nil && !*consumeTrailer && bytes.HasSuffix(f.input, []byte("\n0\r\n")) {
		end = "\r\n"
	}
	f.wrap(chunkedHead, end)
	if decoded != nil {
		f.messages = []message{{"body": latin1(*decoded)}}
	}
}

// wrapChunkLine makes the begin of a message of the line in front of a chunk. That the line is complete shows in the byte
// that is added behind it: it is taken for data. The last chunk gets its end instead. expected holds the length of the line
// and the size of the chunk, as text.
func (f *foreign) wrapChunkLine(t *testing.T, expected json.RawMessage) {
	t.Helper()
	if f.verdict != accept {
		f.wrap(chunkedHead, "")
		return
	}
	var text, size string
	var length int
	err := json.Unmarshal(expected, &text)
	if _, scanErr := fmt.Sscanf(text, "%d, %s", &length, &size); err != nil || scanErr != nil {
		t.Fatalf("%s: %s: %v, %v", f.id, expected, err, scanErr)
	}
	if size == "0" {
		f.wrap(chunkedHead, "\r\n")
		return
	}
	f.verdict = incomplete
	f.messages = []message{{"body": string(f.input[length:]) + "x"}}
	f.wrap(chunkedHead, "x")
}

// lengthOnly is the verdict on payloads whose Transfer-Encoding is none, so that Content-Length frames the body.
const lengthOnly verdict = "cl-only"

// smugglerCases are payloads that hide a request in another. Where a case leaves a choice, to refuse is one.
func smugglerCases(t *testing.T, folder string) (cases []foreign) {
	t.Helper()
	var file struct {
		Cases []struct {
			ID      string
			Input   base64Bytes `json:"input_b64"`
			Verdict verdict
		}
	}
	loadJSON(t, folder, "http1-smuggler", &file)
	for _, c := range file.Cases {
		f := foreign{
			corpus: "http1-smuggler", id: c.ID, input: c.Input, settings: asClient(false), verdict: reject, complete: uncounted,
		}
		if c.Verdict == lengthOnly {
			f.verdict, f.complete = accept, 1
			f.messages = []message{{"body": "0\r\n\r\n"}}
		}
		cases = append(cases, f)
	}
	return cases
}

// fuzzInputs are what other people's fuzzers have found.
func fuzzInputs(t *testing.T, folder string) (inputs [][]byte) {
	t.Helper()
	const name = "fuzz-http1.tgz"
	file, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if err == io.EOF {
			return inputs
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if header.Typeflag != tar.TypeReg || header.Name == "LICENSE" {
			continue
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		inputs = append(inputs, content)
	}
}
