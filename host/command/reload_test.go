package command

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/engine"
)

// What only a restart can change stays, what can change holds afterwards, and nothing does when something is wrong.
func TestReload(t *testing.T) {
	var log bytes.Buffer
	make := func(addr string, grace time.Duration, module engine.Module) *settings {
		s := &settings{addr: address(addr), grace: duration(grace)}
		s.engine = engine.Config{
			Core: engine.CoreNative, Routes: []engine.Route{{Handler: module}}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		}
		return s
	}
	first := make("localhost:1", time.Second, welcome())
	server, err := engine.New(t.Context(), first.engine)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close(t.Context())
	var next *settings
	var broken error
	r := &reloader{read: func() (*settings, error) { return next, broken }, server: server}
	r.current.Store(first)

	for _, test := range []struct {
		name   string
		next   *settings
		broken error
		addr   address
		grace  time.Duration
		log    string
	}{
		{"grace", make("localhost:1", 2*time.Second, welcome()), nil, "localhost:1", 2 * time.Second, "msg=reloaded changed=[]"},
		{"module", make("localhost:1", 3*time.Second, echo()), nil, "localhost:1", 3 * time.Second, "msg=reloaded changed=[/]"},
		{"address", make("localhost:2", 4*time.Second, echo()), nil, "localhost:1", 4 * time.Second, "keys=[addr]"},
		{"broken module", make("localhost:2", 5*time.Second, engine.Module{Name: "x"}), nil, "localhost:1", 4 * time.Second,
			`cause=SIGHUP reason="handler x: the file is empty"`},
		{"broken file", make("localhost:2", 5*time.Second, echo()), errors.New("no"), "localhost:1", 4 * time.Second,
			"cause=SIGHUP reason=no"},
		{"nothing", nil, errors.New("no"), "localhost:1", 4 * time.Second, "cause=SIGHUP reason=no"},
	} {
		log.Reset()
		next, broken = test.next, test.broken
		_ = r.reload(t.Context(), "SIGHUP")
		if now := r.current.Load(); now.addr != test.addr || time.Duration(now.grace) != test.grace {
			t.Errorf("%s: %s and %v hold, want %s and %v", test.name, now.addr, time.Duration(now.grace), test.addr, test.grace)
		}
		if !strings.Contains(log.String(), test.log) {
			t.Errorf("%s: the log does not have %q:\n%s", test.name, test.log, &log)
		}
	}
}
