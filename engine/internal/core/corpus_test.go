package core_test

import (
	"testing"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/guest/http1"
	"github.com/sluicehttp/sluice/internal/corpus"
)

// corpusFolder holds the corpus of package http1.
const corpusFolder = "../../../guest/http1/testdata/corpus"

// TestCorpus plays the corpus of package http1 on the core in its sandbox and on its twin.
func TestCorpus(t *testing.T) {
	cases, err := corpus.Load(corpusFolder)
	if err != nil {
		t.Fatal(err)
	}
	limited := limitedCores{}
	defer limited.close(t)
	for _, c := range cases {
		t.Run(c.Name(), func(t *testing.T) {
			for _, way := range corpus.Ways(c) {
				both := limited.get(t, way.Limits)
				checkWay(t, "wasm", both.wasm, way, c)
				checkWay(t, "native", both.native, way, c)
			}
		})
	}
}

// checkWay plays a case in a way on a connection of its own.
func checkWay(t *testing.T, name string, on *core.Core, way corpus.Way, c *corpus.Case) {
	t.Helper()
	p := openPeerAs(t, on, roleOf(c.Settings))
	defer p.close()
	if err := way.Check(p, c); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// limitedCores are cores by their limits, which all connections of a core share.
type limitedCores map[abi.Limits]cores

func (l limitedCores) get(t *testing.T, limits abi.Limits) cores {
	t.Helper()
	if both, ok := l[limits]; ok {
		return both
	}
	both, err := newCores(http1.Limits(limits))
	if err != nil {
		t.Fatal(err)
	}
	l[limits] = both
	return both
}

func (l limitedCores) close(t *testing.T) {
	for _, both := range l {
		if err := both.close(); err != nil {
			t.Error(err)
		}
	}
}
