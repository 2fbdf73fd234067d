package rewrite_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// TestSpecification rewrites the modules of the specification's tests, as they lie in wazero's module.
func TestSpecification(t *testing.T) {
	v := newValidator(t)
	files := specificationFiles(t)
	accepted := 0
	for _, file := range files {
		wasm, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		ok, err := v.check(wasm)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
		if ok {
			accepted++
		}
	}
	t.Logf("%d of %d modules are valid", accepted, len(files))
	if len(files) < 5000 || accepted < 1000 {
		t.Error("are these all?")
	}
}

func specificationFiles(t testing.TB) (files []string) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(strings.TrimSpace(string(out)), "internal/integration_test/spectest")
	for _, version := range []string{"v1", "v2"} {
		err := filepath.WalkDir(filepath.Join(root, version, "testdata"), func(path string, _ fs.DirEntry, err error) error {
			if strings.HasSuffix(path, ".wasm") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// validator compares what Rewrite accepts with what the compiler accepts.
type validator struct {
	runtime wazero.Runtime
}

func newValidator(t testing.TB) *validator {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	t.Cleanup(func() { _ = r.Close(ctx) })
	return &validator{r}
}

// compile says what keeps the compiler from accepting a module. There are invalid ones at which it panics.
func (v *validator) compile(wasm []byte) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the compiler panics: %v", cause)
		}
	}()
	compiled, err := v.runtime.CompileModule(context.Background(), wasm)
	if err != nil {
		return err
	}
	return compiled.Close(context.Background())
}

// check tells whether a module is valid, and in which way Rewrite and the compiler are not of one mind about it.
func (v *validator) check(wasm []byte) (valid bool, err error) {
	rewritten, err := rewrite.Rewrite(wasm, rewrite.Options{})
	if err != nil && lies(err) {
		return false, nil
	}
	original := v.compile(withoutNames(wasm))
	if err == nil {
		err = v.compile(rewritten.Wasm)
	}
	var limit *rewrite.LimitError
	switch {
	case original == nil && err != nil && strings.Contains(err.Error(), "not supported"): // the compiler is ahead of 2.0
	case original == nil && err != nil && !errors.As(err, &limit):
		return true, errors.New("valid, but " + err.Error())
	case original != nil && err == nil:
		return false, errors.New("invalid, but rewritten: " + original.Error())
	}
	return original == nil, nil
}

// FuzzValidation has Rewrite and the compiler judge modules. The corpus is what the specification tests with.
func FuzzValidation(f *testing.F) {
	for _, file := range specificationFiles(f) {
		wasm, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if len(wasm) < 2048 {
			f.Add(wasm)
		}
	}
	v := newValidator(f)
	f.Fuzz(func(t *testing.T, wasm []byte) {
		if _, err := v.check(wasm); err != nil {
			t.Error(err)
		}
	})
}

// lies reports whether a module announces more than there is. The compiler allocates for that before it looks.
func lies(err error) bool {
	for _, text := range []string{"are announced where", "are wanted where", "locals in a function"} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

// withoutNames leaves out the sections that name functions. Rewrite does so when they cannot be read.
func withoutNames(binary []byte) []byte {
	m, err := wasm.Decode(binary)
	if err != nil {
		return binary
	}
	out := wasm.AppendHeader(nil)
	for _, s := range m.Sections {
		if s.ID != wasm.SectionCustom || wasm.NewReader(binary, s.Content).Name() != "name" {
			out = append(out, s.All.Of(binary)...)
		}
	}
	return out
}
