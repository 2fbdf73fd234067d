//go:build !wasip1

package main

import (
	"testing"

	"github.com/sluicehttp/sluice/sdk-go/sluicetest"
)

func TestHello(t *testing.T) {
	for target, greeting := range map[string]string{
		"/":                  "Hello, world!\n",
		"/?name=":            "Hello, world!\n",
		"/?name=Ada":         "Hello, Ada!\n",
		"/?name=Ada%20King+": "Hello, Ada King !\n",
	} {
		got := sluicetest.Do(sluicetest.Request{Target: target})
		if got.Status != 200 || got.Body != greeting {
			t.Errorf("%s: got %d %q, want %q", target, got.Status, got.Body, greeting)
		}
	}
}
