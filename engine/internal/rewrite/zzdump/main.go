package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/tetratelabs/wazero"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// dump file func rewritten?
func main() {
	b, _ := os.ReadFile(os.Args[1])
	idx, _ := strconv.Atoi(os.Args[2])
	if len(os.Args) > 3 {
		m, err := rewrite.Rewrite(b, rewrite.Options{})
		if err != nil {
			panic(err)
		}
		b = m.Wasm
		os.WriteFile("/tmp/rw/out.wasm", b, 0644)
	}
	dir, _ := os.MkdirTemp("", "c")
	cache, _ := wazero.NewCompilationCacheWithDir(dir)
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCompilationCache(cache))
	if _, err := r.CompileModule(ctx, b); err != nil {
		panic(err)
	}
	filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if d.IsDir() {
			return nil
		}
		data, _ := os.ReadFile(p)
		i := bytes.Index(data, []byte("WAZEVO"))
		data = data[i+6:]
		n := int(data[0])
		data = data[1+n:]
		nf := int(binary.LittleEndian.Uint32(data))
		data = data[4:]
		offs := make([]uint64, nf)
		for k := range offs {
			offs[k] = binary.LittleEndian.Uint64(data)
			data = data[8:]
		}
		l := binary.LittleEndian.Uint64(data)
		data = data[8:]
		code := data[:l]
		end := l
		if idx+1 < nf {
			end = offs[idx+1]
		}
		fmt.Println("functions", nf, "code", l, "func", end-offs[idx])
		os.WriteFile("/tmp/rw/f.bin", code[offs[idx]:end], 0644)
		out, _ := exec.Command("objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "-M", "intel", "/tmp/rw/f.bin").Output()
		os.Stdout.Write(out)
		return nil
	})
}
