// Command download sends a file, or the part of it that is asked for, in pieces of 64 KiB. The host has it wait for clients
// that take their time.
package main

import (
	"strconv"

	"github.com/sluicehttp/sluice/sdk-go"
)

func init() { sluice.Handle(download) }

const (
	defaultSize = 1 << 20
	maxSize     = 1 << 30
	period      = 251      // byte number i of the file is i modulo 251
	pieceSize   = 64 << 10 // bytes
)

// pattern is the file from any byte below 251 on, a piece long.
var pattern = func() (p [period + pieceSize]byte) {
	for i := range p {
		p[i] = byte(i % period)
	}
	return p
}()

func download(w sluice.ResponseWriter, r *sluice.Request) error {
	if r.Method != "GET" && r.Method != "HEAD" {
		w.Header().Set("Allow", "GET, HEAD")
		return sluice.Text(w, 405, "GET or HEAD\n")
	}
	size, ok := sizeOf(r.Query())
	if !ok {
		return sluice.Text(w, 400, "size is a number from 0 to "+strconv.Itoa(maxSize)+"\n")
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Accept-Ranges", "bytes")
	first, end, status := 0, size, 200
	if r.Method == "GET" { // RFC 9110 section 14.2: Range means something for GET alone
		first, end, status = rangeOf(r.Header("range"), size)
	}
	switch status {
	case 416:
		w.Header().Set("Content-Range", "bytes */"+strconv.Itoa(size))
	case 206:
		w.Header().Set("Content-Range",
			"bytes "+strconv.Itoa(first)+"-"+strconv.Itoa(end-1)+"/"+strconv.Itoa(size))
	}
	w.Header().Set("Content-Length", strconv.Itoa(end-first))
	if err := w.WriteHeader(status); err != nil {
		return err
	}
	if r.Method == "HEAD" {
		return w.Flush()
	}
	return send(w, r, first, end)
}

func sizeOf(query sluice.Query) (size int, ok bool) {
	if !query.Has("size") {
		return defaultSize, true
	}
	size, err := strconv.Atoi(query.Get("size"))
	return size, err == nil && 0 <= size && size <= maxSize
}

// send sends the bytes of the file from the first up to the end.
func send(w sluice.ResponseWriter, r *sluice.Request, first, end int) error {
	if err := r.Stream(); err != nil { // a gigabyte takes its time
		return err
	}
	for at := first; at < end; {
		piece := pattern[at%period:][:min(pieceSize, end-at)]
		if _, err := w.Write(piece); err != nil {
			return err
		}
		at += len(piece)
	}
	return nil
}

// main never runs: the module is a library.
func main() {}
