package wasmtest

import "bytes"

// Replaced puts one instruction in the place of another, all over the code of a valid module. Both have opcodes of one
// byte, the same immediates and the same types.
func Replaced(wasm []byte, was, is byte) ([]byte, error) {
	list, err := sections(wasm)
	if err != nil {
		return nil, err
	}
	out := []byte(Header)
	for _, s := range list {
		content := bytes.Clone(s.content)
		if s.id == SectionCode {
			r := reader{rest: content}
			for n := r.u32(); n > 0 && r.err == nil; n-- {
				replace(&reader{rest: r.take(r.u32())}, was, is)
			}
			if r.err != nil {
				return nil, r.err
			}
		}
		out = append(out, Section(s.id, content)...)
	}
	return out, nil
}

// replace works on a body in place.
func replace(body *reader, was, is byte) {
	for n := body.u32(); n > 0 && body.err == nil; n-- {
		body.u32()
		body.byte()
	}
	for len(body.rest) > 0 && body.err == nil {
		at := body.rest
		if op, _ := body.instruction(); op == was {
			at[0] = is
		}
	}
}
