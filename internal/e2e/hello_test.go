package e2e

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// A handler in each language answers each client.
func TestHello(t *testing.T) {
	for _, handler := range []struct{ name, text string }{
		{"hello-c", "Hello from C!\n"},
		{"hello-rust", "Hello from Rust!\n"},
		{"hello-go", "Hello from Go!\n"},
	} {
		t.Run(handler.name, func(t *testing.T) {
			eachCore(t, func(t *testing.T, core string) {
				s := start(t, core, module(t, "examples/abi/"+handler.name))
				for _, client := range clients {
					t.Run(client.name, func(t *testing.T) {
						got := client.do(t, get(s.url))[0]
						if got.status != http.StatusOK || got.text != handler.text {
							t.Errorf("got %d %q, want 200 %q", got.status, got.text, handler.text)
						}
						wantField(t, got.fields, "Content-Type", "text/plain; charset=utf-8")
						wantField(t, got.fields, "Content-Length", strconv.Itoa(len(handler.text)))
						if _, err := http.ParseTime(got.fields.Get("Date")); err != nil {
							t.Errorf("Date: %v", err)
						}
					})
				}
			})
		})
	}
}

// Without a handler there is a page, which shows what was asked for without believing it.
func TestWelcome(t *testing.T) {
	eachCore(t, func(t *testing.T, core string) {
		s := start(t, core)
		for _, client := range clients {
			t.Run(client.name, func(t *testing.T) {
				got := client.do(t, get(s.url+"some/where?a=1&b=2"))[0]
				if got.status != http.StatusOK {
					t.Errorf("got status %d", got.status)
				}
				wantField(t, got.fields, "Content-Type", "text/html; charset=utf-8")
				for _, part := range []string{"<title>Sluice is running</title>", "GET /some/where?a=1&amp;b=2"} {
					if !strings.Contains(got.text, part) {
						t.Errorf("the page lacks %q", part)
					}
				}
			})
		}
	})
}

func wantField(t *testing.T, fields http.Header, name, want string) {
	t.Helper()
	if got := fields.Values(name); len(got) != 1 || got[0] != want {
		t.Errorf("%s is %q, want %q", name, got, want)
	}
}
