// Package handlers has the handlers that the benchmarks run on Sluice, in a folder each, and makes modules of many tenants
// out of one. README.md says what they are.
package handlers

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Difference says in what the modules of tenants differ.
type Difference uint8

// The ways in which modules of tenants differ.
const (
	// InNothing is one module that all tenants have: a template that nobody has changed.
	InNothing Difference = iota
	// InData is the same code with other constants: a template that everybody has filled in. Sluice compiles it once.
	InData
	// InCode is code of its own for everybody, compiled and kept apart.
	InCode
)

// MaxTenants is how many tenants can have modules of their own.
const MaxTenants = 1 << 24

// What the sources of serve and tenant-c hold where the number of a tenant goes.
const (
	dataMark = "tenant 00000000"
	codeMark = 0x5eed7e4a
)

// Tenant makes the module of a tenant out of one that holds the marks: serve or tenant-c. Asked for /tenant it answers with
// its number: {"data":"tenant 00000007","code":7}, where what does not differ is as in the source.
func Tenant(wasm []byte, number int, difference Difference) ([]byte, error) {
	if number < 0 || number >= MaxTenants {
		return nil, fmt.Errorf("tenant %d; it can be 0 to %d", number, MaxTenants-1)
	}
	wasm = bytes.Clone(wasm)
	var err error
	if difference != InNothing {
		err = overwrite(wasm, []byte(dataMark), fmt.Appendf(nil, "tenant %08d", number))
	}
	if err == nil && difference == InCode {
		err = overwrite(wasm, constant(codeMark), constant(TenantCode(number)))
	}
	return wasm, err
}

// TenantCode is the number in the code of a tenant: the bit keeps its encoding as long as that of every other.
func TenantCode(number int) uint32 { return 1<<30 | uint32(number) }

// constant is the instruction i32.const of a number from 1<<30 on, in signed LEB128.
func constant(value uint32) []byte {
	const opcode = 0x41
	// Such a number takes five groups of seven bits, and in that its encoding with a sign is the one without.
	return binary.AppendUvarint([]byte{opcode}, uint64(value))
}

// overwrite puts bytes in the place of others, which are there once.
func overwrite(wasm, mark, replacement []byte) error {
	if count := bytes.Count(wasm, mark); count != 1 || len(replacement) != len(mark) {
		return fmt.Errorf("the module holds the mark %q %d times, want once: only serve and tenant-c can be a tenant's", mark, count)
	}
	copy(wasm[bytes.Index(wasm, mark):], replacement)
	return nil
}
