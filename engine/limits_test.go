package engine

import (
	"errors"
	"testing"
	"time"
)

// TestLimitErrors sets limits to what they cannot be.
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
