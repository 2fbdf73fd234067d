package rewrite_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// specValue is an argument or an expected result of a test of the specification.
type specValue struct {
	Type     string
	LaneType string `json:"lane_type"`
	Value    any    // the lanes of a v128; nil: any value
}

// UnmarshalJSON reads numbers as they are written.
func (v *specValue) UnmarshalJSON(text []byte) error {
	var fields struct {
		Type     string          `json:"type"`
		LaneType string          `json:"lane_type"`
		Value    json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	*v = specValue{Type: fields.Type, LaneType: fields.LaneType}
	var lanes []string
	var single string
	switch {
	case fields.Value == nil:
	case json.Unmarshal(fields.Value, &lanes) == nil:
		v.Value = lanes
	case json.Unmarshal(fields.Value, &single) == nil:
		v.Value = single
	default:
		return fmt.Errorf("value %s", fields.Value)
	}
	return nil
}

// laneBits are the sizes of numbers.
var laneBits = map[string]int{"i8": 8, "i16": 16, "i32": 32, "i64": 64, "f32": 32, "f64": 64}

// words are the value as wazero takes it: two words for a v128, one for everything else.
func (v specValue) words() []uint64 {
	lanes, isVector := v.Value.([]string)
	if !isVector {
		return []uint64{v.single()}
	}
	words := make([]uint64, 2)
	bits := laneBits[v.LaneType]
	for i, lane := range lanes {
		words[i*bits/64] |= number(lane, bits) << (i * bits % 64)
	}
	return words
}

func (v specValue) single() uint64 {
	text, _ := v.Value.(string)
	switch {
	case text == "null" || text == "":
		return 0
	case v.Type == "externref":
		// 0 is null to wazero, so the others move.
		return number(text, 64) + 1
	}
	return number(text, laneBits[v.Type])
}

// number reads a number whose sign may be written either way.
func number(text string, bits int) uint64 {
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		return uint64(v) << (64 - bits) >> (64 - bits)
	}
	v, err := strconv.ParseUint(text, 10, bits)
	if err != nil {
		panic(err)
	}
	return v
}

// matchAll compares results with what is expected.
func matchAll(expected []specValue, results []uint64) bool {
	for _, v := range expected {
		n := 1
		if _, isVector := v.Value.([]string); isVector {
			n = 2
		}
		if len(results) < n || !v.match(results[:n]) {
			return false
		}
		results = results[n:]
	}
	return len(results) == 0
}

func (v specValue) match(words []uint64) bool {
	if v.Value == nil {
		return true
	}
	lanes, isVector := v.Value.([]string)
	if !isVector {
		have := words[0]
		if laneBits[v.Type] == 32 {
			have = uint64(uint32(have)) // what lies beside it is anything
		}
		if text, _ := v.Value.(string); strings.HasPrefix(text, "nan:") {
			return matchNaN(text, have, laneBits[v.Type])
		}
		return have == v.single()
	}
	bits := laneBits[v.LaneType]
	for i, lane := range lanes {
		have := words[i*bits/64] >> (i * bits % 64) << (64 - bits) >> (64 - bits)
		if strings.HasPrefix(lane, "nan:") {
			if !matchNaN(lane, have, bits) {
				return false
			}
		} else if have != number(lane, bits) {
			return false
		}
	}
	return true
}

// matchNaN compares a float with a pattern of NaNs (WebAssembly 2.0 section 2.2.3): a canonical one has the highest
// bit of its significand alone, an arithmetic one has it and may have others.
func matchNaN(pattern string, value uint64, bits int) bool {
	canonical, sign := uint64(0x7fc0_0000), uint64(1)<<31
	if bits == 64 {
		canonical, sign = 0x7ff8_0000_0000_0000, 1<<63
	}
	if pattern == "nan:canonical" {
		return value&^sign == canonical
	}
	return value&canonical == canonical
}
