package main

import (
	"bytes"
	"net"
)

// rawAnswer has the fields that the others answer with, and as many bytes. Its date stands still.
const rawAnswer = "HTTP/1.1 200 OK\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\n" +
	"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n" +
	"Content-Length: 14\r\n\r\n" + hello

// serveRaw gives the same answer to everything that ends with a blank line. It is what a server in Go costs that does nothing.
func serveRaw(listener net.Listener) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go answerRaw(conn)
	}
}

// answerRaw gives an answer for each blank line, those of one read at once.
func answerRaw(conn net.Conn) {
	defer conn.Close()
	var answers []byte
	head := make([]byte, 16<<10)
	have := 0
	for {
		n, err := conn.Read(head[have:])
		if err != nil {
			return
		}
		have += n
		if !bytes.HasSuffix(head[:have], blankLine) {
			if have == len(head) {
				return // no request of the benchmarks is as long
			}
			continue
		}
		for count := bytes.Count(head[:have], blankLine); len(answers) < count*len(rawAnswer); {
			answers = append(answers, rawAnswer...)
		}
		if _, err := conn.Write(answers[:bytes.Count(head[:have], blankLine)*len(rawAnswer)]); err != nil {
			return
		}
		have = 0
	}
}

var blankLine = []byte("\r\n\r\n")
