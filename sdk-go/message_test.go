//go:build !wasip1

package sluice_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/sdk-go"
	"github.com/sluicehttp/sluice/sdk-go/sluicetest"
)

type (
	request  = sluicetest.Request
	response = sluicetest.Response
)

// answer has a handler answer a request.
func answer(handler func(sluice.ResponseWriter, *sluice.Request) error, r request) response {
	sluicetest.Register(func() { sluice.Handle(handler) })
	return sluicetest.Do(r)
}

func want(t *testing.T, got response, status int, body string) {
	t.Helper()
	if got.Status != status || got.Body != body || !got.Complete {
		t.Errorf("got %d %q, complete %v; want %d %q", got.Status, got.Body, got.Complete, status, body)
	}
}

var fields = []sluice.Field{
	{Name: "Host", Value: "example.org:81"}, {Name: "X-Twice", Value: "one"}, {Name: "x-twice", Value: "two"},
	{Name: "Content-Type", Value: "Text/Plain ; charset=utf-8"}, {Name: "Cookie", Value: "a=1; b=x=y;c"}, {Name: "Empty", Value: ""},
}

// What a handler sees of a head is the same before and after it has read the body, for which the room is used again.
func TestHead(t *testing.T) {
	look := func(r *sluice.Request) (seen []string) {
		cookie, _ := r.Cookie("b")
		seen = append(seen, r.Method, r.Target, r.Path, r.QueryVar("q"), r.Host(), r.Header("x-TWICE"), r.ContentType(), cookie)
		seen = append(seen, slices.Collect(r.HeaderValues("X-Twice"))...)
		for name, value := range r.Headers() {
			seen = append(seen, name+": "+value)
		}
		if _, ok := r.HeaderOK("empty"); ok && r.Header("missing") == "" {
			seen = append(seen, "empty is there")
		}
		return seen
	}
	wanted := []string{"PUT", "/a%20b?q=c+%64&q=e", "/a%20b", "c d", "example.org:81", "one", "text/plain", "x=y", "one", "two",
		"Host: example.org:81", "X-Twice: one", "x-twice: two", "Content-Type: Text/Plain ; charset=utf-8",
		"Cookie: a=1; b=x=y;c", "Empty: ", "empty is there"}
	for _, lookFirst := range []bool{true, false} {
		got := answer(func(w sluice.ResponseWriter, r *sluice.Request) error {
			if lookFirst && !slices.Equal(look(r), wanted) {
				t.Errorf("before the body it was %q, want %q", look(r), wanted)
			}
			body, err := io.ReadAll(r.Body)
			if seen := look(r); !slices.Equal(seen, wanted) {
				t.Errorf("after the body it was %q, want %q", seen, wanted)
			}
			_, _ = w.WriteString(string(body) + r.Trailer("x-SUM"))
			return err
		}, request{Method: "PUT", Target: "/a%20b?q=c+%64&q=e", Fields: fields, Body: []string{strings.Repeat("x", 1000), "y"},
			Trailers: []sluice.Field{{Name: "X-Sum", Value: "z"}}})
		want(t, got, 200, strings.Repeat("x", 1000)+"yz")
	}
}

func TestTarget(t *testing.T) {
	for _, test := range []struct{ method, target, path, query, host string }{
		{"GET", "/", "/", "", "h"},
		{"GET", "/a?b?c", "/a", "b?c", "h"},
		{"GET", "http://x.y:1/a?b", "/a", "b", "x.y:1"},
		{"GET", "http://x.y?b", "/", "b", "x.y"},
		{"GET", "http://x.y", "/", "", "x.y"},
		{"OPTIONS", "*", "*", "", "h"},
		{"CONNECT", "x.y:443", "", "", "x.y:443"},
	} {
		answer(func(w sluice.ResponseWriter, r *sluice.Request) error {
			if r.Path != test.path || string(r.Query()) != test.query || r.Host() != test.host {
				t.Errorf("%s: got %q %q %q, want %+v", test.target, r.Path, r.Query(), r.Host(), test)
			}
			return nil
		}, request{Method: test.method, Target: test.target, Fields: []sluice.Field{{Name: "Host", Value: "h"}}})
	}
}

// Small answers go out whole, large and flushed ones in pieces, however little the peer takes.
func TestAnswers(t *testing.T) {
	large := strings.Repeat("0123456789", 30_000)
	for name, test := range map[string]struct {
		handler func(sluice.ResponseWriter, *sluice.Request) error
		status  int
		body    string
		whole   bool
	}{
		"nothing": {func(sluice.ResponseWriter, *sluice.Request) error { return nil }, 200, "", true},
		"text":    {func(w sluice.ResponseWriter, _ *sluice.Request) error { return sluice.Text(w, 201, "a") }, 201, "a", true},
		"pieces": {func(w sluice.ResponseWriter, _ *sluice.Request) error {
			for range 10 {
				_, _ = w.WriteString("ab")
			}
			return nil
		}, 200, strings.Repeat("ab", 10), true},
		"flushed": {func(w sluice.ResponseWriter, _ *sluice.Request) error {
			_, _ = w.WriteString("a")
			if err := w.Flush(); err != nil {
				return err
			}
			_, err := w.WriteString("b")
			return err
		}, 200, "ab", false},
		"large": {func(w sluice.ResponseWriter, _ *sluice.Request) error {
			_, err := w.WriteString(large)
			return err
		}, 200, large, false},
		"large in small pieces": {func(w sluice.ResponseWriter, _ *sluice.Request) error {
			for at := 0; at < len(large); at += 1000 {
				if _, err := w.WriteString(large[at : at+1000]); err != nil {
					return err
				}
			}
			return w.Flush()
		}, 200, large, false},
		"large at once": {func(w sluice.ResponseWriter, _ *sluice.Request) error {
			return sluice.Reply(w, 404, nil, []byte(large))
		}, 404, large, true},
	} {
		for _, room := range []int{0, 1, 20_000, 200_000} {
			got := answer(test.handler, request{Room: room})
			want(t, got, test.status, test.body)
			if got.Whole != test.whole {
				t.Errorf("%s: whole is %v", name, got.Whole)
			}
			if waited := got.Waits > 0; !test.whole && room == 1 && len(test.body) > 64<<10 && !waited {
				t.Errorf("%s: the handler did not wait for room", name)
			}
		}
	}
}

// What is read is sent back while more comes in, and its trailers too.
func TestStreaming(t *testing.T) {
	echo := func(w sluice.ResponseWriter, r *sluice.Request) error {
		if _, err := io.Copy(w, r.Body); err != nil {
			return err
		}
		for name, value := range r.Trailers() {
			w.Trailer().Add(name, value)
		}
		return nil
	}
	byByte := func(w sluice.ResponseWriter, r *sluice.Request) error {
		var b [7]byte
		for {
			n, err := r.Body.Read(b[:])
			if err == io.EOF {
				return w.End()
			}
			if err != nil {
				return err
			}
			if _, err := w.Write(b[:n]); err != nil {
				return err
			}
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
	var pieces []string
	for i := range 20 {
		pieces = append(pieces, strings.Repeat(string(rune('a'+i)), 1+i*i*100))
	}
	for _, room := range []int{0, 1, 5000} {
		want(t, answer(byByte, request{Body: pieces, Room: room}), 200, strings.Join(pieces, ""))
		if got := answer(echo, request{Body: []string{"ab", "c"}, Room: room}); len(got.Handed) < 2 || got.Handed[0] != 2 {
			t.Errorf("the first piece did not go out before the second was waited for: %v", got.Handed)
		}
		got := answer(echo, request{Body: pieces, Room: room, Trailers: fields[1:2]})
		want(t, got, 200, strings.Join(pieces, ""))
		if len(got.Trailers) != 1 || got.Trailers[0] != fields[1] {
			t.Errorf("the trailers are %v", got.Trailers)
		}
	}
}

// Flush waits for all that was written, also for what came after a wait for room.
func TestFlush(t *testing.T) {
	for _, room := range []int{0, 1, 100_000} {
		got := answer(func(w sluice.ResponseWriter, _ *sluice.Request) error {
			for _, size := range []int{200_000, 7, 1} {
				if _, err := w.WriteString(strings.Repeat("x", size)); err != nil {
					return err
				}
				if err := errors.Join(w.Flush(), w.Flush()); err != nil {
					return err
				}
			}
			return nil
		}, request{Room: room})
		for _, sent := range []int{200_000, 200_007, 200_008} {
			if !slices.Contains(got.Handed, sent) {
				t.Errorf("room %d: handed on at %v, want %d among them", room, got.Handed, sent)
			}
		}
	}
}

// Errors end a request so that nobody takes the answer for complete.
func TestFailures(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		handler  func(sluice.ResponseWriter, *sluice.Request) error
		request  request
		status   int
		complete bool
	}{
		"error": {func(sluice.ResponseWriter, *sluice.Request) error { return broken }, request{}, 500, true},
		"error after writing": {func(w sluice.ResponseWriter, _ *sluice.Request) error {
			_, _ = w.WriteString("a")
			return broken
		}, request{}, 500, true},
		"error after a flush": {func(w sluice.ResponseWriter, _ *sluice.Request) error {
			_, _ = w.WriteString("a")
			_ = w.Flush()
			return broken
		}, request{}, 200, false},
		"status": {func(sluice.ResponseWriter, *sluice.Request) error {
			return &sluice.StatusError{Code: 409, Text: "taken"}
		}, request{}, 409, true},
		"too large": {func(_ sluice.ResponseWriter, r *sluice.Request) error {
			r.Limit(3)
			_, err := r.Bytes()
			return err
		}, request{Body: []string{"ab", "cd"}}, 413, true},
		"too large, announced": {func(_ sluice.ResponseWriter, r *sluice.Request) error {
			_, err := r.Bytes()
			return err
		}, request{Fields: []sluice.Field{{Name: "Content-Length", Value: "1048577"}}}, 413, true},
		"gone": {func(_ sluice.ResponseWriter, r *sluice.Request) error {
			_, err := r.Bytes()
			if !errors.Is(err, sluice.ErrClosed) {
				t.Errorf("reading what a client has left behind: %v", err)
			}
			return err
		}, request{Body: []string{"ab"}, Gone: true}, 0, false},
		"wrong length": {func(w sluice.ResponseWriter, _ *sluice.Request) error {
			w.Header().Set("content-length", "5")
			_, err := w.WriteString("a")
			return err
		}, request{}, 500, true},
		"too little": {func(w sluice.ResponseWriter, _ *sluice.Request) error {
			w.Header().Set("content-length", "5")
			_, _ = w.WriteString("a")
			return w.Flush()
		}, request{}, 200, false},
		"shared": {func(w sluice.ResponseWriter, _ *sluice.Request) error { return sluice.Text(w, 200, "a") },
			request{Shared: true}, 500, true},
	} {
		got := answer(test.handler, test.request)
		if got.Status != test.status || got.Complete != test.complete {
			t.Errorf("%s: got %d, complete %v; want %d, %v", name, got.Status, got.Complete, test.status, test.complete)
		}
	}
}

// Calls that come too late say so.
func TestOrder(t *testing.T) {
	got := answer(func(w sluice.ResponseWriter, _ *sluice.Request) error {
		if err := w.Informational(103, sluice.Field{Name: "Link", Value: "</a>; rel=preload"}); err != nil {
			t.Error(err)
		}
		if err := w.WriteHeader(99); !errors.Is(err, sluice.ErrInvalid) {
			t.Errorf("a status of 99: %v", err)
		}
		if err := errors.Join(w.WriteHeader(202), w.Flush()); err != nil {
			t.Error(err)
		}
		if err := w.WriteHeader(203); !errors.Is(err, sluice.ErrState) {
			t.Errorf("a second head: %v", err)
		}
		if err := w.Informational(103); !errors.Is(err, sluice.ErrState) {
			t.Errorf("a hint behind the head: %v", err)
		}
		if err := errors.Join(w.End(), w.End()); err != nil {
			t.Error(err)
		}
		if _, err := w.WriteString("a"); !errors.Is(err, sluice.ErrState) {
			t.Errorf("writing behind the end: %v", err)
		}
		return nil
	}, request{})
	want(t, got, 202, "")
	if len(got.Informational) != 1 || got.Informational[0].Status != 103 {
		t.Errorf("the informational answers are %v", got.Informational)
	}
}

func TestQuery(t *testing.T) {
	var got []string
	for name, value := range sluice.Query("a=1&&b=%41+%zz&c&=d&a=%E2%82%AC").All() {
		got = append(got, name+"="+value)
	}
	if wanted := []string{"a=1", "b=A %zz", "c=", "=d", "a=€"}; !slices.Equal(got, wanted) {
		t.Errorf("got %q, want %q", got, wanted)
	}
	for query, valid := range map[sluice.Query]bool{"": true, "a=%41": true, "a=%4": false, "%zz": false, "%": false} {
		if query.Valid() != valid {
			t.Errorf("%q is valid: %v", query, !valid)
		}
	}
	if q := sluice.Query("a&b=c"); !q.Has("a") || q.Has("c") || q.Get("b") != "c" {
		t.Error("the names are not found")
	}
}

func TestHeader(t *testing.T) {
	var h sluice.Header
	h.Add("A", "1")
	h.Add("b", "2")
	h.Add("a", "3")
	h.Set("a", "4")
	h.Add("c", "5")
	h.Del("B")
	var got []string
	for name, value := range h.All() {
		got = append(got, name+value)
	}
	if !slices.Equal(got, []string{"A4", "c5"}) || h.Get("C") != "5" || h.Has("b") {
		t.Errorf("got %q", got)
	}
}

func TestCookies(t *testing.T) {
	got := answer(func(w sluice.ResponseWriter, _ *sluice.Request) error {
		for _, bad := range []sluice.Cookie{{}, {Name: "a=b"}, {Name: "a", Value: "x;y"}, {Name: "a", Path: "/\r\n"}} {
			if err := sluice.SetCookie(w, bad); !errors.Is(err, sluice.ErrInvalid) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
		return sluice.SetCookie(w, sluice.Cookie{Name: "a", Value: "b=", Path: "/", MaxAge: -1, Secure: true, SameSite: "Lax"})
	}, request{})
	if line := got.Header("Set-Cookie"); line != "a=b=; Path=/; SameSite=Lax; Max-Age=0; Secure" {
		t.Errorf("the field is %q", line)
	}
}
