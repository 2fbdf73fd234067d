//go:build !linux

package wasmruntime

import "os"

// link would make a path lead to an open file.
var link = func(*os.File, string) error { return errNoLink }
