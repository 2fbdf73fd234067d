package sandbox

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/sluicehttp/sluice/engine/internal/wasm"
)

// maxTableEntries bounds each table, maxTables their number: tables lie in the Go heap, 8 bytes an entry, outside of the
// limit on memory. A large Go program has some ten thousand functions, each with an entry.
const (
	maxTableEntries = 1 << 17
	maxTables       = 8
)

// edited is the module to compile: without name sections that cannot be read, which serve stack traces only, and with
// tables that cannot grow beyond the cap.
func edited(m *wasm.Module) []byte {
	var parts [][]byte
	at := 0
	replace := func(s wasm.Section, with []byte) {
		parts = append(parts, m.Wasm[at:s.All.Start], with)
		at = s.All.End
	}
	for _, s := range m.Sections {
		if slices.Contains(m.BrokenNames, s) {
			replace(s, nil)
		} else if capped := cappedTables(m); s.ID == wasm.SectionTable && !bytes.Equal(capped, s.All.Of(m.Wasm)) {
			replace(s, capped)
		}
	}
	if parts == nil {
		return m.Wasm
	}
	return slices.Concat(append(parts, m.Wasm[at:])...)
}

// cappedTables is a table section that lets no table grow beyond the cap.
func cappedTables(m *wasm.Module) []byte {
	tables := m.Tables[m.ImportedTables:]
	content := binary.AppendUvarint(nil, uint64(len(tables)))
	for _, t := range tables {
		if !t.HasMax || t.Max > maxTableEntries {
			t.Max = maxTableEntries
		}
		content = append(content, t.RefType, 1)
		content = binary.AppendUvarint(content, uint64(t.Min))
		content = binary.AppendUvarint(content, uint64(t.Max))
	}
	return append(binary.AppendUvarint([]byte{wasm.SectionTable}, uint64(len(content))), content...)
}
