//go:build !wasip1

package host

import "github.com/sluicehttp/sluice/sdk-go/abi"

// Host is what the calls come down to where there is no WebAssembly.
type Host interface {
	Send(session abi.Session, status abi.Status, fields []Field, body []byte) abi.Errno
	SendHead(session abi.Session, status abi.Status, fields []Field) abi.Errno
	SetHead(session abi.Session, status abi.Status, fields []Field) abi.Errno
	SendInformational(session abi.Session, status abi.Status, fields []Field) abi.Errno
	SendTrailers(session abi.Session, fields []Field) abi.Errno
	Upgrade(session abi.Session, fields []Field) abi.Errno
	AutoSend(session abi.Session, enabled bool) abi.Errno
	SendData(session abi.Session, content []byte) abi.Errno
	SendEnd(session abi.Session) abi.Errno
	Drain(session abi.Session) abi.Errno
	NextEvent(session abi.Session, delivery *abi.Delivery) abi.Errno
	WaitWritable(session abi.Session) abi.Errno
	HoldContinue(session abi.Session) abi.Errno
	Pause(session abi.Session) abi.Errno
	Resume(session abi.Session) abi.Errno
	Discard(session abi.Session) abi.Errno
	Stream(session abi.Session) abi.Errno
	Close(session abi.Session) abi.Errno
	GetReadState(session abi.Session, state *abi.ReadState) abi.Errno
	GetWriteState(session abi.Session, state *abi.WriteState) abi.Errno
}

// Stand is the host: nil, so that calls panic, until a test has put something here.
var Stand Host

// What a host calls: package sluice puts it here. Forget has the next handler be the first.
var (
	Subscriptions func() abi.Subscriptions
	OnEvent       func(session abi.Session, kind abi.Event, payload []byte)
	Forget        func()
)

// Base is 0: addresses are offsets into what they point to.
func Base([]byte) uint32 { return 0 }

func Send(session abi.Session, status abi.Status, fields []Field, body []byte) abi.Errno {
	return Stand.Send(session, status, fields, body)
}

func SendHead(session abi.Session, status abi.Status, fields []Field) abi.Errno {
	return Stand.SendHead(session, status, fields)
}

func SetHead(session abi.Session, status abi.Status, fields []Field) abi.Errno {
	return Stand.SetHead(session, status, fields)
}

func SendInformational(session abi.Session, status abi.Status, fields []Field) abi.Errno {
	return Stand.SendInformational(session, status, fields)
}

func SendTrailers(session abi.Session, fields []Field) abi.Errno {
	return Stand.SendTrailers(session, fields)
}

func Upgrade(session abi.Session, fields []Field) abi.Errno { return Stand.Upgrade(session, fields) }

func AutoSend(session abi.Session, enabled bool) abi.Errno     { return Stand.AutoSend(session, enabled) }
func SendData(session abi.Session, content []byte) abi.Errno   { return Stand.SendData(session, content) }
func SendEnd(session abi.Session) abi.Errno                    { return Stand.SendEnd(session) }
func Drain(session abi.Session) abi.Errno                      { return Stand.Drain(session) }
func NextEvent(session abi.Session, d *abi.Delivery) abi.Errno { return Stand.NextEvent(session, d) }
func WaitWritable(session abi.Session) abi.Errno               { return Stand.WaitWritable(session) }
func HoldContinue(session abi.Session) abi.Errno               { return Stand.HoldContinue(session) }
func Pause(session abi.Session) abi.Errno                      { return Stand.Pause(session) }
func Resume(session abi.Session) abi.Errno                     { return Stand.Resume(session) }
func Discard(session abi.Session) abi.Errno                    { return Stand.Discard(session) }
func Stream(session abi.Session) abi.Errno                     { return Stand.Stream(session) }
func Close(session abi.Session) abi.Errno                      { return Stand.Close(session) }

func GetReadState(session abi.Session, state *abi.ReadState) abi.Errno {
	return Stand.GetReadState(session, state)
}

func GetWriteState(session abi.Session, state *abi.WriteState) abi.Errno {
	return Stand.GetWriteState(session, state)
}
