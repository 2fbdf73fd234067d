package main

import (
	"slices"
	"strings"
	"testing"
)

const testGolden = `# a comment
sluice_core setup (i32) -> (i32)
http_events_v1 send (i32 i32) -> (i32)
handler on_event (i32) -> ()
`

func TestCheck(t *testing.T) {
	known, err := parseGolden(testGolden)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, kind string
		module     []byte
		want       []string
	}{
		{"handler", "handler", build(
			[]item{{"http_events_v1", "send", "(i32 i32) -> (i32)"}},
			[]item{{name: "memory", signature: "memory"}, {name: "on_event", signature: "(i32) -> ()"}}), nil},
		{"handler with exports of its own", "handler", build(nil, []item{
			{name: "memory", signature: "memory"},
			{name: "on_event", signature: "(i32) -> ()"},
			{name: "_initialize", signature: "() -> ()"},
			{name: "helper", signature: "(i64) -> (i64)"},
		}), nil},
		{"nothing exported", "handler", build(nil, nil),
			[]string{"does not export memory memory", "does not export on_event (i32) -> ()"}},
		{"wrong types", "handler", build(
			[]item{{"http_events_v1", "send", "(i32) -> (i32)"}},
			[]item{
				{name: "memory", signature: "memory"},
				{name: "on_event", signature: "(i64) -> ()"},
				{name: "_initialize", signature: "(i32) -> ()"},
			}),
			[]string{
				"imports http_events_v1 send (i32) -> (i32), which must be (i32 i32) -> (i32)",
				"exports on_event (i64) -> (), which must be (i32) -> ()",
				"exports _initialize (i32) -> (), which must be () -> ()",
			}},
		{"forbidden imports", "handler", build(
			[]item{
				{"wasi_snapshot_preview1", "sock_accept", "() -> ()"},
				{"wasi_snapshot_preview1", "proc_exit", "(i32) -> ()"},
				{"http_events_v2", "send", "(i32 i32) -> (i32)"},
				{"http_events_v1", "sendfile", "(i32 i32) -> (i32)"},
			},
			[]item{{name: "memory", signature: "memory"}, {name: "on_event", signature: "(i32) -> ()"}}),
			[]string{
				"imports wasi_snapshot_preview1 sock_accept, which is forbidden",
				"imports http_events_v2 send, which is forbidden",
				"imports http_events_v1 sendfile, which is forbidden",
			}},
		{"core", "core", build(
			[]item{{"wasi_snapshot_preview1", "fd_write", "(i32 i32 i32 i32) -> (i32)"}},
			[]item{
				{name: "memory", signature: "memory"},
				{name: "setup", signature: "(i32) -> (i32)"},
				{name: "malloc", signature: "(i32) -> (i32)"},
			}), nil},
		{"core that answers by itself", "core", build(
			[]item{{"http_events_v1", "send", "(i32 i32) -> (i32)"}},
			[]item{
				{name: "memory", signature: "memory"},
				{name: "setup", signature: "(i32) -> (i32)"},
				{name: "debug", signature: "() -> ()"},
			}),
			[]string{
				"imports http_events_v1 send, which is forbidden",
				"exports debug () -> (), which nobody asked for",
			}},
	} {
		m, err := parse(test.module)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got := contractFor(test.kind, known).check(m); !slices.Equal(got, test.want) {
			t.Errorf("%s:\n got %s\nwant %s", test.name, strings.Join(got, "\n     "), strings.Join(test.want, "\n     "))
		}
	}
}

func TestParseRefuses(t *testing.T) {
	whole := build([]item{{"m", "f", "(i32) -> ()"}}, []item{{name: "g", signature: "() -> (i32)"}})
	for size := range whole {
		m, err := parse(whole[:size])
		if err == nil && len(m.exports) > 0 {
			t.Errorf("the first %d of %d bytes were taken for a module with exports", size, len(whole))
		}
	}
	if _, err := parse([]byte("GIF89a")); err == nil {
		t.Error("a picture was taken for a module")
	}
}

func TestParseGoldenRefuses(t *testing.T) {
	for _, text := range []string{"", "sluice_core setup\n", "sluice_core setup () -> ()\nhandler on_event () -> ()\n"} {
		if _, err := parseGolden(text); err == nil {
			t.Errorf("%q was taken for a golden", text)
		}
	}
}

// build makes a module with these imports and exports and a memory; exported functions have no code, which nothing here
// looks at.
func build(imports, exports []item) []byte {
	var types, imported, functions, exported []byte
	typeIndex := func(signature string) byte {
		types = append(types, 0x60)
		for part := range strings.SplitSeq(signature, " -> ") {
			names := strings.Fields(strings.Trim(part, "()"))
			types = append(types, byte(len(names)))
			for _, name := range names {
				types = append(types, map[string]byte{"i32": 0x7f, "i64": 0x7e}[name])
			}
		}
		return byte(strings.Count(string(types), "\x60") - 1)
	}
	text := func(s string) []byte { return append([]byte{byte(len(s))}, s...) }
	for _, i := range imports {
		imported = append(append(append(imported, text(i.module)...), text(i.name)...), externFunc, typeIndex(i.signature))
	}
	count := 0
	for _, e := range exports {
		exported = append(exported, text(e.name)...)
		if e.signature == "memory" {
			exported = append(exported, externMemory, 0)
			continue
		}
		functions = append(functions, typeIndex(e.signature))
		exported = append(exported, externFunc, byte(len(imports)+count))
		count++
	}
	wasm := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range []struct {
		id    byte
		count int
		body  []byte
	}{
		{sectionType, len(imports) + count, types},
		{sectionImport, len(imports), imported},
		{sectionFunction, count, functions},
		{sectionMemory, 1, []byte{0, 1}},
		{sectionExport, len(exports), exported},
	} {
		size := len(s.body) + 1
		wasm = append(wasm, s.id, byte(size&0x7f|0x80), byte(size>>7), byte(s.count))
		wasm = append(wasm, s.body...)
	}
	return wasm
}
