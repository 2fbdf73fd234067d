package main

import (
	"errors"
	"testing"
)

func TestScanResponse(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       response
	}{
		{"body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", response{200, 38, 5}},
		{"no body", "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", response{404, 45, 0}},
		{"no reason, no space", "HTTP/1.1 200\r\nCONTENT-LENGTH:2\r\n\r\nhi", response{200, 34, 2}},
		{"other fields", "HTTP/1.1 200 OK\r\nX-Content-Length: 9\r\nContent-Length: 1 \r\nDate: x\r\n\r\na",
			response{200, 69, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for cut := range test.text {
				if _, err := scanResponse([]byte(test.text[:cut])); !errors.Is(err, errIncomplete) {
					t.Fatalf("the first %d bytes: %v, want %v", cut, err, errIncomplete)
				}
			}
			for _, more := range []string{"", "HTTP/1.1 500 next\r\n\r\n"} {
				got, err := scanResponse([]byte(test.text + more))
				if err != nil || got != test.want {
					t.Errorf("with %q behind it: %+v, %v, want %+v", more, got, err, test.want)
				}
			}
		})
	}
}

func TestScanResponseErrors(t *testing.T) {
	for _, text := range []string{
		"\r\n\r\n",
		"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 2\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 abc\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
	} {
		if r, err := scanResponse([]byte(text)); err == nil || errors.Is(err, errIncomplete) {
			t.Errorf("%q: %+v, %v, want an error", text, r, err)
		}
	}
}
