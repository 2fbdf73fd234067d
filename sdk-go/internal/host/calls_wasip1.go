//go:build wasip1

package host

import (
	"unsafe"

	"github.com/sluicehttp/sluice/sdk-go/abi"
)

// The calls of the interface, as package abi has them.

// Base is the address of the first byte as the host sees it.
func Base(text []byte) uint32 { return address(unsafe.Pointer(unsafe.SliceData(text))) }

func address(p unsafe.Pointer) uint32 { return uint32(uintptr(p)) }

// onStack is never true. It has the compiler believe that names and values are kept, so that they are on the heap or global:
// a stack could move between the moment at which their addresses are taken and the call.
var (
	onStack bool
	kept    string
)

// encode writes fields as the host reads them. One table is enough: the host reads it before a call returns.
func encode(fields []Field) []abi.Field {
	if len(fields) > len(Sending) {
		Sending = make([]abi.Field, 2*len(fields))
	}
	for i := range fields {
		name, value := fields[i].Name, fields[i].Value
		if onStack {
			kept = name
			kept = value
		}
		entry := &Sending[i]
		entry.Name.Ptr, entry.Name.Len = address(unsafe.Pointer(unsafe.StringData(name))), uint32(len(name))
		entry.Value.Ptr, entry.Value.Len = address(unsafe.Pointer(unsafe.StringData(value))), uint32(len(value))
	}
	return Sending[:len(fields)]
}

func Send(session abi.Session, status abi.Status, fields []Field, body []byte) abi.Errno {
	return abi.Send(session, status, encode(fields), body)
}

func SendHead(session abi.Session, status abi.Status, fields []Field) abi.Errno {
	return abi.SendHead(session, status, encode(fields))
}

func SetHead(session abi.Session, status abi.Status, fields []Field) abi.Errno {
	return abi.SetHead(session, status, encode(fields))
}

func SendInformational(session abi.Session, status abi.Status, fields []Field) abi.Errno {
	return abi.SendInformational(session, status, encode(fields))
}

func SendTrailers(session abi.Session, fields []Field) abi.Errno {
	return abi.SendTrailers(session, encode(fields))
}

func Upgrade(session abi.Session, fields []Field) abi.Errno {
	return abi.Upgrade(session, encode(fields))
}

func AutoSend(session abi.Session, enabled bool) abi.Errno     { return abi.AutoSend(session, enabled) }
func SendData(session abi.Session, content []byte) abi.Errno   { return abi.SendData(session, content) }
func SendEnd(session abi.Session) abi.Errno                    { return abi.SendEnd(session) }
func Drain(session abi.Session) abi.Errno                      { return abi.Drain(session) }
func NextEvent(session abi.Session, d *abi.Delivery) abi.Errno { return abi.NextEvent(session, d) }
func WaitWritable(session abi.Session) abi.Errno               { return abi.WaitWritable(session) }
func HoldContinue(session abi.Session) abi.Errno               { return abi.HoldContinue(session) }
func Pause(session abi.Session) abi.Errno                      { return abi.Pause(session) }
func Resume(session abi.Session) abi.Errno                     { return abi.Resume(session) }
func Discard(session abi.Session) abi.Errno                    { return abi.Discard(session) }
func Stream(session abi.Session) abi.Errno                     { return abi.Stream(session) }
func Close(session abi.Session) abi.Errno                      { return abi.Close(session) }

func GetReadState(session abi.Session, state *abi.ReadState) abi.Errno {
	return abi.GetReadState(session, state)
}

func GetWriteState(session abi.Session, state *abi.WriteState) abi.Errno {
	return abi.GetWriteState(session, state)
}
