package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shared begins a document whose types are for everyone, on one line so that the lines of a test count from 2.
const shared = ";;; ===== Types that handlers and the core share =====\n"

func TestRefuses(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       string // the beginning of a line of the error
	}{
		{"open list", "(typename $a u8", "x.witx:1: a parenthesis that is never closed"},
		{"closing parenthesis", "(typename $a u8))", "x.witx:1: a closing parenthesis too many"},
		{"open quote", "(module $handler\n (@interface func (export \"f\n\")))", "x.witx:2: a quote that is never closed"},
		{"comment on nothing", "(typename $a u8\n;;; Lost.\n)", "x.witx:2: a ;;; comment in front of nothing"},
		{"comment at the end", ";;; Lost.\n", "x.witx:1: a ;;; comment in front of nothing"},
		{"unknown form", "(use \"other.witx\")", "x.witx:1: not a typename, a constant or a module"},
		{"no section", ";;; Doc.\n(typename $a u8)", "x.witx:2: type a stands below no known heading"},
		{"unknown section", ";; ===== Odds and ends =====\n;;; Doc.\n(typename $a u8)", "x.witx:3: type a stands below no known heading"},

		{"undocumented type", shared + "(typename $a u8)", "x.witx:2: type a is not documented"},
		{"empty documentation", shared + ";;;\n(typename $a u8)", "x.witx:3: type a is not documented"},
		{"undocumented case", shared + ";;; Doc.\n(typename $a (enum (@witx tag u8)\n$b))", "x.witx:4: case b is not documented"},
		{"undocumented flag", shared + ";;; Doc.\n(typename $a (flags (@witx repr u8)\n$b))", "x.witx:4: flag b is not documented"},
		{"undocumented field", shared + ";;; Doc.\n(typename $a (record\n(field $b u8)))", "x.witx:4: field b is not documented"},
		{"undocumented constant", shared + ";;; Doc.\n(typename $a u8)\n(@witx const $a $b 1)", "x.witx:4: constant b is not documented"},
		{"undocumented module", "(module $handler)", "x.witx:1: module handler is not documented"},
		{"undocumented function", ";;; Doc.\n(module $handler\n(@interface func (export \"f\")))", "x.witx:3: function f is not documented"},
		{"undocumented parameter", functions(`(param $p u8)`), "x.witx:4: param p is not documented"},
		{"undocumented result", functions(`(result $r u8)`), "x.witx:4: result r is not documented"},

		{"second type", shared + ";;; Doc.\n(typename $a u8)\n;;; Doc.\n(typename $a u8)", "x.witx:5: type a exists since line 3; give it another name"},
		{"second case", shared + ";;; Doc.\n(typename $a (enum (@witx tag u8)\n;;; Doc.\n$b\n;;; Doc.\n$b))", "x.witx:7: b exists since line 5"},
		{"second flag", shared + ";;; Doc.\n(typename $a (flags (@witx repr u8)\n;;; Doc.\n$b\n;;; Doc.\n$b))", "x.witx:7: b exists since line 5"},
		{"second field", shared + ";;; Doc.\n(typename $a (record\n;;; Doc.\n(field $b u8)\n;;; Doc.\n(field $b u8)))", "x.witx:7: b exists since line 5"},
		{"second constant", shared + ";;; Doc.\n(typename $a u8)\n;;; Doc.\n(@witx const $a $b 1)\n;;; Doc.\n(@witx const $a $b 2)", "x.witx:7: b exists since line 5"},
		{"second module", ";;; Doc.\n(module $handler)\n;;; Doc.\n(module $handler)", "x.witx:4: module handler exists since line 2"},
		{"second function", ";;; Doc.\n(module $handler\n;;; Doc.\n(@interface func (export \"f\"))\n;;; Doc.\n(@interface func (export \"f\")))", "x.witx:6: f exists since line 4"},
		{"second parameter", functions("\n;;; Doc.\n(param $p u8)\n;;; Doc.\n(param $p u8)"), "x.witx:8: p exists since line 6"},
		{"second result", functions("\n;;; Doc.\n(result $r u8)\n;;; Doc.\n(result $s u8)"), "x.witx:8: a second result"},
		{"unknown module", ";;; Doc.\n(module $elsewhere)", "x.witx:2: no module elsewhere is known"},

		{"capitals", shared + ";;; Doc.\n(typename $A u8)", `x.witx:3: "$A" is no name`},
		{"name without $", shared + ";;; Doc.\n(typename a u8)", `x.witx:3: "a" is no name`},
		{"two underscores", shared + ";;; Doc.\n(typename $a__b u8)", `x.witx:3: "$a__b" is no name`},
		{"unknown type", shared + ";;; Doc.\n(typename $a $b)", "x.witx:3: no type $b above"},
		{"signed", shared + ";;; Doc.\n(typename $a s32)", "x.witx:3: no type s32 above"},
		{"later type", shared + ";;; Doc.\n(typename $a (list $b))\n;;; Doc.\n(typename $b u8)", "x.witx:3: no type $b above"},
		{"second name", shared + ";;; Doc.\n(typename $a u8)\n;;; Doc.\n(typename $b $a)", "x.witx:5: a second name for a"},
		{"variant", shared + ";;; Doc.\n(typename $a (variant))", "x.witx:3: a type the generator does not know"},
		{"list of lists", shared + ";;; Doc.\n(typename $a (list (list u8)))", "x.witx:3: a type without a name inside another one"},
		{"enum without width", shared + ";;; Doc.\n(typename $a (enum\n;;; Doc.\n$b))", "x.witx:3: the width is not fixed"},
		{"flags with a tag", shared + ";;; Doc.\n(typename $a (flags (@witx tag u8)\n;;; Doc.\n$b))", "x.witx:3: the width is not fixed"},
		{"too many flags", shared + ";;; Doc.\n(typename $a (flags (@witx repr u8)" + members(9) + "))", "x.witx:3: 9 flags in 8 bits"},
		{"too many cases", shared + ";;; Doc.\n(typename $a (enum (@witx tag u8)" + members(257) + "))", "x.witx:3: 257 cases in 8 bits"},
		{"constant too large", shared + ";;; Doc.\n(typename $a u8)\n;;; Doc.\n(@witx const $a $b 256)", "x.witx:5: 256 is no number of 8 bits"},
		{"constant of a record", shared + ";;; Doc.\n(typename $a (record\n;;; Doc.\n(field $b u8)))\n;;; Doc.\n(@witx const $a $c 1)", "x.witx:7: a constant of $a"},
		{"bool in a record", shared + ";;; Doc.\n(typename $a (record\n;;; Doc.\n(field $b bool)))", "x.witx:5: a field of a type that has no place in memory"},
		{"record in place", shared + ";;; Doc.\n(typename $a (record\n;;; Doc.\n(field $b (record (field $c u8)))))", "x.witx:5: field b has a type without a name"},
		{"list in place", shared + ";;; Doc.\n(typename $a (record\n;;; Doc.\n(field $b (list u8))))", "x.witx:5: field b has a type without a name"},
		{"handle in place", functions("\n;;; Doc.\n(param $p (handle))"), "x.witx:6: param p has a type without a name"},
		{"record by value", shared + ";;; Doc.\n(typename $a (record\n;;; Doc.\n(field $b u8)))\n;;; Doc.\n(module $handler\n;;; Doc.\n(@interface func (export \"f\")\n;;; Doc.\n(param $p $a)))", "x.witx:11: parameter p cannot be passed by value"},
		{"list as a result", functions("\n;;; Doc.\n(result $r (list u8))"), "x.witx:6: a result that the reference cannot lower"},
		{"import without errno", ";;; Doc.\n(module $http_events_v1\n;;; Doc.\n(@interface func (export \"f\")\n;;; Doc.\n(result $r u32)))", "x.witx:6: f does not give back an errno"},

		{"subscriptions too few", events("a", "b") + subscriptions("a"), "x.witx:9: subscriptions has no flag for event b"},
		{"subscriptions too many", events("a") + subscriptions("a", "b"), "x.witx:11: no event belongs to flag b"},
		{"subscriptions in another order", events("a", "b") + subscriptions("b", "a"), "x.witx:11: flag b has the bit of event a"},

		{"core's type for handlers", shared + ";;; ===== What the core and its host share =====\n;;; Doc.\n(typename $a u8)\n;;; Doc.\n(module $handler\n;;; Doc.\n(@interface func (export \"f\")\n;;; Doc.\n(param $p $a)))", "x.witx:4: type a stands in the section for core and is used for handlers"},
		{"handlers' type for the core", ";;; ===== What handlers see =====\n;;; Doc.\n(typename $a u8)\n;;; ===== What the core and its host share =====\n;;; Doc.\n(typename $b (list $a))", "x.witx:3: type a stands in the section for handlers and is used for core"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseDocument("x.witx", test.text)
			if err == nil {
				t.Fatalf("accepted; want %s", test.want)
			}
			lines := strings.Split(err.Error(), "\n")
			if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, test.want) }) {
				t.Errorf("got\n%s\nwant a line that begins with\n%s", err, test.want)
			}
			for _, line := range lines {
				if !strings.Contains(line, "; ") {
					t.Errorf("%q does not say what to do", line)
				}
			}
		})
	}
}

// functions is a module with one function; parts begin on line 4.
func functions(parts string) string {
	return ";;; Doc.\n(module $handler\n;;; Doc.\n(@interface func (export \"f\")" + parts + "))"
}

func members(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\n;;; Doc.\n$m%d", i)
	}
	return b.String()
}

// events is an enum from line 3 on: the cases are on lines 5, 7 and so on.
func events(names ...string) string { return shared + named("event", "enum (@witx tag u8)", names) }

func subscriptions(names ...string) string {
	return named("subscriptions", "flags (@witx repr u32)", names)
}

func named(typ, form string, names []string) string {
	text := fmt.Sprintf(";;; Doc.\n(typename $%s (%s", typ, form)
	for _, name := range names {
		text += "\n;;; Doc.\n$" + name
	}
	return text + "))\n"
}

// TestReportsEveryMistake wants all of them in the order of the file, not only the first.
func TestReportsEveryMistake(t *testing.T) {
	_, err := parseDocument("x.witx", shared+"(typename $a u8)\n(typename $b u99)\n(typename $c u8)")
	const want = "x.witx:2: type a is not documented; say in ;;; lines above it what it means, with unit, range and owner\n" +
		"x.witx:3: no type u99 above; define it further up, or use u8, u16, u32, u64 or bool\n" +
		"x.witx:4: type c is not documented; say in ;;; lines above it what it means, with unit, range and owner"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestLayout(t *testing.T) {
	const types = shared + `
;;; Doc.
(typename $wide u64)
;;; Doc.
(typename $handle (handle))
;;; Doc.
(typename $bytes (list u8))
;;; Doc.
(typename $kind (enum (@witx tag u16)
  ;;; Doc.
  $a))
;;; Doc.
(typename $inner (record
  ;;; Doc.
  (field $small u8)
  ;;; Doc.
  (field $kind $kind)))
`
	for _, test := range []struct {
		fields      string
		offsets     []int
		size, align int
	}{
		{"u8", []int{0}, 1, 1},
		{"u8 u8 u8", []int{0, 1, 2}, 3, 1},
		{"u8 u16", []int{0, 2}, 4, 2},
		{"u8 u32 u8", []int{0, 4, 8}, 12, 4},
		{"u8 $wide", []int{0, 8}, 16, 8},
		{"$wide u8", []int{0, 8}, 16, 8},
		{"u8 $bytes u8", []int{0, 4, 12}, 16, 4},
		{"$inner u8 $inner", []int{0, 4, 6}, 10, 2},
		{"$kind u8 $kind", []int{0, 2, 4}, 6, 2},
		{"u8 $handle u16", []int{0, 4, 8}, 12, 4},
		{"u8 (@witx pointer u8) u8 (@witx const_pointer $wide)", []int{0, 4, 8, 12}, 16, 4},
		{"u16 $bytes", []int{0, 4}, 12, 4},
	} {
		t.Run(test.fields, func(t *testing.T) {
			text := types + ";;; Doc.\n(typename $r (record"
			nodes, err := readNodes("x.witx", test.fields)
			if err != nil {
				t.Fatal(err)
			}
			for i, n := range nodes {
				text += fmt.Sprintf("\n;;; Doc.\n(field $f%d %s)", i, form(n))
			}
			doc, err := parseDocument("x.witx", text+"))")
			if err != nil {
				t.Fatal(err)
			}
			r := doc.types[len(doc.types)-1]
			var offsets []int
			for _, f := range r.members {
				offsets = append(offsets, f.offset)
			}
			if !slices.Equal(offsets, test.offsets) || r.size != test.size || r.align != test.align {
				t.Errorf("got offsets %v, size %d, align %d", offsets, r.size, r.align)
			}
		})
	}
}

// form writes a node as it was read.
func form(n *node) string {
	if !n.isList() {
		return n.atom
	}
	var parts []string
	for _, e := range n.list {
		parts = append(parts, form(e))
	}
	return "(" + strings.Join(parts, " ") + ")"
}

func TestSignatures(t *testing.T) {
	const types = shared + `
;;; Doc.
(typename $errno (enum (@witx tag u16)
  ;;; Doc.
  $success))
;;; Doc.
(typename $few (flags (@witx repr u8)
  ;;; Doc.
  $a))
;;; Doc.
(typename $many (flags (@witx repr u64)
  ;;; Doc.
  $a))
;;; Doc.
(typename $bytes (list u8))
;;; Doc.
(typename $handle (handle))
`
	for _, test := range []struct{ parts, want string }{
		{"", "() -> ()"},
		{"(param u8) (param u16) (param u32) (param u64) (param bool)", "(i32 i32 i32 i64 i32) -> ()"},
		{"(param $bytes) (param (list u8))", "(i32 i32 i32 i32) -> ()"},
		{"(param $few) (param $many) (param $errno)", "(i32 i64 i32) -> ()"},
		{"(param $handle) (param (@witx pointer u64))", "(i32 i32) -> ()"},
		{"(result (expected (error $errno)))", "() -> (i32)"},
		{"(result u64)", "() -> (i64)"},
		{"(result $many)", "() -> (i64)"},
		{"(result (@witx const_pointer u8))", "() -> (i32)"},
	} {
		t.Run(test.parts, func(t *testing.T) {
			nodes, err := readNodes("x.witx", test.parts)
			if err != nil {
				t.Fatal(err)
			}
			text := types + ";;; Doc.\n(module $handler\n;;; Doc.\n(@interface func (export \"f\")"
			for i, n := range nodes {
				text += fmt.Sprintf("\n;;; Doc.\n(%s $p%d %s)", n.head(), i, form(n.list[1]))
			}
			doc, err := parseDocument("x.witx", text+"))")
			if err != nil {
				t.Fatal(err)
			}
			golden, err := signaturesGolden(doc)
			if err != nil {
				t.Fatal(err)
			}
			if want := "handler f " + test.want; !strings.Contains(string(golden), want) {
				t.Errorf("got\n%s\nwant %s", golden, want)
			}
		})
	}
}

func TestNames(t *testing.T) {
	for _, test := range []struct{ name, golang, pascal, js, shout string }{
		{"no_session", "NoSession", "NoSession", "noSession", "NO_SESSION"},
		{"http_1_0", "HTTP10", "Http10", "http10", "HTTP_1_0"},
		{"http2_preface", "HTTP2Preface", "Http2Preface", "http2Preface", "HTTP2_PREFACE"},
		{"eof", "EOF", "Eof", "eof", "EOF"},
	} {
		if got := goName(test.name); got != test.golang {
			t.Errorf("in Go: %s, want %s", got, test.golang)
		}
		if got := pascal(test.name); got != test.pascal {
			t.Errorf("in Rust: %s, want %s", got, test.pascal)
		}
		if got := jsName(test.name); got != test.js {
			t.Errorf("in JavaScript: %s, want %s", got, test.js)
		}
		if got := shout(test.name); got != test.shout {
			t.Errorf("as a constant: %s, want %s", got, test.shout)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"nothing", nil, nil},
		{"joins", []string{"one two", "three"}, []string{"one two", "three"}},
		{"joins short lines", []string{"one", "two"}, []string{"one two"}},
		{"breaks", []string{"one two three"}, []string{"one two", "three"}},
		{"keeps paragraphs", []string{"one", "", "two"}, []string{"one", "", "two"}},
		{"keeps long words", []string{"a bcdefghijklmn o"}, []string{"a", "bcdefghijklmn", "o"}},
		{"indents lists", []string{"- one two", "- three"}, []string{"  - one", "    two", "  - three"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := wrap(test.lines, 8); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestVectorsLeavePaddingZero(t *testing.T) {
	doc := readEvents(t)
	for _, r := range ofKind(doc.types, kindRecord) {
		used := make([]bool, r.size)
		r.mark(used)
		for _, v := range vectorsOf(r) {
			for i, b := range v.bytes {
				if !used[i] && b != 0 {
					t.Errorf("%s/%s: byte %d belongs to no field and is %d", r.name, v.name, i, b)
				}
			}
		}
	}
}

// TestGeneratedFilesAreCurrent is what `go run ./abi/gen -check` does.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	if err := run("../..", true, io.Discard); err != nil {
		t.Error(err)
	}
}

func TestGeneratesTheSameTwice(t *testing.T) {
	first, err := generate(readEvents(t))
	if err != nil {
		t.Fatal(err)
	}
	second, err := generate(readEvents(t))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range first {
		if !bytes.Equal(f.content, second[i].content) {
			t.Errorf("%s is not the same again", f.path)
		}
		if !bytes.Contains(f.content[:min(len(f.content), 200)], []byte(notice)) {
			t.Errorf("%s does not begin with the notice", f.path)
		}
	}
}

// TestCheck writes into an empty folder, spoils two files and wants to hear of these.
func TestCheck(t *testing.T) {
	root := t.TempDir()
	text, err := os.ReadFile(filepath.Join("../..", source))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "abi"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, source), text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(root, false, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := run(root, true, io.Discard); err != nil {
		t.Errorf("just written, and yet: %v", err)
	}

	header := filepath.Join(root, "sdk-c/sluice_abi.h")
	content, err := os.ReadFile(header)
	if err != nil {
		t.Fatal(err)
	}
	spoiled := bytes.Replace(content, []byte("\n"), []byte("\nx"), 1)
	if err := os.WriteFile(header, spoiled, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(root, "sdk-js/abi.js")); err != nil {
		t.Fatal(err)
	}
	const want = "sdk-c/sluice_abi.h:2: differs from what abi/events.witx gives\n" +
		"sdk-js/abi.js: missing\n" +
		"to write them: go run ./abi/gen"
	if err := run(root, true, io.Discard); err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}

	var report bytes.Buffer
	if err := run(root, false, &report); err != nil {
		t.Fatal(err)
	}
	if want := "wrote sdk-c/sluice_abi.h\nwrote sdk-js/abi.js\n"; report.String() != want {
		t.Errorf("got %q, want %q", report.String(), want)
	}
}

func readEvents(t *testing.T) *document {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", source))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := parseDocument(source, string(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
