package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// response is what the load generator has to know of an answer.
type response struct {
	status int
	// head is the length of the head with the blank line, body that of the body.
	head, body int
}

// errIncomplete says that more bytes are needed.
var errIncomplete = errors.New("incomplete")

var (
	protocol      = []byte("HTTP/1.1 ")
	blankLine     = []byte("\r\n\r\n")
	contentLength = []byte("content-length:")
)

// scanResponse reads no more of an answer than it takes to find its end. It knows answers with Content-Length only.
func scanResponse(b []byte) (response, error) {
	end := bytes.Index(b, blankLine)
	if end < 0 {
		return response{}, errIncomplete
	}
	head := b[:end+len(blankLine)]
	r := response{head: len(head)}
	line, fields, _ := bytes.Cut(head, []byte("\n"))
	var err error
	if r.status, err = scanStatus(line); err != nil {
		return r, err
	}
	if r.body, err = scanLength(fields); err != nil {
		return r, err
	}
	if len(b) < r.head+r.body {
		return r, errIncomplete
	}
	return r, nil
}

func scanStatus(line []byte) (int, error) {
	rest, ok := bytes.CutPrefix(line, protocol)
	if !ok || len(rest) < 3 {
		return 0, fmt.Errorf("%q is no status line of HTTP/1.1", line)
	}
	status, err := strconv.Atoi(string(rest[:3]))
	if err != nil {
		return 0, fmt.Errorf("%q is no status line of HTTP/1.1", line)
	}
	return status, nil
}

func scanLength(fields []byte) (int, error) {
	for line := range bytes.Lines(fields) {
		if len(line) <= len(contentLength) || !bytes.EqualFold(line[:len(contentLength)], contentLength) {
			continue
		}
		length, err := strconv.ParseUint(string(bytes.TrimSpace(line[len(contentLength):])), 10, 31)
		if err != nil {
			return 0, fmt.Errorf("%q is no length", line)
		}
		return int(length), nil
	}
	return 0, errors.New("the answer has no Content-Length")
}
