package workloads

import (
	"bufio"
	"bytes"
	"net/http"
	"slices"
	"testing"
)

// TestRequests reads every request as a server would.
func TestRequests(t *testing.T) {
	for _, w := range Table {
		for _, r := range w.Plan.Requests {
			read, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(r.Head)))
			if err != nil {
				t.Fatalf("%s: %v", w.Name, err)
			}
			if read.URL.Path != string(w.Endpoint) || read.Host == "" {
				t.Errorf("%s asks %s of %q", w.Name, read.URL, read.Host)
			}
			if w.Plan.Fresh != read.Close {
				t.Errorf("%s: a new connection each: %v, and the server is told so: %v", w.Name, w.Plan.Fresh, read.Close)
			}
			if r.Stream > 0 && read.ContentLength != r.Stream {
				t.Errorf("%s announces %d bytes and sends %d", w.Name, read.ContentLength, r.Stream)
			}
		}
	}
}

func TestBrowser(t *testing.T) {
	head := browser().Head
	read, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		t.Fatal(err)
	}
	if fields := len(read.Header) + 1; fields != 10 || len(head) < 650 || len(head) > 750 {
		t.Errorf("%d fields, %d bytes", fields, len(head))
	}
}

func TestAnswers(t *testing.T) {
	if len(Order) != 1024 {
		t.Errorf("the order has %d bytes", len(Order))
	}
	if got := string(sums([]byte(`{"id":7,"items":[{"quantity":2,"cents":50},{"quantity":3,"cents":1}]}`))); got != `{"id":7,"items":2,"quantity":5,"cents":103}` {
		t.Error(got)
	}
	if got := string(computed()); !bytes.HasSuffix([]byte(got), []byte(`,"sum":4950}`)) {
		t.Error(got)
	}
}

func TestNames(t *testing.T) {
	sorted := slices.Sorted(slices.Values(Names()))
	if len(slices.Compact(sorted)) != len(Names()) {
		t.Errorf("a name is there twice: %v", Names())
	}
}
