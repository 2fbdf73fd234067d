package llhttp

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// folder is where this package lies in the project.
const folder = "engine/internal/llhttp"

// ErrNotInstalled says that the npm package which holds llhttp is missing, or another version of it is there.
var ErrNotInstalled = errors.New("llhttp is not installed; ./build.sh test installs it, and so does npm ci in " + folder)

// Build is one of the two modules that undici carries. Both come from the same sources.
type Build string

const (
	// Plain needs nothing but the first version of WebAssembly.
	Plain Build = "llhttp-wasm.js"
	// SIMD was compiled with vector instructions. Node takes this one.
	SIMD Build = "llhttp_simd-wasm.js"
)

// Builds are all builds.
var Builds = []Build{Plain, SIMD}

// Name is what benchmarks and tests call the build.
func (b Build) Name() string {
	if b == SIMD {
		return "simd"
	}
	return "plain"
}

// module gives the bytes of the WebAssembly module.
func (b Build) module() ([]byte, error) {
	dir, err := installed()
	if err != nil {
		return nil, err
	}
	script, err := os.ReadFile(filepath.Join(dir, "lib", "llhttp", string(b)))
	if err != nil {
		return nil, err
	}
	module, err := unwrap(script)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b, err)
	}
	return module, nil
}

// installed is the folder of the npm package, which has to be of the version that package.json asks for.
func installed() (string, error) {
	root, err := projectRoot()
	if err != nil {
		return "", err
	}
	here := filepath.Join(root, filepath.FromSlash(folder))
	var wanted struct {
		Dependencies struct{ Undici string }
	}
	if err := readJSON(filepath.Join(here, "package.json"), &wanted); err != nil {
		return "", err
	}
	dir := filepath.Join(here, "node_modules", "undici")
	var found struct{ Version string }
	err = readJSON(filepath.Join(dir, "package.json"), &found)
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrNotInstalled
	}
	if err == nil && found.Version != wanted.Dependencies.Undici {
		err = fmt.Errorf("%w: undici %s is there, %s is wanted", ErrNotInstalled, found.Version, wanted.Dependencies.Undici)
	}
	return dir, err
}

// projectRoot is the closest folder above the working one that has a go.mod. Tests run in the folder of their package.
func projectRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s lies in no Go module", start)
		}
	}
}

func readJSON(name string, into any) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// literal is the module in undici's script: `const wasmBase64 = 'AGFzbQ...'`.
var literal = regexp.MustCompile(`(?m)^const wasmBase64 = '([A-Za-z0-9+/]+=*)'$`)

// unwrap takes the module out of the script that exports it.
func unwrap(script []byte) ([]byte, error) {
	found := literal.FindSubmatch(script)
	if found == nil {
		return nil, errors.New("no module in the script: undici keeps it in another way now")
	}
	return base64.StdEncoding.AppendDecode(nil, found[1])
}
