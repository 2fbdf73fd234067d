// Package workloads is the table of what servers are asked in a comparison, and of what is a right answer.
package workloads

// Endpoint is a path that every server answers alike, if it can.
type Endpoint string

// The endpoints.
const (
	Hello   Endpoint = "/hello"   // GET: 14 bytes of text
	JSON    Endpoint = "/json"    // POST: an order, whose sums are the answer
	Get64K  Endpoint = "/64k"     // GET: 64 KiB
	Get100M Endpoint = "/100m"    // GET: 100 MiB
	Echo    Endpoint = "/echo"    // POST: the body of the request, as it comes
	Compute Endpoint = "/compute" // GET: a digest and JSON, which take the processor
)

// Endpoints are all of them.
var Endpoints = []Endpoint{Hello, JSON, Get64K, Get100M, Echo, Compute}
