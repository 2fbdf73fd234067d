package core_test

import (
	"strings"
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/guest/http1"
)

// smallRequest is 80 bytes; browserRequest is 700 bytes and ten fields, like a browser's.
var (
	smallRequest   = padded("GET /index.html HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\nX-Pad: ", 80)
	browserRequest = padded("GET /articles/2024/index.html?page=2 HTTP/1.1\r\n"+
		"Host: www.example.com\r\n"+
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n"+
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"+
		"Accept-Language: en-GB,en;q=0.9,de;q=0.7\r\n"+
		"Accept-Encoding: gzip, deflate, br, zstd\r\n"+
		"Connection: keep-alive\r\n"+
		"Upgrade-Insecure-Requests: 1\r\n"+
		"Referer: https://www.example.com/articles/\r\n"+
		"If-None-Match: \"5f3c-61a2b8\"\r\n"+
		"Cookie: ", 700)
)

func padded(head string, size int) []byte {
	const end = "\r\n\r\n"
	return []byte(head + strings.Repeat("x", size-len(head)-len(end)) + end)
}

// BenchmarkRequest parses a request and frames an answer to it, as one exchange on a connection that is kept alive.
func BenchmarkRequest(b *testing.B) {
	both := bothCores(b)
	for _, request := range []struct {
		name  string
		bytes []byte
	}{{"80B", smallRequest}, {"700B", browserRequest}} {
		b.Run(request.name+"/wasm", func(b *testing.B) { benchmarkRequest(b, both.wasm, request.bytes) })
		b.Run(request.name+"/native", func(b *testing.B) { benchmarkRequest(b, both.native, request.bytes) })
	}
}

var answerFields = exchange.NewFields("Content-Type", "text/plain")

func benchmarkRequest(b *testing.B, c *core.Core, request []byte) {
	p := openPeer(b, c)
	defer p.close()
	copy(p.slot.Bytes, request)
	head := core.Head{Status: 200, Fields: answerFields, Length: 13, Flags: http1.HeadFlagsComplete}
	out := make([]byte, 0, 1<<10)
	flags := http1.ReceiveFlags(0)
	b.ReportAllocs()
	b.SetBytes(int64(len(request)))
	for b.Loop() {
		reception, err := c.Receive(p.number, p.slot, 0, len(request), flags)
		if err != nil || reception.State != http1.ReaderStatePaused {
			b.Fatal(reception, err)
		}
		if _, _, errno := c.FrameHead(p.number, &head, out); errno != http1.ErrnoSuccess {
			b.Fatal(errno)
		}
		flags = http1.ReceiveFlagsNextCycle
	}
}
