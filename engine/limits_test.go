package engine

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

// TestLimitErrors sets a server's limits to what they cannot be.
func TestLimitErrors(t *testing.T) {
	for _, test := range []struct {
		config Config
		key    string
		want   string
	}{
		{Config{Limits: Limits{StartLine: -1}}, "start_line", "limit start_line is -1; it can be 1 to 61440"},
		{Config{Limits: Limits{Head: 61441}}, "head", "limit head is 61441; it can be 1 to 61440"},
		{Config{Limits: Limits{TrailerFields: 1025}}, "trailer_fields", "limit trailer_fields is 1025; it can be 1 to 1024"},
		{Config{Limits: Limits{Buffered: 1<<30 + 1}}, "buffered", "limit buffered is 1073741825; it can be 1 to 1073741824"},
		{Config{Limits: Limits{BodyIdle: 99 * time.Millisecond}}, "body_idle",
			"limit body_idle is 99ms; it can be 100ms to 876000h0m0s"},
		{Config{Limits: Limits{KeepAliveIdle: 1 << 62}}, "keep_alive_idle",
			"limit keep_alive_idle is 1281023h53m38.427387904s; it can be 100ms to 876000h0m0s"},
		{Config{MaxConnections: -1}, "max_connections", "limit max_connections is -1; it can be 1 to 1048576"},
	} {
		test.config.Routes = []Route{{}}
		err := test.config.complete()
		var limit *LimitError
		if !errors.As(err, &limit) || limit.Error() != test.want || limit.Key != test.key || limit.Route != -1 {
			t.Errorf("\n got %+v\nwant %s", err, test.want)
		}
	}
}

// TestRouteLimitErrors sets a route's limits to what they cannot be.
func TestRouteLimitErrors(t *testing.T) {
	server := Limits{Head: 20000, Fields: 64}
	for _, test := range []struct {
		limits Limits
		key    string
		want   string
	}{
		{Limits{HeadTime: time.Second}, "head_time",
			`limit head_time of route "/b" cannot be set: the route is known only when the head is complete`},
		{Limits{StartLine: 8193}, "start_line",
			`limit start_line of route "/b" is 8193 and the server's is 8192; it can be no larger, because the head is read before its route is known`},
		{Limits{Head: 20001}, "head",
			`limit head of route "/b" is 20001 and the server's is 20000; it can be no larger, because the head is read before its route is known`},
		{Limits{Fields: 65}, "fields",
			`limit fields of route "/b" is 65 and the server's is 64; it can be no larger, because the head is read before its route is known`},
		{Limits{Fields: -1}, "fields", `limit fields of route "/b" is -1; it can be 1 to 1024`},
		{Limits{Buffered: 1<<30 + 1}, "buffered", `limit buffered of route "/b" is 1073741825; it can be 1 to 1073741824`},
		{Limits{HandlerWall: 1}, "handler_wall", `limit handler_wall of route "/b" is 1ns; it can be 100ms to 876000h0m0s`},
	} {
		config := Config{Limits: server, Routes: []Route{{Path: "/a"}, {Path: "/b", Limits: test.limits}}}
		err := config.complete()
		var limit *LimitError
		if !errors.As(err, &limit) || limit.Error() != test.want || limit.Key != test.key || limit.Route != 1 || limit.Name != "/b" {
			t.Errorf("\n got %+v\nwant %s", err, test.want)
		}
	}
}

// TestRouteLimits has routes keep what they set, tighter or wider, and take the rest from the server, and compares the
// limits that the transport gets field by field.
func TestRouteLimits(t *testing.T) {
	own := Limits{
		StartLine: 1, Head: 2, Fields: 3, ChunkLine: 1 << 20, Trailers: 60 << 10, TrailerFields: 1024, Buffered: 1 << 30,
		BodyIdle: time.Hour, KeepAliveIdle: 2 * time.Hour, WriteIdle: 3 * time.Hour, HandlerWall: 4 * time.Hour,
	}
	config := Config{
		Limits: Limits{Head: 1000, HandlerWall: time.Minute},
		Routes: []Route{{Path: "/a", Limits: own}, {Path: "/b", Limits: Limits{Head: 500}}, {Path: "/c"}},
	}
	given := config.Routes[1].Limits
	routes := config.Routes
	if err := config.complete(); err != nil {
		t.Fatal(err)
	}
	if routes[1].Limits != given {
		t.Error("the caller's routes were changed")
	}
	b := config.Limits
	b.Head = 500
	for i, want := range []Limits{own, b, config.Limits} {
		got := reflect.ValueOf(config.Routes[i].Limits.transport())
		for j := range got.NumField() {
			name := got.Type().Field(j).Name
			if got, want := got.Field(j).Interface(), reflect.ValueOf(want).FieldByName(name).Interface(); got != want {
				t.Errorf("route %d: %s is %v, want %v", i, name, got, want)
			}
		}
	}
}
