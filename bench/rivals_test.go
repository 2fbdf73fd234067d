package main

import (
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	chosen, err := hellos.choose("sluice-c,raw")
	if err != nil || len(chosen) != 2 || chosen[0].name != "raw" {
		t.Errorf("%v, %v; want two in the order of the table", chosen, err)
	}
	if _, err := hellos.choose("raw,apache"); err == nil || !strings.Contains(err.Error(), hellos.base) {
		t.Errorf("%v does not list the servers", err)
	}
}
