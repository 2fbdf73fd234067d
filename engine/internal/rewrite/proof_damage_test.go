package rewrite_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// FuzzDamaged generates a program, damages its module, and has the rewriter and wazero judge it.
func FuzzDamaged(f *testing.F) {
	for seed := range uint64(32) {
		f.Add(programInput(seed), seed)
	}
	j := newJudge(f)
	f.Fuzz(func(t *testing.T, input []byte, seed uint64) {
		wasm := wasmtest.Generate(input).Wasm
		damage(wasm, rand.New(rand.NewPCG(seed, 3)))
		if _, err := j.judge(wasm); err != nil {
			t.Fatal(err)
		}
	})
}

// TestDamaged does what [FuzzDamaged] does, many times for each program.
func TestDamaged(t *testing.T) {
	j := newJudge(t)
	verdicts := map[string]int{}
	for seed := range uint64(60) {
		whole := wasmtest.Generate(programInput(seed)[:500]).Wasm
		random := rand.New(rand.NewPCG(seed, 4))
		for range 40 {
			wasm := append([]byte{}, whole...)
			damage(wasm, random)
			verdict, err := j.judge(wasm)
			if err != nil {
				t.Fatal(err)
			}
			verdicts[verdict]++
		}
	}
	t.Log(verdicts)
	if verdicts[damagedRefused] < 100 || verdicts[damagedTaken] < 100 {
		t.Errorf("these modules prove little: %v", verdicts)
	}
	if all := verdicts[damagedTaken] + verdicts[damagedStrict]; verdicts[damagedStrict] > all/50 {
		t.Errorf("of %d modules that wazero takes, %d are refused", all, verdicts[damagedStrict])
	}
}

const (
	damagedRefused = "refused"
	damagedTaken   = "taken, and valid"
	damagedLimits  = "beyond a limit"
	// damagedStrict is for what wazero reads and the specification does not have, like opcodes of which it reads a part.
	damagedStrict = "refused, though wazero takes it"
)

// damage changes a few bytes behind the header: to anything, or by one, which makes an index one that is not there.
func damage(wasm []byte, random *rand.Rand) {
	for range 1 + random.IntN(3) {
		at := len(wasmtest.Header) + random.IntN(len(wasm)-len(wasmtest.Header))
		switch random.IntN(4) {
		case 0:
			wasm[at] = byte(random.Uint32())
		case 1:
			wasm[at]--
		default:
			wasm[at]++
		}
	}
}

// judge compares the rewriter's idea of validity with wazero's.
type judge struct {
	ctx     context.Context
	runtime wazero.Runtime
}

func newJudge(t testing.TB) *judge {
	ctx := context.Background()
	config := wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2)
	j := &judge{ctx: ctx, runtime: wazero.NewRuntimeWithConfig(ctx, config)}
	t.Cleanup(func() { j.runtime.Close(ctx) })
	return j
}

// judge rewrites a module: one that is valid afterwards has to be valid before.
func (j *judge) judge(wasm []byte) (verdict string, err error) {
	before := j.valid(wasm)
	rewritten, refused := rewriteProgram(wasm)
	var limit *rewrite.LimitError
	switch {
	case errors.As(refused, &limit):
		return damagedLimits, nil
	case refused != nil && before == nil:
		return damagedStrict, nil
	case refused != nil:
		return damagedRefused, nil
	}
	after := j.valid(rewritten.Wasm)
	switch {
	case after == nil && before != nil:
		return "", fmt.Errorf("%w, and not when it has been rewritten: %x", before, wasm)
	case after != nil && before == nil:
		return "", fmt.Errorf("valid, and when it has been rewritten: %w: %x", after, wasm)
	case after != nil:
		return damagedRefused, nil
	}
	return damagedTaken, nil
}

// valid is wazero's opinion. A panic of its compiler is one, too.
func (j *judge) valid(wasm []byte) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	compiled, err := j.runtime.CompileModule(j.ctx, wasm)
	if err != nil {
		return err
	}
	return compiled.Close(j.ctx)
}
