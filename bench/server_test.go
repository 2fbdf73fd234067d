package main

import (
	"strings"
	"testing"
	"time"
)

func TestServeRequests(t *testing.T) {
	answers := []usage{{User: 1}, {User: 3, System: time.Second, Mallocs: 2, Bytes: 5}}
	r := &running{address: "127.0.0.1:1", usage: func() (usage, error) {
		u := answers[0]
		answers = answers[1:]
		return u, nil
	}}
	var out strings.Builder
	if err := serveRequests(r, strings.NewReader("usage\nusage\n"), &out); err != nil {
		t.Fatal(err)
	}
	want := `127.0.0.1:1
{"user_ns":1,"system_ns":0,"mallocs":0,"malloc_bytes":0}
{"user_ns":3,"system_ns":1000000000,"mallocs":2,"malloc_bytes":5}
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
