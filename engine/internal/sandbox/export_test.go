package sandbox

import (
	"context"

	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// Check decodes and compiles a module and runs nothing of it.
func (l *Loader) Check(ctx context.Context, binary []byte) error {
	decoded, err := wasm.Decode(binary)
	if err != nil {
		return err
	}
	l.checker.problems(decoded)
	code, err := l.runtime.Compile(ctx, edited(decoded))
	if err != nil {
		return err
	}
	return code.Close(ctx)
}

// Idle is how many instances wait for work.
func (p *Pool) Idle() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle)
}

// Trim does what time does.
func (p *Pool) Trim() { p.trim() }
