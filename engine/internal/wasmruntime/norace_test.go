//go:build !race

package wasmruntime_test

const raceEnabled = false
