package engine

import (
	"testing"

	"github.com/sluicehttp/sluice/guest/http1"
)

// TestDefaultLimits compares the defaults of the library with those of the core.
func TestDefaultLimits(t *testing.T) {
	var limits Limits
	if err := limits.complete(); err != nil {
		t.Fatal(err)
	}
	if limits.http1() != http1.DefaultLimits {
		t.Errorf("%+v, and the core has %+v", limits.http1(), http1.DefaultLimits)
	}
}
