package engine

import (
	"testing"

	"github.com/sluicehttp/sluice/engine/internal/transport"
	"github.com/sluicehttp/sluice/guest/http1"
)

// TestDefaultLimits compares the defaults of the library with those of the core.
func TestDefaultLimits(t *testing.T) {
	var limits Limits
	if err := limits.complete(); err != nil {
		t.Fatal(err)
	}
	if limits.http1() != http1.DefaultLimits {
		t.Errorf("%+v, and the core has %+v", limits.http1(), http1.DefaultLimits)
	}
}

// TestRouting tells which of several routes answers.
func TestRouting(t *testing.T) {
	config := Config{Routes: []Route{
		{Name: "root"},
		{Name: "api", Path: "/api/"},
		{Name: "get", Path: "/api/get", Methods: []string{"GET", "HEAD"}},
		{Name: "host", Host: "Example.com"},
		{Name: "host docs", Host: "example.com", Path: "/docs"},
		{Name: "v6", Host: "[::1]", Path: "/v6"},
	}}
	if err := config.complete(); err != nil {
		t.Fatal(err)
	}
	var routes router
	for i := range config.Routes {
		routes.add(config.Routes[i], &transport.Route{Name: config.Routes[i].Name})
	}
	routes.sort()
	tests := []struct{ authority, method, target, want string }{
		{"", "GET", "/", "root"},
		{"h", "GET", "/apifox", "root"},
		{"h", "GET", "/api", "api"},
		{"h", "GET", "/api?x=/api/get", "api"},
		{"h", "HEAD", "/api/get/1", "get"},
		{"h", "PUT", "/api/get", "405 GET, HEAD"},
		{"EXAMPLE.com:8080", "GET", "/api/get", "host"},
		{"example.com", "GET", "/docs/a", "host docs"},
		{"other", "GET", "http://example.com/docs", "root"},
		{"example.com", "GET", "http://example.com/docs?q", "host docs"},
		{"example.com", "GET", "http://example.com?q", "host"},
		{"[::1]:80", "GET", "/v6", "v6"},
		{"[::1]", "OPTIONS", "*", "root"},
	}
	for _, test := range tests {
		match := routes.Route([]byte(test.authority), []byte(test.target), []byte(test.method))
		got := "405 " + match.Allow
		if match.Route != nil {
			got = match.Route.Name
		}
		if got != test.want {
			t.Errorf("%s %s for %q: %s, want %s", test.method, test.target, test.authority, got, test.want)
		}
	}
}
