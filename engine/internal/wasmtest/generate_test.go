package wasmtest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// generatedInput is what the tests generate programs of.
func generatedInput(seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 1))
	input := make([]byte, 500+random.IntN(5000))
	for i := range input {
		input[i] = byte(random.Uint32())
	}
	return input
}

func TestGenerate(t *testing.T) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	defer r.Close(ctx)
	seen := map[string]int{}
	for seed := range uint64(500) {
		input := generatedInput(seed)
		p := Generate(input)
		compiled, err := r.CompileModule(ctx, p.Wasm)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if again := Generate(slices.Clone(input)); !bytes.Equal(again.Wasm, p.Wasm) {
			t.Fatalf("seed %d: the same bytes gave another module", seed)
		}
		if have := compiled.ExportedFunctions(); len(have) < len(p.Exports) {
			t.Fatalf("seed %d: %d exported functions, want at least %d", seed, len(have), len(p.Exports))
		}
		if err := compiled.Close(ctx); err != nil {
			t.Fatal(err)
		}
		countInstructions(t, p.Wasm, seen)
	}
	for name := range languageInstructions() {
		if seen[name] == 0 {
			t.Errorf("no module has the instruction %s", name)
		}
	}
}

// TestGenerateOfLittle makes programs of inputs that end early.
func TestGenerateOfLittle(t *testing.T) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	defer r.Close(ctx)
	input := generatedInput(1)
	for n := range 300 {
		if _, err := r.CompileModule(ctx, Generate(input[:n]).Wasm); err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

// countInstructions counts the instructions of a module by opcode.
func countInstructions(t *testing.T, wasm []byte, seen map[string]int) {
	t.Helper()
	list, err := sections(wasm)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.id != SectionCode {
			continue
		}
		r := reader{rest: s.content}
		for range r.u32() {
			body := reader{rest: r.take(r.u32())}
			for range body.u32() {
				body.u32()
				body.byte()
			}
			for len(body.rest) > 0 && body.err == nil {
				seen[instructionName(body.instruction())]++
			}
			if body.err != nil {
				t.Fatal(body.err)
			}
		}
	}
}

func instructionName(op byte, sub uint32) string {
	if op == prefixMisc || op == prefixVector {
		return fmt.Sprintf("%#x %d", op, sub)
	}
	return fmt.Sprintf("%#x", op)
}

// languageInstructions are all of WebAssembly 2.0 but nop, which does nothing.
func languageInstructions() map[string]bool {
	all := map[string]bool{}
	add := func(first, last byte) {
		for op := int(first); op <= int(last); op++ {
			all[instructionName(byte(op), 0)] = true
		}
	}
	add(opUnreachable, opUnreachable)
	add(opBlock, opElse)
	add(opEnd, opCallIndirect)
	add(opDrop, opSelectTyped)
	add(opLocalGet, opTableSet)
	add(opLoad, opLastNumeric)
	add(opRefNull, opRefFunc)
	for sub := range uint32(miscTableFill + 1) {
		all[instructionName(prefixMisc, sub)] = true
	}
	holes := []uint32{154, 162, 165, 166, 175, 176, 178, 179, 180, 187, 194, 197, 198, 207, 208, 210, 211, 212, 226, 238}
	for sub := range uint32(vectorLast + 1) {
		if !slices.Contains(holes, sub) {
			all[instructionName(prefixVector, sub)] = true
		}
	}
	return all
}
