// Package nethttp has handlers made for net/http run in Sluice:
//
//	func init() { nethttp.Serve(mux) }
//
// What net/http's server gives a handler is here, too: informational answers (WriteHeader(103)), trailers, flushing and
// [http.ResponseController], 100 (Continue) when the body is first read, sniffed content types, [http.ErrAbortHandler].
// What is not: hijacking, deadlines, the peer's address, push, and HTTP/2.
//
// The request's context is cancelled when the handler returns, and when writing or reading finds that the client has gone.
// Nothing watches the client meanwhile: a handler that waits for the context alone waits until its time is over, and one that
// sleeps and writes, as streams of events do, notices with the next flush.
//
// Goroutines run while the handler does. While it waits for the client, inside Read, Write or Flush, none of them runs; those
// that are left when it returns stand still, and with isolation "request" never go on.
//
// It is apart from package sluice because of net/http, which makes a hello of 5.6 MB where it is 2.0 MB without, and an image of
// 3.1 MB where it is 1.3 MB. docs/go.md has what that costs in time.
package nethttp

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/sluicehttp/sluice/sdk-go"
)

// Serve has a handler answer every request; nil is [http.DefaultServeMux]. Call it once, in an init function, in place of
// [sluice.Handle].
func Serve(handler http.Handler) {
	if handler == nil {
		handler = http.DefaultServeMux
	}
	sluice.Handle(func(w sluice.ResponseWriter, r *sluice.Request) error { return serve(handler, w, r) })
}

// serve has the handler answer one request.
func serve(handler http.Handler, w sluice.ResponseWriter, r *sluice.Request) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	request, err := newRequest(ctx, cancel, r)
	if err != nil {
		return err
	}
	answer := &responseWriter{to: w, request: request, session: r.Session(), header: http.Header{}, cancel: cancel}
	if aborted(func() { handler.ServeHTTP(answer, request) }) {
		return r.Session().Close()
	}
	return answer.end()
}

// aborted calls a function and reports whether it has panicked with [http.ErrAbortHandler]. Other panics go on: Go prints
// them, with the stack of where they came from.
func aborted(call func()) (yes bool) {
	defer func() {
		if reason := recover(); reason == http.ErrAbortHandler {
			yes = true
		} else if reason != nil {
			panic(reason)
		}
	}()
	call()
	return false
}

// newRequest makes a request as net/http's server would.
func newRequest(ctx context.Context, cancel func(), r *sluice.Request) (*http.Request, error) {
	target, err := targetOf(r)
	if err != nil {
		return nil, &sluice.StatusError{Code: 400, Text: "the target is no URL"}
	}
	request := &http.Request{
		Method: r.Method, URL: target, RequestURI: r.Target, Host: r.Host(), Header: http.Header{}, Trailer: http.Header{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: r.ContentLength(),
	}
	if r.Version == sluice.HTTP10 {
		request.Proto, request.ProtoMinor = "HTTP/1.0", 0
	}
	for name, value := range r.Headers() {
		request.Header.Add(name, value)
	}
	request.Header.Del("Host") // it is in request.Host
	if request.ContentLength < 0 {
		request.TransferEncoding = []string{"chunked"}
		request.Header.Del("Transfer-Encoding")
	}
	announceTrailers(request)
	request.Body = &body{r: r, trailer: request.Trailer, cancel: cancel}
	if request.ContentLength == 0 {
		request.Body = http.NoBody
	}
	return request.WithContext(ctx), nil
}

// targetOf is the URL of a request: of CONNECT its authority alone, as net/http has it.
func targetOf(r *sluice.Request) (*url.URL, error) {
	if r.Method == "CONNECT" && !strings.HasPrefix(r.Target, "/") {
		return &url.URL{Host: r.Target}, nil
	}
	return url.ParseRequestURI(r.Target)
}

// announceTrailers puts the names of trailers where handlers look for them; the values come with the end of the body.
func announceTrailers(request *http.Request) {
	for _, line := range request.Header["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			request.Trailer[http.CanonicalHeaderKey(strings.TrimSpace(name))] = nil
		}
	}
	request.Header.Del("Trailer")
}

// body is the body of a request.
type body struct {
	r       *sluice.Request
	trailer http.Header
	cancel  func()
	read    int64
	closed  bool
}

// streamAfter is how much of a body is read until the exchange becomes a stream, in bytes: what takes longer to come in than
// to compute must not be ended for the time that it takes.
const streamAfter = 1 << 20

func (b *body) Read(p []byte) (int, error) {
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.r.Body.Read(p)
	if before := b.read; before < streamAfter && before+int64(n) >= streamAfter {
		_ = b.r.Stream() // fails only when the answer is complete
	}
	b.read += int64(n)
	switch {
	case errors.Is(err, io.EOF):
		for name, value := range b.r.Trailers() {
			b.trailer.Add(name, value)
		}
	case err != nil:
		b.cancel()
	}
	return n, err
}

func (b *body) Close() error {
	b.closed = true
	return nil
}

// Lines without a date: the host's log has its own.
func init() {
	log.SetFlags(0)
	log.SetOutput(os.Stderr)
}
