package sandbox

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
)

func TestContent(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, block, 2 * block, 5 * block, 70 * block} {
		for range 50 {
			memory := make([]byte, size)
			for at := 0; at < size; at += 1 + random.IntN(3*block) {
				memory[at] = byte(random.Uint32()) // 0 at times
			}
			want, c := bytes.Clone(memory), contentOf(memory)
			if c.size() > int64(size) || len(c.copies) > (size+block-1)/block {
				t.Fatalf("a content of %d bytes in %d blocks, of %d", c.size(), len(c.copies), size)
			}
			for range random.IntN(6) {
				if size > 0 {
					memory[random.IntN(size)] ^= 1
				}
			}
			tail := bytes.Repeat([]byte{1}, random.IntN(3*block))
			memory = append(memory, tail...)
			if !c.restore(memory, rewrite.AllMarks) {
				t.Fatal("not restored")
			}
			if !bytes.Equal(memory[:size], want) || len(bytes.TrimLeft(memory[size:], "\x00")) > 0 {
				t.Fatalf("memory of %d bytes, grown by %d: something is left", size, len(tail))
			}
		}
	}
	if c := contentOf(make([]byte, 10*block)); c.size() != 0 || c.restore(make([]byte, maxTail+1), rewrite.AllMarks) {
		t.Errorf("zeros take %d bytes, or too long a tail was cleared", c.size())
	}
}
