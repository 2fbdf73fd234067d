package core_test

import (
	"archive/tar"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
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

// TestTwin compares all that the core in its sandbox and its native twin say of the same bytes in the same pieces.
func TestTwin(t *testing.T) {
	both := bothCores(t)
	all := slices.Clone(inputs)
	corpora := corpusInputs(t)
	t.Logf("%d inputs of our own, %d of the corpora", len(inputs), len(corpora))
	all = append(all, corpora...)
	random := rand.New(rand.NewPCG(1, 2))
	for _, input := range all {
		compareTwins(t, both, []byte(input), whole, whole)
		if len(input) < 4<<10 {
			compareTwins(t, both, []byte(input), byByte, byByte)
		}
		seed := random.Uint64()
		compareTwins(t, both, []byte(input), randomSplit(seed), randomSplit(seed))
	}
}

// randomSplit is a split that equals every other of the same seed.
func randomSplit(seed uint64) func(int) int {
	random := rand.New(rand.NewPCG(seed, 0))
	return func(int) int { return 1 + random.IntN(64) }
}

func compareTwins(t *testing.T, both cores, input []byte, forWasm, forNative func(int) int) {
	t.Helper()
	wasm, native := transcript(t, both.wasm, input, forWasm), transcript(t, both.native, input, forNative)
	if !slices.Equal(wasm, native) {
		t.Fatalf("input %q\nwasm   %q\nnative %q", input, wasm, native)
	}
}

// TestSplits compares what the core says of the same bytes however they are split.
func TestSplits(t *testing.T) {
	native := bothCores(t).native
	random := rand.New(rand.NewPCG(3, 4))
	for _, input := range append(slices.Clone(inputs), corpusInputs(t)...) {
		want := joined(transcript(t, native, []byte(input), whole))
		splits := map[string]func(int) int{"at random": randomSplit(random.Uint64())}
		if len(input) < 16<<10 {
			splits["byte by byte"] = byByte
		}
		for name, split := range splits {
			if got := joined(transcript(t, native, []byte(input), split)); !slices.Equal(got, want) {
				t.Fatalf("input %q\n%s %q\nwhole %q", input, name, got, want)
			}
		}
	}
}

// corpusInputs are the inputs of the corpora that lie beside the project, none where they do not.
func corpusInputs(t *testing.T) (inputs []string) {
	t.Helper()
	dir := os.Getenv("SLUICE_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "corpora")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Logf("no corpora: %v; SLUICE_CORPORA names their folder", err)
		return nil
	}
	for _, name := range []string{"http1-llhttp.json", "http1-parsers.json", "http1-smuggler.json"} {
		inputs = append(inputs, jsonInputs(t, filepath.Join(dir, name))...)
	}
	return append(inputs, tarInputs(t, filepath.Join(dir, "fuzz-http1.tgz"))...)
}

// jsonInputs are the inputs of a corpus in JSON.
func jsonInputs(t *testing.T, name string) (inputs []string) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var corpus struct {
		Cases []struct {
			Input string `json:"input_b64"`
		}
	}
	if err := json.Unmarshal(content, &corpus); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, c := range corpus.Cases {
		input, err := base64.StdEncoding.DecodeString(c.Input)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		inputs = append(inputs, string(input))
	}
	return inputs
}

// tarInputs are the inputs of a corpus that is a tar file.
func tarInputs(t *testing.T, name string) (inputs []string) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if err == io.EOF {
			return inputs
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		inputs = append(inputs, string(content))
	}
}

// FuzzTwin compares the cores on arbitrary bytes in arbitrary pieces.
func FuzzTwin(f *testing.F) {
	for _, input := range inputs {
		f.Add([]byte(input), uint64(0))
	}
	f.Fuzz(func(t *testing.T, input []byte, seed uint64) {
		if len(input) > maxFuzzed {
			return // longer than a slot
		}
		both := bothCores(t)
		compareTwins(t, both, input, randomSplit(seed), randomSplit(seed))
	})
}

// FuzzSplits compares what the core says of arbitrary bytes whole and in pieces.
func FuzzSplits(f *testing.F) {
	for _, input := range inputs {
		f.Add([]byte(input), uint64(0))
	}
	f.Fuzz(func(t *testing.T, input []byte, seed uint64) {
		if len(input) > maxFuzzed {
			return // longer than a slot
		}
		native := bothCores(t).native
		want, got := joined(transcript(t, native, input, whole)), joined(transcript(t, native, input, randomSplit(seed)))
		if !slices.Equal(got, want) {
			t.Fatalf("whole %q\nsplit %q", want, got)
		}
	})
}

// maxFuzzed is the longest input that fits in a slot at once.
const maxFuzzed = 60 << 10
