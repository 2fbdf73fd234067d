package workloads

import (
	"fmt"
	"slices"

	"github.com/sluicehttp/sluice/bench/load"
)

// Workload is what servers are asked, and how.
type Workload struct {
	// Name is for the command line and for files, About for the reader.
	Name, About string
	// Endpoint is what is asked.
	Endpoint Endpoint
	// Plan is how.
	Plan load.Plan
	// Servers are those that are measured; empty: all that answer the endpoint, but for variants.
	Servers []string
	// Against are the servers that the others are compared with.
	Against []string
	// Group is the name of a group of workloads that are measured in the same rounds, because they are compared.
	Group string
	// Large says that the bodies are so long that bytes count, and not requests.
	Large bool
	// Short says that it is part of the short comparison.
	Short bool
}

// Long reports whether a request takes longer than a turn need be.
func (w *Workload) Long() bool { return w.Plan.Requests[0].Want.Stream > 1<<20 }

// Unpaced reports whether latency says nothing here: of long bodies it is the time to move them, and requests that are
// pipelined wait for each other.
func (w *Workload) Unpaced() bool { return w.Long() || w.Plan.Pipeline > 1 }

// Wants reports whether a server takes part.
func (w *Workload) Wants(server string, variant bool) bool {
	if len(w.Servers) == 0 {
		return !variant
	}
	return slices.Contains(w.Servers, server)
}

// The servers that others are compared with where nothing else is said.
var usual = []string{"net/http", "raw", "nginx"}

// Table are the workloads, in the order of the report.
var Table = []Workload{
	{
		Name: "hello-1", About: "a short GET on 1 connection", Group: "hello", Endpoint: Hello, Against: usual,
		Plan: load.Plan{Requests: []load.Request{get(Hello)}, Connections: 1},
	},
	{
		Name: "hello-64", About: "a short GET on 64 connections", Group: "hello", Endpoint: Hello, Against: usual, Short: true,
		Plan: load.Plan{Requests: []load.Request{get(Hello)}, Connections: 64},
	},
	{
		Name: "hello-512", About: "a short GET on 512 connections", Group: "hello", Endpoint: Hello, Against: usual, Short: true,
		Plan: load.Plan{Requests: []load.Request{get(Hello)}, Connections: 512},
	},
	{
		Name: "browser", About: "the GET of a browser, 10 fields and 700 bytes, on 64 connections", Endpoint: Hello, Against: usual,
		Plan: load.Plan{Requests: []load.Request{browser()}, Connections: 64},
	},
	{
		Name: "pipelined", About: "16 short GETs at once on each of 64 connections", Endpoint: Hello, Against: usual,
		Plan: load.Plan{Requests: []load.Request{get(Hello)}, Connections: 64, Pipeline: 16},
	},
	{
		Name: "fresh", About: "a short GET on a new connection each, 64 at a time", Endpoint: Hello, Against: usual,
		Plan: load.Plan{Requests: []load.Request{get(Hello, "Connection: close")}, Connections: 64, Fresh: true},
	},
	{
		Name: "json", About: "1 KiB of JSON posted, parsed and answered, on 64 connections", Endpoint: JSON, Against: []string{"net/http", "hyper"},
		Plan: load.Plan{Requests: []load.Request{post(JSON, Order)}, Connections: 64},
	},
	{
		Name: "64k", About: "64 KiB downloaded on 64 connections", Endpoint: Get64K, Against: usual, Large: true,
		Plan: load.Plan{Requests: []load.Request{get(Get64K)}, Connections: 64},
	},
	{
		Name: "100m", About: "100 MiB downloaded on 4 connections", Endpoint: Get100M, Against: usual, Large: true,
		Plan: load.Plan{Requests: []load.Request{get(Get100M)}, Connections: 4},
	},
	{
		Name: "echo-100m", About: "100 MiB streamed there and back on 2 connections", Endpoint: Echo, Against: []string{"net/http", "hyper"},
		Large: true, Short: true,
		Plan: load.Plan{Requests: []load.Request{stream(Echo, 100<<20)}, Connections: 2},
	},
	{
		Name: "compute", About: "SHA-256 of 1 MiB, and JSON written and read, on 8 connections", Endpoint: Compute,
		Against: []string{"hyper", "net/http"},
		Plan:    load.Plan{Requests: []load.Request{get(Compute)}, Connections: 8},
	},
	{
		Name: "isolation", About: "a short GET on 64 connections, by who shares an instance", Endpoint: Hello, Against: []string{"sluice-shared"},
		Servers: []string{
			"wasmtime", "wasmtime-reuse", "wasmtime-0.3", "sluice", "sluice-connection", "sluice-shared", "sluice-native-core", "sluice-rust",
		},
		Plan: load.Plan{Requests: []load.Request{get(Hello)}, Connections: 64},
	},
	{
		Name: "javascript", About: "a short GET on 64 connections, handlers in JavaScript", Endpoint: Hello, Against: []string{"workerd", "node"},
		Servers: []string{"node", "workerd", "sluice-js", "sluice-js-shared"},
		Plan:    load.Plan{Requests: []load.Request{get(Hello)}, Connections: 64},
	},
	tenants(1), tenants(100), tenants(1000),
}

// tenants asks each of so many tenants in turn.
func tenants(count int) Workload {
	w := Workload{
		Name: fmt.Sprintf("tenants-%d", count), About: fmt.Sprintf("a short GET on 64 connections, tenants: %d, asked in turn", count),
		Group: "tenants", Endpoint: Hello, Servers: []string{fmt.Sprintf("sluice-tenants-%d", count)},
		Plan: load.Plan{Connections: 64}, Short: count != 100,
	}
	for i := range count {
		w.Plan.Requests = append(w.Plan.Requests, Tenant(i))
	}
	return w
}

// Run is something that is measured in a way of its own.
type Run struct{ Name, About string }

// Runs are those that there are.
var Runs = []Run{
	{"start", "the time from the start of a server to its first answer"},
	{"idle", "the memory that connections take which ask nothing"},
	{"neighbour", "latency while a neighbour computes for ever"},
}

// Names are those of the tables.
func Names() []string {
	var names []string
	for _, w := range Table {
		names = append(names, w.Name)
	}
	for _, r := range Runs {
		names = append(names, r.Name)
	}
	return names
}

// Request is one that asks an endpoint, for whoever wants to see whether a server answers it rightly.
func Request(e Endpoint) load.Request {
	switch e {
	case JSON:
		return post(JSON, Order)
	case Echo:
		return stream(Echo, 3<<20+5)
	default:
		return get(e)
	}
}
