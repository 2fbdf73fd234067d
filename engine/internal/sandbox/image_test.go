package sandbox

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestRestoreMemory(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	fill := func(b []byte) []byte {
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	for _, size := range []int{0, 1, block - 1, block, block + 1, 5*block + 7} {
		for _, tail := range []int{0, 1, block, 3*block + 5} {
			image := fill(make([]byte, size))
			for range 20 {
				memory := append(bytes.Clone(image), make([]byte, tail)...)
				for range random.IntN(6) {
					if len(memory) > 0 {
						memory[random.IntN(len(memory))] ^= 1
					}
				}
				if !restoreMemory(memory, image) {
					t.Fatal("not restored")
				}
				if !bytes.Equal(memory[:size], image) || len(bytes.TrimLeft(memory[size:], "\x00")) > 0 {
					t.Fatalf("image of %d bytes, tail of %d: something is left", size, tail)
				}
			}
		}
	}
	grown := make([]byte, maxTail+block+1)
	if restoreMemory(grown, nil) {
		t.Error("too long a tail was cleared")
	}
}

// BenchmarkRestore restores a memory of which a request has changed 8 blocks, and one that it has changed all over.
func BenchmarkRestore(b *testing.B) {
	for _, kib := range []int{64, 128, 1024} {
		for _, step := range []int{kib * 1024 / 8, block} {
			b.Run(fmt.Sprintf("%dKiB/%dchanged", kib, kib*1024/step), func(b *testing.B) {
				image := bytes.Repeat([]byte("sluice"), kib*1024/6)
				memory := bytes.Clone(image)
				for b.Loop() {
					for at := 0; at < len(memory); at += step {
						memory[at]++
					}
					restoreMemory(memory, image)
				}
			})
		}
	}
}

func BenchmarkCopy(b *testing.B) {
	for _, kib := range []int{64, 128, 1024} {
		b.Run(fmt.Sprintf("%dKiB", kib), func(b *testing.B) {
			image := bytes.Repeat([]byte("sluice"), kib*1024/6)
			memory := bytes.Clone(image)
			for b.Loop() {
				copy(memory, image)
			}
		})
	}
}
