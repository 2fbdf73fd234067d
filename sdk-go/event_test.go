//go:build !wasip1

package sluice_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/sluicehttp/sluice/sdk-go"
	"github.com/sluicehttp/sluice/sdk-go/sluicetest"
)

// Events tell what was sent, and nothing that was not asked for.
func TestEvents(t *testing.T) {
	var heard []string
	sluicetest.Register(func() {
		sluice.On(sluice.LineReady|sluice.HeaderReady|sluice.DataReady|sluice.TrailerReady|sluice.Ready|sluice.Done, func(e *sluice.Event) {
			text := e.Kind.String()
			if line := e.Line(); line.Method != nil {
				text += " " + string(line.Method) + " " + string(line.Target)
			}
			list := e.Fields()
			for name, value := range list.All() {
				text += " " + string(name) + "=" + string(value)
			}
			if host := list.Get("HOST"); host != nil {
				text += " at " + string(host)
			}
			heard = append(heard, text+string(e.Data()))
			if e.Kind == sluice.Ready {
				if err := e.Session.SendText(200, fields[:1], "ok"); err != nil {
					t.Error(err)
				}
			}
		})
	})
	want(t, sluicetest.Do(request{Fields: fields[:2], Body: []string{"a", "b"}, Trailers: fields[1:2]}), 200, "ok")
	wanted := []string{"line_ready POST /", "header_ready Host=example.org:81 X-Twice=one at example.org:81", "data_readya",
		"data_readyb", "trailer_ready X-Twice=one", "ready", "done"}
	if !slices.Equal(heard, wanted) {
		t.Errorf("heard %q, want %q", heard, wanted)
	}
}

// A handler of Ready alone has the whole request, and allocates nothing to answer it.
func TestWholeMessage(t *testing.T) {
	body := []byte("ok")
	sluicetest.Register(func() {
		sluice.On(sluice.Ready, func(e *sluice.Event) error {
			m := e.Message()
			if string(m.Method) != "POST" || string(m.Body) != "ab" || m.Fields.Len() != 1 || m.Version != sluice.HTTP11 {
				t.Errorf("got %+v", m)
			}
			var failed error
			if allocations := testing.AllocsPerRun(100, func() {
				m := e.Message()
				_ = m.Fields.Get("host")
				failed = e.Session.SendData(nil)
			}); allocations != 0 || failed != nil {
				t.Errorf("looking at an event allocates %v times, %v", allocations, failed)
			}
			_, err := e.Session.WriteState()
			return errors.Join(err, e.Session.SendData(body), e.Session.SendEnd())
		})
	})
	want(t, sluicetest.Do(request{Fields: fields[:1], Body: []string{"a", "b"}}), 200, "ok")
}

// What a handler returns is answered for.
func TestEventErrors(t *testing.T) {
	for name, test := range map[string]struct {
		handler func(e *sluice.Event) error
		status  int
	}{
		"error": {func(*sluice.Event) error { return errors.New("broken") }, 500},
		"second answer": {func(e *sluice.Event) error {
			return errors.Join(e.Session.Send(204, nil, nil), e.Session.Send(204, nil, nil))
		}, 204},
		"another session": {func(e *sluice.Event) error {
			err := (e.Session + 1).Send(200, nil, nil)
			if !errors.Is(err, sluice.ErrNoSession) {
				t.Errorf("answering another session: %v", err)
			}
			var call *sluice.CallError
			if !errors.As(err, &call) || call.Call != "send" {
				t.Errorf("the error is %#v", err)
			}
			return err
		}, 500},
	} {
		sluicetest.Register(func() { sluice.On(sluice.Ready, test.handler) })
		if got := sluicetest.Do(request{}); got.Status != test.status {
			t.Errorf("%s: got %d, want %d", name, got.Status, test.status)
		}
	}
}

func TestTwoHandlers(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a second handler was taken")
		}
	}()
	sluicetest.Register(func() { sluice.On(sluice.Ready, func(*sluice.Event) {}) })
	sluice.On(sluice.Ready, func(*sluice.Event) {})
}
