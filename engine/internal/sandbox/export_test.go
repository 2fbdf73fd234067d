package sandbox

import (
	"context"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// Check decodes, rewrites and compiles a module and runs nothing of it.
func (l *Loader) Check(ctx context.Context, binary []byte) error {
	decoded, err := wasm.Decode(binary)
	if err != nil {
		return err
	}
	l.checker.problems(decoded)
	m, err := rewrite.RewriteModule(decoded, l.options())
	if err != nil {
		return err
	}
	code, err := l.runtime.Compile(ctx, m.Wasm)
	if err != nil {
		return err
	}
	return code.Close(ctx)
}

// Memories are compared as a whole when they were restored, but not where time is measured.
func init() { checkRestored = true }

// TrustMarks has memories not be compared for the time of a benchmark.
func TrustMarks(b *testing.B) {
	checkRestored = false
	b.Cleanup(func() { checkRestored = true })
}

// Idle is how many instances wait for work.
func (p *Pool) Idle() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.idle.count
}

// Trim does what time does.
func (p *Pool) Trim() { p.trim() }

// Resume has a handler asked again that is paused because it kept failing.
func (p *Pool) Resume() { p.breaker.failures.Store(0) }

// LongestSlice is the longest time that an instance which was ended last has kept its goroutine from others.
func (p *Pool) LongestSlice() time.Duration { return time.Duration(p.longest.Swap(0)) }

// Facts are what is known of a module beside its machine code.
func (m *Module) Facts() any { return m.compiled.facts }
