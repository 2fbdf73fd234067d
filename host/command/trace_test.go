package command

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/sluicehttp/sluice/engine"
)

func TestTraceLines(t *testing.T) {
	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	for _, test := range []struct {
		name string
		line any
		want string
	}{
		{"line", eventLine(&engine.TraceEvent{Event: "LINE_READY", Offset: 16, Method: []byte("GET"), Target: []byte("/a?<b>&c"), Version: "1.1"}),
			`{"event":"LINE_READY","offset":16,"method":"GET","target":"/a?<b>&c","version":"1.1"}`},
		{"line of an answer", eventLine(&engine.TraceEvent{Event: "LINE_READY", Status: 404, Reason: []byte("Not Found"), Version: "1.0"}),
			`{"event":"LINE_READY","offset":0,"status":404,"reason":"Not Found","version":"1.0"}`},
		{"piece of a chunk", eventLine(&engine.TraceEvent{Event: "DATA_READY", Offset: 5, Data: []byte("a"), ChunkStart: true}),
			`{"event":"DATA_READY","offset":5,"data":"a","chunk_start":true}`},
		{"trailer", eventLine(&engine.TraceEvent{Event: "TRAILER_READY", Offset: 5, Fields: []engine.TraceField{{Name: []byte("A"), Value: []byte("b")}}}),
			`{"event":"TRAILER_READY","offset":5,"fields":[["A","b"]]}`},
		{"header", eventLine(&engine.TraceEvent{Event: "HEADER_READY", Offset: 40, Fields: []engine.TraceField{{Name: []byte("Host"), Value: []byte("a")}, {Name: []byte("X"), Value: []byte("\"\\\t\xe9\xff")}, {Name: []byte("Y")}}}),
			`{"event":"HEADER_READY","offset":40,"fields":[["Host","a"],["X","\"\\\t` + "\u00e9\u00ff" + `"],["Y",""]]}`},
		{"header without fields", eventLine(&engine.TraceEvent{Event: "HEADER_READY", Offset: 18}),
			`{"event":"HEADER_READY","offset":18,"fields":[]}`},
		{"data", eventLine(&engine.TraceEvent{Event: "DATA_READY", Offset: 1 << 53, Data: []byte("a\r\n\x00\x7f\x80")}),
			`{"event":"DATA_READY","offset":9007199254740992,"data":"a\r\n\u0000` + "\x7f\u0080" + `"}`},
		{"ready", eventLine(&engine.TraceEvent{Event: "READY", Offset: 7}), `{"event":"READY","offset":7}`},
		{"accept", verdictLine(engine.TraceResult{Verdict: "accept", Messages: 2}), `{"verdict":"accept","messages":2}`},
		{"reject", verdictLine(engine.TraceResult{Verdict: "reject", Error: &engine.TraceError{Code: "field_name", Offset: 21, Status: 400}}),
			`{"verdict":"reject","messages":0,"error":{"code":"field_name","offset":21,"status":400}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got bytes.Buffer
			if err := encodeLine(&got, test.line); err != nil {
				t.Fatal(err)
			}
			if want := test.want + "\n"; got.String() != want {
				t.Errorf("\n got %q\nwant %q", got.String(), want)
			}
		})
	}
	t.Run("every byte", func(t *testing.T) {
		var line bytes.Buffer
		if err := encodeLine(&line, latin1(everyByte)); err != nil {
			t.Fatal(err)
		}
		var got string
		if err := json.Unmarshal(line.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		for i, r := range []rune(got) {
			if r != rune(i) {
				t.Fatalf("byte %#x reads back as %U", i, r)
			}
		}
	})
}
