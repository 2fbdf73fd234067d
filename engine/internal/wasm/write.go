package wasm

import "encoding/binary"

// AppendU32 appends an unsigned number (LEB128).
func AppendU32(out []byte, v uint32) []byte {
	if v < 0x80 {
		return append(out, byte(v))
	}
	return binary.AppendUvarint(out, uint64(v))
}

// AppendSigned appends a signed number (LEB128).
func AppendSigned(out []byte, v int64) []byte {
	for v < -64 || v > 63 {
		out = append(out, byte(v)|0x80)
		v >>= 7
	}
	return append(out, byte(v)&0x7f)
}

// AppendName appends a name: its length, then its bytes.
func AppendName(out []byte, name string) []byte {
	return append(AppendU32(out, uint32(len(name))), name...)
}

// AppendSection appends a section.
func AppendSection(out []byte, id byte, content []byte) []byte {
	return append(AppendU32(append(out, id), uint32(len(content))), content...)
}

// AppendHeader begins a module: magic number and version.
func AppendHeader(out []byte) []byte { return append(append(out, magic...), version...) }
