package hostabi

import (
	"encoding/binary"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// What a staged head may take. The exchange's own limits apply when it is sent; these bound what is kept until then.
const (
	maxStagedFields = 1024
	maxStagedBytes  = 64 << 10
)

// stagedHead is a head that waits for the first byte of its body. Its slices are reused from session to session.
type stagedHead struct {
	set    bool
	status uint16
	table  []byte
	bytes  []byte
}

// stage copies a head whose table was checked.
func (h *stagedHead) stage(status uint16, fields exchange.Fields) abi.Errno {
	extent, _ := measure(fields)
	if fields.Len() > maxStagedFields || extent.sum > maxStagedBytes {
		return abi.ErrnoTooBig
	}
	h.set, h.status = true, status
	h.table, h.bytes = h.table[:0], h.bytes[:0]
	for at := 0; at < len(fields.Table); at += abi.ListSize {
		var part abi.Bytes
		part.Load(fields.Table[at:])
		h.table = binary.LittleEndian.AppendUint32(h.table, uint32(len(h.bytes)))
		h.table = binary.LittleEndian.AppendUint32(h.table, part.Len)
		h.bytes = append(h.bytes, fields.Bytes[part.Ptr:][:part.Len]...)
	}
	return abi.ErrnoSuccess
}

// content is the head to send: what was staged, else 200 without fields.
func (h *stagedHead) content() (status uint16, fields exchange.Fields) {
	if !h.set {
		return 200, exchange.Fields{}
	}
	return h.status, exchange.Fields{Table: h.table, Bytes: h.bytes}
}
