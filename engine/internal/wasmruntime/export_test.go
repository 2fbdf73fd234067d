package wasmruntime

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
