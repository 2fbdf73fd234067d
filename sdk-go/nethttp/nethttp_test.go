//go:build !wasip1

package nethttp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/sdk-go"
	"github.com/sluicehttp/sluice/sdk-go/nethttp"
	"github.com/sluicehttp/sluice/sdk-go/sluicetest"
)

type request = sluicetest.Request

// answer has a handler of net/http answer a request.
func answer(handler http.HandlerFunc, r request) sluicetest.Response {
	sluicetest.Register(func() { nethttp.Serve(handler) })
	return sluicetest.Do(r)
}

func field(name, value string) sluice.Field { return sluice.Field{Name: name, Value: value} }

func TestRequest(t *testing.T) {
	var kept context.Context
	got := answer(func(w http.ResponseWriter, r *http.Request) {
		kept = r.Context()
		body, err := io.ReadAll(r.Body)
		fmt.Fprint(w, r.Method, " ", r.URL.Path, " ", r.URL.RawQuery, " ", r.Host, " ", r.Header["X-A"], " ", r.Header["Host"], " ",
			r.ContentLength, r.TransferEncoding, " ", string(body), err, " ", r.Trailer, " ", r.Proto)
	}, request{Method: "PUT", Target: "/a%20b?c", Fields: []sluice.Field{field("Host", "h:1"), field("x-a", "1"), field("X-A", "2"),
		field("Transfer-Encoding", "chunked"), field("Trailer", "X-B")}, Body: []string{"d", "e"}, Trailers: []sluice.Field{field("x-b", "f")}})
	if wanted := "PUT /a b c h:1 [1 2] [] -1 [chunked] de<nil> map[X-B:[f]] HTTP/1.1"; got.Body != wanted {
		t.Errorf("got %q, want %q", got.Body, wanted)
	}
	if kept.Err() == nil {
		t.Error("the context is not cancelled when the handler has returned")
	}
	if got := answer(func(http.ResponseWriter, *http.Request) {}, request{Target: "http://[::1"}); got.Status != 400 {
		t.Errorf("a target that is no URL was answered %d", got.Status)
	}
}

func TestResponse(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		request request
		check   func(got sluicetest.Response) bool
	}{
		"sniffed": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, request{},
			func(got sluicetest.Response) bool {
				return got.Status == 200 && got.Header("Content-Type") == "text/html; charset=utf-8" && got.Whole
			}},
		"nothing": {func(http.ResponseWriter, *http.Request) {}, request{},
			func(got sluicetest.Response) bool { return got.Status == 200 && got.Whole && len(got.Fields) == 0 }},
		"hints": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</a>")
			w.WriteHeader(103)
			w.WriteHeader(404)
			w.WriteHeader(200)
		}, request{}, func(got sluicetest.Response) bool {
			return got.Status == 404 && len(got.Informational) == 1 && got.Informational[0].Fields[0] == field("Link", "</a>")
		}},
		"trailers": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "A")
			fmt.Fprint(w, "x")
			w.Header().Set("A", "1")
			w.Header().Set(http.TrailerPrefix+"B", "2")
		}, request{}, func(got sluicetest.Response) bool {
			return len(got.Trailers) == 2 && got.Trailers[0] == field("A", "1") && got.Trailers[1] == field("B", "2") && got.Header("A") == ""
		}},
		"range": {func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader("0123456789"))
		}, request{Fields: []sluice.Field{field("Range", "bytes=2-4")}}, func(got sluicetest.Response) bool {
			return got.Status == 206 && got.Body == "234" && got.Header("Content-Range") == "bytes 2-4/10"
		}},
		"large": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte("x"), 2<<20))
		}, request{Room: 1 << 10}, func(got sluicetest.Response) bool {
			return len(got.Body) == 2<<20 && got.Waits > 0 && got.Stream && got.Complete
		}},
		"flushed": {func(w http.ResponseWriter, r *http.Request) {
			control := http.NewResponseController(w)
			fmt.Fprint(w, "x")
			if err := errors.Join(control.Flush(), control.EnableFullDuplex()); err != nil {
				t.Error(err)
			}
			if _, _, err := control.Hijack(); !errors.Is(err, http.ErrNotSupported) {
				t.Errorf("hijacking: %v", err)
			}
		}, request{}, func(got sluicetest.Response) bool { return !got.Whole && got.Stream && got.Complete }},
		"aborted": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "x")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, request{}, func(got sluicetest.Response) bool { return got.Body == "x" && !got.Complete }},
		"too long": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1")
			w.(http.Flusher).Flush()
			_, _ = w.Write([]byte("x"))
			if _, err := w.Write([]byte("y")); err != nil {
				t.Errorf("what is kept is refused: %v", err)
			}
		}, request{}, func(got sluicetest.Response) bool { return !got.Complete }},
		"gone": {func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err == nil || r.Context().Err() == nil {
				t.Errorf("the client is gone: %v, %v", err, r.Context().Err())
			}
			if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<20)); err == nil {
				t.Error("somebody who has gone was answered")
			}
		}, request{Fields: []sluice.Field{field("Content-Length", "5")}, Body: []string{"a"}, Gone: true},
			func(got sluicetest.Response) bool { return got.Status == 0 && !got.Complete }},
	} {
		if got := answer(test.handler, test.request); !test.check(got) {
			got.Body = fmt.Sprintf("%.40q", got.Body)
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// A panic goes on, for the host to see.
func TestPanic(t *testing.T) {
	defer func() {
		if reason := recover(); reason != "broken" {
			t.Errorf("recovered %v", reason)
		}
	}()
	answer(func(http.ResponseWriter, *http.Request) { panic("broken") }, request{})
}
