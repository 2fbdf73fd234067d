package load

import (
	"errors"
	"testing"
)

func TestScanHead(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       head
	}{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", head{status: 200, size: 38, length: 5}},
		{"no body", "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", head{status: 404, size: 45}},
		{"no reason, no space", "HTTP/1.1 200\r\nCONTENT-LENGTH:2\r\n\r\n", head{status: 200, size: 34, length: 2}},
		{"other fields", "HTTP/1.1 200 OK\r\nX-Content-Length: 9\r\nContent-Length: 1 \r\nDate: x\r\n\r\n",
			head{status: 200, size: 69, length: 1}},
		{"chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n", head{status: 200, size: 47, chunked: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for cut := range test.text {
				if _, err := scanHead([]byte(test.text[:cut])); !errors.Is(err, errIncomplete) {
					t.Fatalf("the first %d bytes: %v, want %v", cut, err, errIncomplete)
				}
			}
			for _, more := range []string{"", "HTTP/1.1 500 next\r\n\r\n"} {
				got, err := scanHead([]byte(test.text + more))
				if err != nil || got != test.want {
					t.Errorf("with %q behind it: %+v, %v, want %+v", more, got, err, test.want)
				}
			}
		})
	}
}

func TestScanHeadErrors(t *testing.T) {
	for _, text := range []string{
		"\r\n\r\n",
		"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 2\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 abc\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n",
	} {
		if h, err := scanHead([]byte(text)); err == nil || errors.Is(err, errIncomplete) {
			t.Errorf("%q: %+v, %v, want an error", text, h, err)
		}
	}
}

func TestPattern(t *testing.T) {
	b := Pattern(1 << 20)
	for i := range b {
		if b[i] != 'a'+byte(i%26) {
			t.Fatalf("byte %d is %q", i, b[i])
		}
	}
	for _, at := range []int64{0, 25, 26, 1<<18 + 3} {
		if got, want := string(pattern(at, 30)), string(b[at:at+30]); got != want {
			t.Errorf("from %d: %q, want %q", at, got, want)
		}
	}
}
