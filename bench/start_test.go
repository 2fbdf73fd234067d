package main

import (
	"strings"
	"testing"
)

func TestReadAddress(t *testing.T) {
	got, err := readAddress(strings.NewReader("loading\nListening on http://127.0.0.1:4711/\n\n"))
	if err != nil || got != "127.0.0.1:4711" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := readAddress(strings.NewReader("failed\n")); err == nil {
		t.Errorf("%q from a program that printed none", got)
	}
}
