package sandbox

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
)

// TestContent writes to memories, and grows them, and restores them: where everything is marked, and where what was written is.
func TestContent(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, block, 2 * block, 5 * block, 70 * block, 200 * block} {
		for _, blocks := range []rewrite.Blocks{12, 13, 15} {
			for try := range 50 {
				memory := make([]byte, size)
				for at := 0; at < size; at += 1 + random.IntN(3*block) {
					memory[at] = byte(random.Uint32()) // 0 at times
				}
				want, c := bytes.Clone(memory), contentOf(memory)
				if c.size() > int64(size) || len(c.copies)*block > size {
					t.Fatalf("a content of %d bytes in %d blocks, of %d", c.size(), len(c.copies), size)
				}
				memory = append(memory, make([]byte, random.IntN(3)*block)...)
				var marks rewrite.Marks
				for range random.IntN(6) {
					if len(memory) == 0 {
						break
					}
					at := random.IntN(len(memory))
					count := 1 + random.IntN(min(len(memory)-at, 2*block))
					marks |= blocks.Marks(uint32(at), uint32(count))
					for i := range count {
						memory[at+i] ^= 1
					}
				}
				if try%2 == 0 {
					marks = rewrite.AllMarks
				}
				begin, end := fill(memory, random)
				if !c.restore(memory, blocks, marks) {
					t.Fatal("not restored")
				}
				c.put(memory, begin, end)
				if !bytes.Equal(memory[:size], want) || len(bytes.TrimLeft(memory[size:], "\x00")) > 0 {
					t.Fatalf("memory of %d bytes, grown to %d: something is left", size, len(memory))
				}
			}
		}
	}
	if c := contentOf(make([]byte, 10*block)); c.size() != 0 || c.restore(make([]byte, maxTail+1), 12, rewrite.AllMarks) {
		t.Errorf("zeros take %d bytes, or too long a tail was cleared", c.size())
	}
}

// fill writes to some of a memory without a mark, and says where.
func fill(memory []byte, random *rand.Rand) (begin, end int) {
	if len(memory) == 0 {
		return 0, 0
	}
	begin = random.IntN(len(memory))
	end = begin + random.IntN(min(len(memory)-begin, 20*block)+1)
	for at := begin; at < end; at++ {
		memory[at] = 0xff
	}
	return begin, end
}

// TestMarksReach writes behind the end of a marked block as far as its mark reaches.
func TestMarksReach(t *testing.T) {
	memory := make([]byte, 200*block)
	c := contentOf(memory)
	const blocks = rewrite.Blocks(12)
	for _, at := range []int{block - 1, 64*block - 1, 130*block - 1} {
		for i := range rewrite.Reach + 1 {
			memory[at+i] = 1
		}
		if !c.restore(memory, blocks, blocks.Marks(uint32(at), 0)) || !isZero(memory[at:][:block]) {
			t.Errorf("what was written from %#x on is left", at)
		}
	}
}
