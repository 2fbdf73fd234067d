package main

import (
	"os"
	"testing"
	"time"
)

func TestUsageOf(t *testing.T) {
	before, err := usageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); time.Since(begin) < 50*time.Millisecond; {
	}
	after, err := usageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	user, system, err := ownCPU()
	if err != nil {
		t.Fatal(err)
	}
	if used := after.since(before).cpu(); used <= 0 {
		t.Errorf("%v were used in 50 ms of work", used)
	}
	if own := user + system; own < after.cpu() || own > after.cpu()+time.Second {
		t.Errorf("%v seen from outside, %v from inside a little later", after.cpu(), own)
	}
}

func TestTicks(t *testing.T) {
	user, system, err := ticks([]byte("7 (a) b (c) S 1 7 7 0 -1 4194560 5 0 0 0 31 17 0 0 20 0 1 0\n"))
	if user != 31 || system != 17 || err != nil {
		t.Errorf("%d, %d, %v", user, system, err)
	}
	if _, _, err := ticks([]byte("7 (x) S 1")); err == nil {
		t.Error("a line cut short was taken")
	}
}
