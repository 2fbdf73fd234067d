package main

import (
	"bytes"
	"io"
	"net"

	"github.com/valyala/fasthttp"
)

// serveFast is fasthttp, with bodies of requests in pieces, so that an echo is not collected whole.
func serveFast(listener net.Listener) error {
	server := &fasthttp.Server{Handler: answerFast, StreamRequestBody: true, NoDefaultServerHeader: true, MaxRequestBodySize: 1 << 20}
	return server.Serve(listener)
}

func answerFast(ctx *fasthttp.RequestCtx) {
	switch string(ctx.Path()) {
	case "/hello":
		ctx.SetContentType(plain)
		ctx.SetBodyString(hello)
	case "/json":
		text, err := sum(ctx.Request.Body())
		fastJSON(ctx, text, err)
	case "/64k":
		ctx.SetContentType(octets)
		ctx.Response.SetBodyRaw(letters[:64<<10])
	case "/100m":
		ctx.SetContentType(octets)
		ctx.SetBodyStream(&alphabet{left: 100 << 20}, 100<<20)
	case "/echo":
		ctx.SetContentType(octets)
		// Hidden in a struct: a response that is given the request's own stream releases it, and so does the request. Two later
		// requests then share what was released twice, and each other's bodies.
		body := struct{ io.Reader }{ctx.RequestBodyStream()}
		ctx.SetBodyStream(body, ctx.Request.Header.ContentLength())
	case "/compute":
		text, err := computed()
		fastJSON(ctx, text, err)
	default:
		ctx.NotFound()
	}
}

func fastJSON(ctx *fasthttp.RequestCtx, text []byte, err error) {
	if err != nil {
		ctx.Error(err.Error(), fasthttp.StatusBadRequest)
		return
	}
	ctx.SetContentType(asJSON)
	ctx.Response.SetBodyRaw(text)
}

// alphabet reads as so many bytes of the small letters in order.
type alphabet struct{ at, left int }

func (a *alphabet) Read(b []byte) (int, error) {
	if a.left == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), a.left)], letters[a.at%26:])
	a.at, a.left = a.at+n, a.left-n
	return n, nil
}

// WriteTo writes what is left without copying it to a buffer before.
func (a *alphabet) WriteTo(w io.Writer) (written int64, err error) {
	for a.left > 0 && err == nil {
		var n int64
		n, err = bytes.NewReader(letters[a.at%26:][:min(a.left, 128<<10)]).WriteTo(w)
		a.at, a.left, written = a.at+int(n), a.left-int(n), written+n
	}
	return written, err
}
