package corpus

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNotation reads back every byte, and repetitions.
func TestNotation(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for _, want := range [][]byte{every, bytes.Repeat([]byte("x"), longRun), bytes.Repeat([]byte("\\"), 2*longRun), {}} {
		if got, err := decode(encode(want)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q is read as %q, %v", encode(want), got, err)
		}
	}
}

// TestLines tells what the lines of an input mean, and which are refused.
func TestLines(t *testing.T) {
	tests := []struct{ text, want, complaint string }{
		{"a\n", "a\r\n\r\n", ""},
		{`a\`, "a", ""},
		{`a\\`, "a\\\r\n", ""},
		{`\x00\0\r\n\t\`, "\x00\x00\r\n\t", ""},
		{`\{a\n*3}\`, "a\na\na\n", ""},
		{"a ", "", "space"},
		{"a\tb", "", "written as"},
		{"é", "", "written as"},
		{`\q`, "", "no escape"},
		{`\x4`, "", "no escape"},
		{`\{a}`, "", "no escape"},
	}
	for _, test := range tests {
		got, err := decodeLines(strings.Split(test.text, "\n"))
		if test.complaint != "" {
			if err == nil || !strings.Contains(err.Error(), test.complaint) {
				t.Errorf("%q: %v, want something about %q", test.text, err, test.complaint)
			}
		} else if err != nil || string(got) != test.want {
			t.Errorf("%q is read as %q, %v, want %q", test.text, got, err, test.want)
		}
	}
}

// TestMalformed refuses files that are not what they should be, and says where.
func TestMalformed(t *testing.T) {
	const title, rule, input, trace = "## A\n", "*RFC 1 section 2.3; policy: b.*\n", "```http eof\na\n```\n", "```trace\n```\n"
	tests := []struct{ content, complaint string }{
		{title + rule + input + trace, ""},
		{title + input + trace, ":7: \"A\" names no rule"},
		{title + rule + trace, "has no input"},
		{title + rule + input + title, ":6: \"A\" has no trace"},
		{title + "*RFC 1.*\n" + input + trace, ":2: \"RFC 1\" is neither"},
		{title + rule + input + input + trace, ":6: a case has one block"},
		{title + rule + "```http\n", "without end"},
		{title + rule + "```http eol\n```\n", "\"eol\" is no setting"},
		{title + rule + "```http head=x\n```\n", "\"head=x\" is no setting"},
		{title + rule + "```http answer=late\n```\n", "\"answer=late\" is no setting"},
		{input, ":1: a block outside"},
	}
	for _, test := range tests {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "a.md"), []byte(test.content), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Load(folder)
		if test.complaint == "" && err != nil || test.complaint != "" && (err == nil || !strings.Contains(err.Error(), test.complaint)) {
			t.Errorf("%q: %v, want something about %q", test.content, err, test.complaint)
		}
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a folder without cases is taken for a corpus")
	}
}

// TestUpdate writes traces and leaves everything else as it is.
func TestUpdate(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "a.md")
	const before = "# T\n\n## A\n*RFC 1 section 2.*\n```http\n```\n```trace\nold\nolder\n```\n\n" +
		"## B\n*policy: b.*\n```http\n```\n```trace\n"
	const after = "```\n"
	if err := os.WriteFile(path, []byte(before+after), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Update(folder, func(c *Case) (string, error) { return "new " + c.Title, nil }); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	want := strings.Replace(before, "old\nolder", "new A", 1) + "new B\n" + after
	if err != nil || string(got) != want {
		t.Errorf("%v\ngot  %q\nwant %q", err, got, want)
	}
}

// TestDiff shows what differs, and near misses in words.
func TestDiff(t *testing.T) {
	tests := []struct{ want, got, shown string }{
		{"a\nb\n1 x", "a\nc\n1 x", "    a\n  - b\n  + c\n    1 x\n"},
		{"a\n1     failed x 400", "a\n2     failed x 400", "near miss: failed x 400, but at 2 instead of 1\n"},
		{"1     failed x 400", "1     failed y 400", "near miss: at 1, but failed y 400 instead of failed x 400\n"},
	}
	for _, test := range tests {
		if got := Diff(test.want, test.got); !strings.HasSuffix(got, test.shown) {
			t.Errorf("%q and %q: %q, want %q", test.want, test.got, got, test.shown)
		}
	}
}
