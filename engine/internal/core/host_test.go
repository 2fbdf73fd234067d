package core_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/guest/http1"
	"github.com/sluicehttp/sluice/internal/corpus"
)

// script says what a host does besides giving bytes. Every byte is one.
type script byte

const (
	// scriptClient asks instead of answering.
	scriptClient script = 1 << 0
	// scriptKind are the bits that choose among the ways to answer, or to ask.
	scriptKind script = 7 << 1
	// scriptInform sends informational answers as soon as a head was read.
	scriptInform script = 1 << 4
	// scriptEarly answers as soon as a head was read.
	scriptEarly script = 1 << 5
	// scriptUpgrade agrees to leave HTTP.
	scriptUpgrade script = 1 << 6
	// scriptOpen leaves the connection open behind the input.
	scriptOpen script = 1 << 7
)

func (s script) kind() int { return int(s&scriptKind) >> 1 }

// The kinds that have a name elsewhere too.
const (
	askUnfinished = 6
	askClose      = 5
)

// settings are how the script's input is given.
func (s script) settings() corpus.Settings {
	settings := corpus.Defaults()
	settings.Client = s&scriptClient != 0
	settings.EOF = s&scriptOpen == 0
	settings.Unfinished = settings.Client && s.kind() == askUnfinished
	if s&scriptUpgrade != 0 {
		settings.Answer = corpus.AnswerUpgrade
	}
	return settings
}

// input makes bytes an input for the script: a client hears an answer where a request would begin. What is behind the first
// line of either is the same.
func (s script) input(input []byte) []byte {
	if s&scriptClient == 0 || bytes.HasPrefix(input, []byte("HTTP/")) {
		return input
	}
	_, rest, _ := bytes.Cut(input, []byte("\n"))
	return append([]byte("HTTP/1.1 200 OK\r\n"), rest...)
}

// feed gives the input. What is done behind a head must not depend on how much has come with it.
func (s script) feed(feed corpus.Feed) corpus.Feed {
	feed.HeadOnly = feed.HeadOnly || s&(scriptInform|scriptEarly) != 0
	return feed
}

// host follows a script on a connection, and takes down what was framed.
type host struct {
	*peer
	script   script
	framed   []string
	answered bool
}

// transcript is all that a core says of an input, and all that it frames for the host.
func transcript(t testing.TB, c *core.Core, input []byte, s script, feed corpus.Feed) (corpus.Trace, []string) {
	t.Helper()
	settings := s.settings()
	h := &host{peer: openPeerAs(t, c, roleOf(settings)), script: s}
	defer h.close()
	trace, err := corpus.NewPlayer(h).Play(input, settings, s.feed(feed))
	if err != nil {
		t.Fatalf("script %#x, input %q: %v", byte(s), input, err)
	}
	if trace.End.State == abi.ReaderStateFailed && !settings.Client {
		h.head(400, http1.HeadFlagsComplete)
	}
	return trace, h.framed
}

// Receive does what the script wants as soon as a head was read whose body was not.
func (h *host) Receive(input []byte, flags abi.ReceiveFlags) (corpus.Reading, error) {
	reading, err := h.peer.Receive(input, flags)
	if err != nil || h.script&scriptClient != 0 || !headRead(&reading) {
		return reading, err
	}
	if h.script&scriptInform != 0 {
		h.inform()
	}
	if h.script&scriptEarly != 0 {
		h.answered = true
		h.answer()
	}
	return reading, nil
}

// headRead reports whether the last event is HEADER_READY.
func headRead(reading *corpus.Reading) bool {
	var reception abi.Reception
	reception.Load(reading.Reception)
	if reception.EventCount == 0 {
		return false
	}
	var last abi.EventRecord
	last.Load(reading.Events[(reception.EventCount-1)*abi.EventRecordSize:])
	return last.Kind == abi.EventHeaderReady
}

// Answer answers as the script says.
func (h *host) Answer(reply *corpus.Reply) error {
	switch {
	case h.answered:
		h.answered = false
	case reply.Upgrade:
		out, framing, errno := h.core.FrameUpgrade(h.number, exchange.NewFields(reply.Fields...), nil)
		h.take("upgrade", out, framing, errno)
	default:
		h.answer()
	}
	return nil
}

// answer is an answer with a status that is legal for every method.
func (h *host) answer() {
	switch h.script.kind() {
	case 0:
		h.head(404, http1.HeadFlagsComplete)
	case 1:
		h.head(404, http1.HeadFlagsStreamed, "Content-Type", "text/plain")
		h.data("piece", "", strings.Repeat("x", 300))
		h.end()
	case 2:
		h.head(404, http1.HeadFlagsStreamed)
		h.data("piece")
		h.trailers("Host", "h")
		h.trailers("Digest", "x")
	case 3:
		h.head(404, http1.HeadFlagsStreamed, "Content-Length", "7")
		h.data("abc")
		h.end()
		h.data("defghi", "defg")
		h.end()
	case 4:
		h.head(404, http1.HeadFlagsComplete|http1.HeadFlagsClose)
	case 5:
		h.inform()
		h.head(304, http1.HeadFlagsComplete, "Connection", "x, close")
	case 6:
		h.data("too early")
		h.end()
		h.head(404, http1.HeadFlagsComplete, "X", "a\r\nb")
		h.head(404, http1.HeadFlagsComplete)
		h.head(404, http1.HeadFlagsComplete)
	default:
		h.head(200, http1.HeadFlagsStreamed, "Transfer-Encoding", "chunked")
		h.head(404, http1.HeadFlagsStreamed)
		h.end()
	}
}

// Ask asks as the script says.
func (h *host) Ask(*corpus.Request) error {
	const complete, streamed = http1.HeadFlagsComplete, http1.HeadFlagsStreamed
	switch h.script.kind() {
	case 0:
		h.request("GET", "/", complete, "Upgrade", "any")
	case 1:
		h.request("HEAD", "/?a", complete)
	case 2:
		h.request("CONNECT", "h:1", complete)
	case 3:
		h.request("POST", "/", streamed, "Expect", "100-continue")
		h.data("a", "bc")
		h.trailers("Digest", "x")
	case 4:
		h.request("PUT", "/", streamed, "Content-Length", "3")
		h.data("abcd", "abc")
		h.end()
	case askClose:
		h.request("GET", "http://h/", complete|http1.HeadFlagsClose)
	case askUnfinished:
		h.request("POST", "/", streamed)
		h.data("abc")
	default:
		h.end()
		h.request("GET", "*", complete)
		h.request("OPTIONS", "*", complete)
		h.request("GET", "/", complete)
	}
	return nil
}

// The calls of a host, each of which takes down what it came to.

func (h *host) head(status uint16, flags http1.HeadFlags, fields ...string) {
	head := core.Head{Status: status, Fields: exchange.NewFields(fields...), Flags: flags}
	out, framing, errno := h.core.FrameHead(h.number, &head, nil)
	h.take("head", out, framing, errno)
}

func (h *host) request(method, target string, flags http1.HeadFlags, fields ...string) {
	fields = append([]string{"Host", "h"}, fields...)
	out, framing, errno := h.core.FrameRequest(h.number, &core.Request{
		Method: []byte(method), Target: []byte(target), Fields: exchange.NewFields(fields...), Flags: flags,
	}, nil)
	h.take("request", out, framing, errno)
}

func (h *host) data(pieces ...string) {
	for _, piece := range pieces {
		out, framing, errno := h.core.FrameData(h.number, []byte(piece), nil)
		h.take("data", out, framing, errno)
	}
}

func (h *host) end() {
	out, framing, errno := h.core.FrameEnd(h.number, nil)
	h.take("end", out, framing, errno)
}

func (h *host) trailers(fields ...string) {
	out, framing, errno := h.core.FrameTrailers(h.number, exchange.NewFields(fields...), nil)
	h.take("trailers", out, framing, errno)
}

func (h *host) inform() {
	for _, status := range []uint16{100, 103} {
		out, framing, errno := h.core.FrameInformational(h.number, status, exchange.NewFields("Link", "x"), nil)
		h.take("informational", out, framing, errno)
	}
}

func (h *host) take(call string, out []byte, framing http1.Framing, errno http1.Errno) {
	h.framed = append(h.framed, fmt.Sprintf("%s: %v %+v %q", call, errno, framing, out))
}
