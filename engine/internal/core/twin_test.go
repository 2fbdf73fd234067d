package core_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/internal/corpus"
)

// inputs are bytes that peers may send, good and bad, one per rule and more.
var inputs = []string{
	"",
	"\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n",
	"GET /?a=b%20c HTTP/1.0\r\n\r\n",
	"GET http://example.com:8080/x HTTP/1.1\r\nHost: other\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n\x16\x03\x01",
	"HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n06;a=b;c=\"d\\\"e\"\r\n world\r\n0\r\nX: y\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: b\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nxGET / HTTP/1.1\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
	"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, keep-alive\r\nUpgrade: websocket\r\n\r\n",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"GET / HTTP/1.1\nHost: a\n\n",
	"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
	"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
	"GET / HTTP/1.1\r\n\r\n",
	"G\x80T / HTTP/1.1\r\nHost: a\r\n\r\n",
}

// TestTwin compares all that the core in its sandbox and its native twin say of the same bytes in the same pieces, and what
// they frame for the same host: as a server, as a client, and as either with a script by chance.
func TestTwin(t *testing.T) {
	both := bothCores(t)
	random := rand.New(rand.NewPCG(1, 2))
	for _, bytes := range allInputs(t) {
		chance := script(random.Uint32())
		for _, s := range []script{0, scriptClient, chance, chance ^ scriptClient} {
			input := s.input(bytes)
			compareTwins(t, both, input, s, func() corpus.Feed { return corpus.Feed{Split: whole} })
			if len(input) < 2<<10 {
				compareTwins(t, both, input, s, func() corpus.Feed { return corpus.Feed{Split: corpus.ByByte} })
			}
			seed := random.Uint64()
			compareTwins(t, both, input, s, func() corpus.Feed { return corpus.RandomFeed(seed) })
		}
	}
}

// whole gives as much at once as fits in a slot behind an unfinished head.
func whole(left int) int { return min(left, 24<<10) }

// compareTwins gives both cores the same.
func compareTwins(t *testing.T, both cores, input []byte, s script, feed func() corpus.Feed) {
	t.Helper()
	wasmTrace, wasmFramed := transcript(t, both.wasm, input, s, feed())
	nativeTrace, nativeFramed := transcript(t, both.native, input, s, feed())
	if wasm, native := wasmTrace.String(), nativeTrace.String(); wasm != native {
		t.Fatalf("script %#x, input %q: wasm -, native +\n%s", byte(s), input, corpus.Diff(wasm, native))
	}
	if !slices.Equal(wasmFramed, nativeFramed) {
		t.Fatalf("script %#x, input %q\nwasm   %q\nnative %q", byte(s), input, wasmFramed, nativeFramed)
	}
}

// TestSplits compares what the core says of the same bytes, and frames for the same host, however the bytes are split.
func TestSplits(t *testing.T) {
	native := bothCores(t).native
	random := rand.New(rand.NewPCG(3, 4))
	for _, bytes := range allInputs(t) {
		chance := script(random.Uint32())
		for _, s := range []script{0, scriptClient, chance, chance ^ scriptClient} {
			input := s.input(bytes)
			compareSplits(t, native, input, s, corpus.RandomFeed(random.Uint64()))
			if len(input) < 8<<10 {
				compareSplits(t, native, input, s, corpus.Feed{Split: corpus.ByByte})
			}
		}
	}
}

// compareSplits gives a core the same at once and in pieces.
func compareSplits(t *testing.T, c *core.Core, input []byte, s script, feed corpus.Feed) {
	t.Helper()
	wantTrace, wantFramed := transcript(t, c, input, s, corpus.Feed{Split: whole})
	gotTrace, gotFramed := transcript(t, c, input, s, feed)
	if want, got := wantTrace.Joined().String(), gotTrace.Joined().String(); got != want {
		t.Fatalf("script %#x, input %q: whole -, in pieces +\n%s", byte(s), input, corpus.Diff(want, got))
	}
	if !slices.Equal(gotFramed, wantFramed) {
		t.Fatalf("script %#x, input %q\nwhole %q\nin pieces %q", byte(s), input, wantFramed, gotFramed)
	}
}

// allInputs are the inputs above and those of the corpora, of which a short run takes every tenth.
func allInputs(t *testing.T) (all [][]byte) {
	t.Helper()
	for _, input := range inputs {
		all = append(all, []byte(input))
	}
	corpora := corporaInputs(t)
	taken := 0
	for i, input := range corpora {
		if !testing.Short() || i%10 == 0 {
			all = append(all, input)
			taken++
		}
	}
	t.Logf("%d inputs of our own, %d of the %d of the corpora", len(inputs), taken, len(corpora))
	return all
}

// corporaInputs are the inputs of other people's cases and fuzzers, none where their folder is not there.
func corporaInputs(t *testing.T) (inputs [][]byte) {
	t.Helper()
	folder, err := findCorpora()
	if err != nil {
		t.Log(err)
		return nil
	}
	for _, load := range corporaLoaders {
		for _, c := range load(t, folder) {
			inputs = append(inputs, c.input)
		}
	}
	fuzzed := fuzzInputs(t, folder)
	t.Logf("%d inputs of other people's cases, %d of their fuzzers", len(inputs), len(fuzzed))
	return append(inputs, fuzzed...)
}

// FuzzTwin compares the cores on arbitrary bytes in arbitrary pieces, with an arbitrary host.
func FuzzTwin(f *testing.F) {
	addInputs(f)
	both := bothCores(f) // here, because compiling one takes long on a busy machine, and a fuzzer takes that for a hang
	f.Fuzz(func(t *testing.T, input []byte, s byte, seed uint64) {
		if len(input) > maxFuzzed {
			return
		}
		compareTwins(t, both, input, script(s), func() corpus.Feed { return corpus.RandomFeed(seed) })
	})
}

// FuzzSplits compares what the core says of arbitrary bytes whole and in pieces, with an arbitrary host.
func FuzzSplits(f *testing.F) {
	addInputs(f)
	native := bothCores(f).native
	f.Fuzz(func(t *testing.T, input []byte, s byte, seed uint64) {
		if len(input) > maxFuzzed {
			return
		}
		compareSplits(t, native, input, script(s), corpus.RandomFeed(seed))
	})
}

// addInputs has a fuzzer begin with the inputs above and those of the corpus of package http1, each with another script.
func addInputs(f *testing.F) {
	f.Helper()
	cases, err := corpus.Load(corpusFolder)
	if err != nil {
		f.Fatal(err)
	}
	for i, input := range inputs {
		f.Add([]byte(input), byte(i)&^byte(scriptClient), uint64(i))
	}
	for i, c := range cases {
		s := script(i) &^ scriptClient
		if c.Settings.Client {
			s |= scriptClient
		}
		f.Add(c.Input, byte(s), uint64(i))
	}
}

// maxFuzzed is the longest input that is worth the time, which grows with its square.
const maxFuzzed = 10 << 10
