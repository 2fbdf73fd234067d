package smuggling

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// payload is what an attacker sends on a connection, in front of a probe.
type payload struct {
	name string
	// bytes may hold hidden, which is replaced by a request that nobody may see.
	bytes string
	// refused says that Sluice has to refuse it as a front, served that it has to serve it. A payload may have neither.
	refused, served bool
	// plain says that every server serves it.
	plain bool
	// stepwise has the probe sent only when the payload was answered, or waited for in vain.
	stepwise bool
	// otherVersion says that a server may answer it in another version of HTTP, or without a head as HTTP/0.9 does.
	otherVersion bool
}

// hidden stands for a request in a payload, and hiddenLength for its length in decimal digits.
const (
	hidden       = "{hidden}"
	hiddenLength = "{length}"
)

// fill puts the hidden request of a run into a payload.
func (p *payload) fill(run int) string {
	request := fmt.Sprintf("GET /hidden-%06d HTTP/1.1\r\nHost: h\r\nX-Hidden: y\r\n\r\n", run)
	return strings.NewReplacer(hidden, request, hiddenLength, strconv.Itoa(len(request))).Replace(p.bytes)
}

// probe is the request that follows a payload. Its answer must be its own.
func probe(run int) string {
	return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n", probeTarget(run))
}

func probeTarget(run int) string { return fmt.Sprintf("/probe-%06d", run) }

// What payloads are sent.
var (
	only    = flag.String("payload", "", "send only the payloads with this in their names")
	mutated = flag.Int("mutations", 500, "send so many random mutations of our own payloads")
	seed    = flag.Uint64("seed", 1, "the seed of the mutations")
)

// payloads are our own, mutations of them, and those of the corpus; under -short only some of the last.
func payloads(t *testing.T) (all []*payload) {
	t.Helper()
	for _, p := range attacks() {
		steps := *p
		steps.name += ", stepwise"
		steps.stepwise = true
		all = append(all, p, &steps)
	}
	corpus := corpusPayloads(t)
	const sample = 20
	if testing.Short() && len(corpus) > 0 {
		var some []*payload
		for i := 0; i < len(corpus); i += sample {
			some = append(some, corpus[i])
		}
		t.Logf("-short: only every %dth payload of the corpus", sample)
		corpus = some
	}
	t.Logf("%d payloads of our own, %d mutations, %d of the corpus", len(all), *mutated, len(corpus))
	all = append(all, mutations(*mutated, *seed)...)
	return slices.DeleteFunc(append(all, corpus...), func(p *payload) bool { return !strings.Contains(p.name, *only) })
}

// corpusPayloads are those of http1-smuggler.json, none where there is no such file.
func corpusPayloads(t *testing.T) (all []*payload) {
	t.Helper()
	dir := os.Getenv("SLUICE_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "corpora")
	}
	content, err := os.ReadFile(filepath.Join(dir, "http1-smuggler.json"))
	if err != nil {
		t.Logf("no corpus: %v; SLUICE_CORPORA names its folder", err)
		return nil
	}
	var corpus struct {
		Cases []struct {
			ID      string
			Input   string `json:"input_b64"`
			Verdict string
		}
	}
	if err := json.Unmarshal(content, &corpus); err != nil {
		t.Fatal(err)
	}
	for _, c := range corpus.Cases {
		input, err := base64.StdEncoding.DecodeString(c.Input)
		if err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		all = append(all, &payload{name: c.ID, bytes: string(input), refused: c.Verdict == "reject"})
	}
	return all
}
