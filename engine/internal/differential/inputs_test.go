package differential

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluicehttp/sluice/internal/corpus"
)

// maxFuzzed is the longest input that is compared, in bytes.
const maxFuzzed = 60 << 10

// inputs are those of our own corpus.
var inputs = ownInputs()

func ownInputs() (inputs []string) {
	cases, err := corpus.Load(filepath.Join("..", "..", "..", "guest", "http1", "testdata", "corpus"))
	if err != nil {
		panic(err)
	}
	for _, c := range cases {
		if len(c.Input) <= maxFuzzed {
			inputs = append(inputs, string(c.Input))
		}
	}
	return inputs
}

// corpusInputs are the inputs of the corpora that others wrote, none where they are not there.
func corpusInputs(t *testing.T) (inputs []string) {
	t.Helper()
	folder := os.Getenv("SLUICE_CORPORA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "..", "shared", "corpora")
	}
	if _, err := os.Stat(folder); err != nil {
		t.Logf("no corpora: %v; SLUICE_CORPORA names their folder", err)
		return nil
	}
	for _, name := range []string{"http1-llhttp.json", "http1-parsers.json", "http1-smuggler.json"} {
		inputs = append(inputs, jsonInputs(t, filepath.Join(folder, name))...)
	}
	inputs = append(inputs, tarInputs(t, filepath.Join(folder, "fuzz-http1.tgz"))...)
	t.Logf("%d inputs of the corpora", len(inputs))
	return inputs
}

// jsonInputs are the inputs of a corpus in JSON.
func jsonInputs(t *testing.T, name string) (inputs []string) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Input []byte `json:"input_b64"` // in base64, as encoding/json has bytes
		}
	}
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, c := range file.Cases {
		inputs = append(inputs, string(c.Input))
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
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if header.Typeflag == tar.TypeReg && len(content) <= maxFuzzed {
			inputs = append(inputs, string(content))
		}
	}
}
