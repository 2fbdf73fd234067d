package workloads

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sluicehttp/sluice/bench/load"
)

// Order is what is posted as JSON: 1 KiB.
//
//go:embed order.json
var Order []byte

// get asks for an endpoint with the fields that a simple client sends, and more if there are some.
func get(e Endpoint, fields ...string) load.Request {
	return load.Request{Head: head("GET", e, append([]string{"Accept: */*"}, fields...)), Want: answer(e)}
}

// getFrom asks a host by its name.
func getFrom(host string, e Endpoint) load.Request {
	request := get(e)
	request.Head = bytes.Replace(request.Head, []byte("bench.example"), []byte(host), 1)
	return request
}

// Tenant asks a tenant of a server that has some to say hello.
func Tenant(number int) load.Request { return getFrom(fmt.Sprintf("t%d.example", number), Hello) }

// Spin asks a tenant that computes for ever. The server has to end that.
func Spin() load.Request {
	request := getFrom("spin.example", Hello)
	request.Want = load.Answer{Status: 503, Body: []byte("503 Service Unavailable\n")}
	return request
}

// browser is what a browser sends that follows a link.
func browser() load.Request {
	return load.Request{Want: answer(Hello), Head: head("GET", Hello, []string{
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
		"Accept-Language: en-GB,en;q=0.7,pt;q=0.3",
		"Accept-Encoding: gzip, deflate, br, zstd",
		"Referer: http://bench.example/catalogue/lamps?sort=price&page=2",
		"Cookie: session=9f2c61d0b7a84e3c95d1f0aa6be27c48e1; theme=dark; consent=necessary.statistics; basket=730214; " +
			"seen=LMP-2041.BLB-0927.CBL-3310.SHD-1185; visitor=52c1b9e07d6f4a83a0be41c7d95f3e26; variant=checkout-b",
		"Upgrade-Insecure-Requests: 1",
		"Sec-Fetch-Dest: document",
		"Sec-Fetch-Mode: navigate",
	}, "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")}
}

// post sends a short body in one piece with the head.
func post(e Endpoint, body []byte) load.Request {
	fields := []string{"Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body))}
	return load.Request{Head: append(head("POST", e, fields), body...), Want: answer(e)}
}

// stream sends a long body that is the pattern, and wants it back.
func stream(e Endpoint, length int64) load.Request {
	fields := []string{"Content-Type: application/octet-stream", fmt.Sprintf("Content-Length: %d", length)}
	return load.Request{Head: head("POST", e, fields), Stream: length, Want: load.Answer{Status: 200, Stream: length}}
}

func head(method string, e Endpoint, fields []string, agent ...string) []byte {
	if len(agent) == 0 {
		agent = []string{"User-Agent: bench"}
	}
	lines := []string{method + " " + string(e) + " HTTP/1.1", "Host: bench.example"}
	lines = append(append(lines, agent...), fields...)
	return []byte(strings.Join(lines, "\r\n") + "\r\n\r\n")
}

// answer is what an endpoint has to answer.
func answer(e Endpoint) load.Answer {
	switch e {
	case Hello:
		return load.Answer{Status: 200, Body: []byte("Hello, world!\n")}
	case JSON:
		return load.Answer{Status: 200, Body: sums(Order)}
	case Get64K:
		return load.Answer{Status: 200, Stream: 64 << 10}
	case Get100M:
		return load.Answer{Status: 200, Stream: 100 << 20}
	case Compute:
		return load.Answer{Status: 200, Body: computed()}
	default:
		panic("no answer is known of " + e)
	}
}

// sums is the answer to an order.
func sums(order []byte) []byte {
	var o struct {
		ID    int64
		Items []struct{ Quantity, Cents int64 }
	}
	if err := json.Unmarshal(order, &o); err != nil {
		panic(err)
	}
	var quantity, cents int64
	for _, item := range o.Items {
		quantity += item.Quantity
		cents += item.Quantity * item.Cents
	}
	return fmt.Appendf(nil, `{"id":%d,"items":%d,"quantity":%d,"cents":%d}`, o.ID, len(o.Items), quantity, cents)
}

// computed is the answer of what takes the processor. The sum is that of the records' numbers, 0 to 99.
func computed() []byte {
	sum := 0
	for i := range 100 {
		sum += i
	}
	return fmt.Appendf(nil, `{"sha256":"%x","sum":%d}`, sha256.Sum256(load.Pattern(1<<20)), sum)
}
