package handlertest

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What cannot be read is refused, with the line where it is.
func TestParseErrors(t *testing.T) {
	const request = "```send\nGET / HTTP/1.1\n```\n"
	for _, test := range []struct{ text, want string }{
		{"", "my.md:1: a suite without cases"},
		{"# my\n\nText.\n", "my.md:1: a suite without cases"},
		{"```send\n```\n", "my.md:1: a block in front of the first case"},
		{"## a\n", "my.md:1: the case \"a\" has no blocks"},
		{"## a\n\n## b\n" + request, "my.md:1: the case \"a\" has no blocks"},
		{"## a\n```send\nGET / HTTP/1.1\n", "my.md:2: a block without an end"},
		{"## a\n```recieve\n200\n```\n", "my.md:2: there are no blocks of the kind \"recieve\""},
		{"## a\n```send\n```\n", "my.md:2: a request without a start line"},
		{"## a\n```send quickly\nGET / HTTP/1.1\n```\n", "my.md:2: send has no setting \"quickly\""},
		{"## a\n```send chunk=0\nGET / HTTP/1.1\n```\n", "my.md:2: \"0\" is not a number of bytes"},
		{"## a\n```send piece=x\nGET / HTTP/1.1\n```\n", "my.md:2: \"x\" is not a number of bytes"},
		{"## a\n```send\nGET / HTTP/1.1\n\na\n\nb\n```\n", "my.md:2: too many empty lines"},
		{"## a\n```send\nGET / HTTP/1.1 \n```\n", "my.md:2: \"GET / HTTP/1.1 \" ends with a space"},
		{"## a\n```send\nGET /\\q HTTP/1.1\n```\n", "my.md:2: \\q is no escape"},
		{"## a\n```send\nGET /\\{x*y} HTTP/1.1\n```\n", "my.md:2: \\{ is no escape"},
		{"## a\n```send\nGET /\\{x*2000000000} HTTP/1.1\n```\n", "my.md:2: \\{x*2000000000} makes more than"},
		{"## a\n```send\nGET /\\{mod 257*5} HTTP/1.1\n```\n", "my.md:2: \\{mod 257*5}: bytes count modulo 1 to 256"},
		{"## a\n```send\nGET /\t HTTP/1.1\n```\n", "my.md:2: \"GET /\\t HTTP/1.1\" has a byte that has to be written"},
		{"## a\n```send begins\nGET / HTTP/1.1\n```\n", "my.md:1: a request of the case \"a\" has no end"},
		{"## a\n```send ends\nx\n```\n", "my.md:2: a request that 'send begins' goes on"},
		{"## a\n```send begins\nGET / HTTP/1.1\n```\n" + request, "my.md:5: a request that 'send begins' goes on"},
		{"## a\n```send begins @b\nGET / HTTP/1.1\n```\n```send ends\n```\n", "my.md:5: a request that 'send begins' goes on"},
		{"## a\n```receive\n```\n", "my.md:2: an answer without a status"},
		{"## a\n```receive\nOK\n```\n", "my.md:2: \"OK\" is not a status"},
		{"## a\n```receive\n200\nContent-Type\n```\n", "my.md:2: \"Content-Type\" is not a field that is due"},
		{"## a\n```receive\n200\nVary: /(/\n```\n", "my.md:2: the pattern /(/ cannot be read"},
		{"## a\n```receive twice\n200\n```\n", "my.md:2: receive has no setting \"twice\""},
		{"## a\n```receive length=-1\n200\n```\n", "my.md:2: \"-1\" is not a length"},
		{"## a\n```receive sha256=12\n200\n```\n", "my.md:2: \"12\" is not a SHA-256 hash"},
		{"## a\n```receive length=1\n200\n\nx\n```\n", "my.md:2: a body is due as text"},
		{"## a\n```receive json\n200\n```\n", "my.md:2: a body is due as text"},
		{"## a\n```receive json\n200\n\n{\n```\n", "my.md:2: the body that is due is not JSON"},
		{"## a\n```receive json pattern\n200\n\n{}\n```\n", "my.md:2: a body is due as text"},
		{"## a\n```receive begins json\n200\n\n{}\n```\n", "my.md:2: of a body that goes on later"},
		{"## a\n```receive\n200\n\na\n\nB: c\n\nd\n```\n", "my.md:2: too many empty lines"},
		{"## a\n```peer\nsleep\n```\n", "my.md:2: a peer cannot 'sleep'"},
		{"## a\n```peer\nwait soon\n```\n", "my.md:2: 'wait soon': a wait is a time"},
		{"## a\n```peer\nsent below much\n```\n", "my.md:2: \"much\" is not a size"},
		{"## a\n```peer slowly\nabort\n```\n", "my.md:2: peer has no setting \"slowly\""},
		{"## a\n```log\nhello\n```\n", "my.md:2: line 1 of the block is none of"},
		{"## a\n```log\nprinted: (\n```\n", "my.md:2: error parsing regexp"},
		{"## a\n```events first\n```\n", "my.md:2: events has no setting \"first\""},
		{"## a\n```events 0\n```\n", "my.md:2: events has no setting \"0\""},
		{"## a\n" + request + "```events 2\n```\n```events 2\n```\n", "my.md:7: the events of request 2 are due in line 5 already"},
		{"## a\n```events\nREDY\n```\n", "my.md:2: line 1 of the block: there is no event \"REDY\"; there are LINE_READY, "},
		{"## a\n```events\n  send\n```\n", "my.md:2: line 1 of the block: 'send' is a call in front of the first event"},
		{"## a\n```events\n...\n  send\n```\n", "my.md:2: line 2 of the block: 'send' is a call below '...'"},
		{"## a\n```events\nREADY\n  sned\n```\n", "my.md:2: line 2 of the block: 'sned' is no call of http_events_v1"},
		{"## a\n```events\nREADY\n  → again\n```\n", "my.md:2: line 2 of the block: '→ again' is no call of"},
		{"## a\n```events\nREADY\n  send → fine\n```\n", "my.md:2: line 2 of the block: 'fine' is no errno; there are success, again, "},
		{"## a\n```events\nREADY\n  send → again or\n```\n", "my.md:2: line 2 of the block: 'again or' is no errno"},
		{"## a\n```events\nREADY\n  drain 200\n```\n", "my.md:2: line 2 of the block: '200' is not understood there"},
		{"## a\n```events\nREADY\n  send_data 1 field\n```\n", "my.md:2: line 2 of the block: send_data has no fields"},
		{"## a\n```events\nREADY\n  send_head 5 bytes\n```\n", "my.md:2: line 2 of the block: send_head has no bytes"},
		{"## a\n```events\nREADY\n  no calls\n  send\n```\n", "my.md:2: line 3 of the block: there are calls and 'no calls'"},
		{"## a\n```events\nREADY\n  send\n  no calls\n```\n", "my.md:2: line 3 of the block: there are calls and 'no calls'"},
		{"## a\n```events\nno peace\n```\n", "my.md:2: line 1 of the block: 'peace' is neither an event nor a call"},
		{"## a\n```events\nREADY in pieces\n```\n", "my.md:2: line 1 of the block: only DATA_READY comes in pieces"},
		{"## a\n```events\nDATA_READY five bytes\n```\n", "my.md:2: line 1 of the block: 'five bytes': how many?"},
		{"## a\n```events\nDATA_READY 5\n```\n", "my.md:2: line 1 of the block: '5' is not understood there"},
		{"## a\n```events\nDATA_READY 5 fields\n```\n", "my.md:2: line 1 of the block: DATA_READY has no fields"},
		{"## a\n```events\nHEADER_READY 5 bytes\n```\n", "my.md:2: line 1 of the block: HEADER_READY has no bytes"},
		{"## a\n```events\nLINE_READY GET / HTTP/1.1\n```\n", "my.md:2: line 1 of the block: 'HTTP/1.1' is not understood there"},
		{"## a\n```events\nCLOSED both ended\n```\n", "my.md:2: line 1 of the block: 'ended' is not understood there"},
		{"## a\n```events\nCLOSED reset or\n```\n", "my.md:2: line 1 of the block: 'or' is not understood there"},
		{"## a\n```log\nmemory below 1TiB\n```\n", "my.md:2: \"1TiB\" is not a size"},
	} {
		_, err := Parse("my.md", []byte(test.text))
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%q:\n got %v\nwant %s…", test.text, err, test.want)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	for name, want := range map[string]string{
		"helo":       `there is no suite "helo"; there are download, echo, form, hello, http, json-api, upload, and files such as ./my.transcript.md`,
		"./none.md":  "a suite cannot be read: open ./none.md: no such file or directory",
		"../secret/": "a suite cannot be read: open ../secret/: no such file or directory",
	} {
		if _, err := Open(name); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

// Suites have names, and built-in ones say what they are about.
func TestSuites(t *testing.T) {
	for _, name := range Names() {
		suite := open(t, name)
		if suite.Name != name || suite.About == "" || strings.Contains(suite.About, "\n") {
			t.Errorf("%s: name %q, about %q", name, suite.Name, suite.About)
		}
		titles := map[string]bool{}
		for _, c := range suite.Cases {
			if titles[c.Title] {
				t.Errorf("%s: there are two cases of that title", c.Place())
			}
			titles[c.Title] = true
		}
	}
	file := filepath.Join(t.TempDir(), "my.transcript.md")
	if err := os.WriteFile(file, []byte("# my\n\n## a\n```peer\nabort\n```\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if suite := open(t, file); suite.Name != "my" || suite.Cases[0].Name() != "my/a" || suite.Cases[0].Line != 3 {
		t.Errorf("got %q, %q in line %d", suite.Name, suite.Cases[0].Name(), suite.Cases[0].Line)
	}
}

// The transcripts in docs/testing.md are some that can be played.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	var indented []string
	for line := range strings.Lines(string(text)) {
		if code, found := strings.CutPrefix(line, "    "); found {
			indented = append(indented, code)
		} else if line == "\n" {
			indented = append(indented, line)
		}
	}
	_, suite, found := strings.Cut(strings.Join(indented, ""), "# greetings\n")
	if !found {
		t.Fatal("docs/testing.md has no suite any more that is called greetings")
	}
	if read, err := Parse("greetings.md", []byte(suite)); err != nil || len(read.Cases) != 1 || len(read.Cases[0].steps) != 4 {
		t.Errorf("got %+v, %v", read, err)
	}
}

// What a request looks like on the wire.
func TestSend(t *testing.T) {
	for _, test := range []struct{ settings, block, want, held string }{
		{"", "GET / HTTP/1.1\nHost: test", "GET / HTTP/1.1\r\nHost: test\r\n\r\n", ""},
		{"", "POST / HTTP/1.1\nContent-Length: *\n\nhe\nllo\\n", "POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\nhello\n", ""},
		{"on-100", "POST / HTTP/1.1\nContent-Length: *\n\nhe", "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n", "he"},
		{"", "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\nhello\n\\{x*17}\n\nA: 1\nB: 2",
			"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n11\r\nxxxxxxxxxxxxxxxxx\r\n0\r\nA: 1\r\nB: 2\r\n\r\n", ""},
		{"chunk=4", "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\nhello",
			"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n1\r\no\r\n0\r\n\r\n", ""},
		{"", "POST / HTTP/1.1\nTransfer-Encoding: chunked", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""},
		{"raw", "GET / \\\nHTTP/1.1\n\n\\x00\\\\", "GET / HTTP/1.1\r\n\r\n\x00\\\r\n", ""},
		{"", "GET /\\{mod 3 from 4*5} HTTP/1.1\nX: \xc3\xa9", "GET /\x01\x02\x00\x01\x02 HTTP/1.1\r\nX: \xc3\xa9\r\n\r\n", ""},
	} {
		suite, err := Parse("my.md", []byte("## a\n```send "+test.settings+"\n"+test.block+"\n```\n"))
		if err != nil {
			t.Errorf("%q: %v", test.block, err)
			continue
		}
		if s := suite.Cases[0].steps[0].(*send); string(s.bytes) != test.want || string(s.held) != test.held {
			t.Errorf("%q:\n got %q and %q\nwant %q and %q", test.block, s.bytes, s.held, test.want, test.held)
		}
	}
}

// large finds numbers that would make a fuzzer make large bodies.
var large = regexp.MustCompile(`[0-9]{5}`)

// FuzzParse: whatever a suite holds, reading it ends with a suite or an error that says where.
func FuzzParse(f *testing.F) {
	for _, name := range Names() {
		text, err := builtin.ReadFile("suites/" + name + ".md")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(large.ReplaceAll(text, []byte("9999")))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if large.Match(text) {
			t.Skip()
		}
		suite, err := Parse("my.md", text)
		if err == nil && len(suite.Cases) == 0 || err != nil && !strings.HasPrefix(err.Error(), "my.md:") {
			t.Errorf("got %+v, %v", suite, err)
		}
	})
}

// FuzzNotation: any bytes are written so that they are read as the same.
func FuzzNotation(f *testing.F) {
	f.Add([]byte("hello\r\n\t\x00\\ \xff é {*}"))
	f.Add(bytes.Repeat([]byte("\\"), 30))
	f.Add(bytes.Repeat([]byte("}"), 30))
	f.Add([]byte("\u200b\ufffd\x7f "))
	f.Fuzz(func(t *testing.T, b []byte) {
		text := encode(b)
		if back, err := decodeLine(text); err != nil || !bytes.Equal(back, b) {
			t.Errorf("%q is written %q and read %q, %v", b, text, back, err)
		}
	})
}
