package wasmruntime

import "os"

// SetPlaces has workspaces made in a directory, until the function that it returns is called.
func SetPlaces(dir string) (restore func()) {
	old := places
	places = func() []string { return []string{dir} }
	return func() { places = old }
}

// CompileOnlyFromCache is what a hit does, without there being anything to hit.
func (r *Runtime) CompileOnlyFromCache(wasm []byte) error {
	_, err := compile(neverCompile, r.wazero, wasm)
	return err
}

// ForbidLinks has entries of the cache copied, until the function that it returns is called.
func ForbidLinks() (restore func()) {
	old := link
	link = func(*os.File, string) error { return errNoLink }
	return func() { link = old }
}

// Link makes a path lead to an open file.
func Link(file *os.File, path string) error { return link(file, path) }

// Outline is what wazero gets of a module that is in the cache.
func Outline(wasm []byte) []byte { return outlined(wasm).outline }
