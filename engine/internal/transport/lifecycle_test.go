package transport_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/engine/internal/transport"
	"github.com/sluicehttp/sluice/guest/http1"
)

// everything are the subscriptions of a handler that hears all there is.
const everything = abi.SubscriptionsClosed<<1 - 1

// listener hears events until the session ends, and has a reaction to some. It writes down what it hears.
type listener struct {
	want      abi.Subscriptions
	reactions map[abi.Event]func(x exchange.Exchange, ev *exchange.Event)
	heard     chan []string
}

// listen has reactions to events. What was heard comes through the channel heard.
func hears(want abi.Subscriptions, reactions map[abi.Event]func(x exchange.Exchange, ev *exchange.Event)) *listener {
	return &listener{want, reactions, make(chan []string, 16)}
}

func (l *listener) serve(x exchange.Exchange) error {
	var heard []string
	for {
		var ev exchange.Event
		if err := x.Next(l.want, 64<<10, &ev); err != nil {
			l.heard <- append(heard, err.Error())
			return err
		}
		heard = append(heard, describe(&ev))
		if react := l.reactions[ev.Kind]; react != nil {
			react(x, &ev)
		}
	}
}

// describe shows an event in a word or two.
func describe(ev *exchange.Event) string {
	switch ev.Kind {
	case abi.EventDataReady:
		return "data:" + string(ev.Data)
	case abi.EventTrailerReady:
		name, value, _ := ev.Fields.At(0)
		return fmt.Sprintf("trailer:%s=%s", name, value)
	case abi.EventClosed:
		return fmt.Sprintf("closed:%v:%v", ev.Closed.Side, ev.Closed.Reason)
	}
	return ev.Kind.String()
}

// wantHeard compares what the next session heard.
func (l *listener) wantHeard(t *testing.T, want string) {
	t.Helper()
	select {
	case heard := <-l.heard:
		if got := strings.Join(heard, " "); got != want {
			t.Errorf("heard\n%s, want\n%s", got, want)
		}
	case <-time.After(wait):
		t.Error("the session does not end")
	}
}

// reactions is a short name.
type reactions = map[abi.Event]func(x exchange.Exchange, ev *exchange.Event)

func (l *listener) start(t *testing.T, limits transport.Limits) string {
	_, addr := start(t, limits, l.serve)
	return addr
}

// wire is a connection of a test.
type wire struct {
	net.Conn
	*bufio.Reader
}

func (w wire) Read(p []byte) (int, error) { return w.Reader.Read(p) }

func connect(t *testing.T, addr string) wire {
	socket := dial(t, addr)
	return wire{socket, bufio.NewReader(socket)}
}

func (w wire) send(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(w.Conn, text); err != nil {
		t.Fatal(err)
	}
}

// want reads as many bytes as the text has, and compares.
func (w wire) want(t *testing.T, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(w.Reader, got); err != nil || string(got) != text {
		t.Fatalf("got %q, %v, want %q", got[:n], err, text)
	}
}

// wantEnd reads to the end, and compares.
func (w wire) wantEnd(t *testing.T, text string) {
	t.Helper()
	if rest, err := io.ReadAll(w.Reader); err != nil || dateless(string(rest)) != text {
		t.Fatalf("got %q, %v, want %q and the end", rest, err, text)
	}
}

const getClose = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

// TestInformational sends hints that have to arrive while the handler works on its answer.
func TestInformational(t *testing.T) {
	release := make(chan struct{})
	addr := hears(abi.SubscriptionsReady, reactions{abi.EventReady: func(x exchange.Exchange, _ *exchange.Event) {
		if errno := x.SendInformational(103, exchange.NewFields("Link", "x")); errno != abi.ErrnoSuccess {
			t.Errorf("103: %v", errno)
		}
		if errno := x.SendInformational(100, exchange.Fields{}); errno != abi.ErrnoState {
			t.Errorf("100 to a peer that does not wait for it: %v", errno)
		}
		<-release
		x.Send(204, exchange.Fields{}, nil)
		if errno := x.SendInformational(103, exchange.Fields{}); errno != abi.ErrnoState {
			t.Errorf("103 after the answer: %v", errno)
		}
	}}).start(t, calm)
	w := connect(t, addr)
	w.send(t, getClose)
	w.want(t, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
	close(release)
	w.wantEnd(t, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	if got := talk(t, addr, "GET / HTTP/1.0\r\n\r\n"); got != "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n" {
		t.Errorf("HTTP/1.0 gets %q", got)
	}
}

// TestHoldContinue has the handler decide whether the peer is to send its body.
func TestHoldContinue(t *testing.T) {
	const put = "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
	release := make(chan struct{})
	l := hears(abi.SubscriptionsHeaderReady|abi.SubscriptionsDataReady|abi.SubscriptionsReady, reactions{
		abi.EventHeaderReady: func(x exchange.Exchange, ev *exchange.Event) {
			if errno := x.HoldContinue(); errno != abi.ErrnoSuccess {
				t.Errorf("hold: %v", errno)
			}
			if string(ev.Line.Target) == "/no" {
				x.Send(403, exchange.Fields{}, nil)
				return
			}
			<-release
			if x.WriteState() != abi.WriteStateEmpty || x.ReadState() != abi.ReadStateMessageReady {
				t.Errorf("states %v and %v", x.ReadState(), x.WriteState())
			}
			if errno := x.SendInformational(100, exchange.Fields{}); errno != abi.ErrnoSuccess {
				t.Errorf("100: %v", errno)
			}
			if x.WriteState() != abi.WriteStateContinueIssued {
				t.Errorf("state %v", x.WriteState())
			}
			if errno := x.SendInformational(100, exchange.Fields{}); errno != abi.ErrnoState {
				t.Errorf("a second 100: %v", errno)
			}
			if errno := x.HoldContinue(); errno != abi.ErrnoState {
				t.Errorf("hold after 100: %v", errno)
			}
		},
		abi.EventReady: func(x exchange.Exchange, _ *exchange.Event) { x.Send(204, exchange.Fields{}, nil) },
	})
	addr := l.start(t, calm)
	w := connect(t, addr)
	w.send(t, put)
	w.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if got, err := w.ReadByte(); err == nil {
		t.Fatalf("%q came though it was held", got)
	}
	w.SetReadDeadline(time.Now().Add(wait))
	close(release)
	w.want(t, "HTTP/1.1 100 Continue\r\n\r\n")
	w.send(t, "ok")
	w.want(t, "HTTP/1.1 204 No Content\r\n")
	l.wantHeard(t, "header_ready data:ok ready the session is over")

	refused := connect(t, addr)
	refused.send(t, strings.Replace(put, "/", "/no", 1))
	refused.wantEnd(t, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

// TestTrailers goes both ways.
func TestTrailers(t *testing.T) {
	const put = "PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nSum: 3\r\n\r\n"
	for name, test := range map[string]struct {
		want  abi.Subscriptions
		heard string
	}{
		"in pieces": {abi.SubscriptionsDataReady | abi.SubscriptionsTrailerReady | abi.SubscriptionsReady, "data:ab trailer:Sum=3 ready the session is over"},
		"whole":     {abi.SubscriptionsTrailerReady | abi.SubscriptionsReady, "trailer:Sum=3 ready the session is over"},
		"unwanted":  {abi.SubscriptionsReady, "ready the session is over"},
	} {
		t.Run(name, func(t *testing.T) {
			l := hears(test.want, reactions{abi.EventReady: func(x exchange.Exchange, ev *exchange.Event) {
				x.SendHead(200, exchange.Fields{})
				x.SendData([]byte("cd"))
				if errno := x.SendTrailers(exchange.NewFields("Content-Length", "3")); errno != abi.ErrnoInvalid {
					t.Errorf("a trailer that frames: %v", errno)
				}
				if errno := x.SendTrailers(exchange.NewFields("Sum", "7")); errno != abi.ErrnoSuccess {
					t.Errorf("trailers: %v", errno)
				}
				if errno := x.SendTrailers(exchange.Fields{}); errno != abi.ErrnoState {
					t.Errorf("trailers after the end: %v", errno)
				}
			}})
			addr := l.start(t, calm)
			const answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\ncd\r\n0\r\nSum: 7\r\n\r\n"
			if got := talk(t, addr, put); got != answer {
				t.Errorf("got %q", got)
			}
			l.wantHeard(t, test.heard)
			// A head and a trailer section that come byte by byte are heard alike.
			w := connect(t, addr)
			for i := range len(put) {
				w.send(t, put[i:i+1])
			}
			w.wantEnd(t, answer)
			if heard := strings.Join(<-l.heard, " "); strings.ReplaceAll(heard, "data:a data:b", "data:ab") != test.heard {
				t.Errorf("in bytes: %s", heard)
			}
		})
	}
}

// tunnel agrees to another protocol, sends back what comes, and ends when the peer does.
func tunnel(t *testing.T, fields exchange.Fields) *listener {
	return hears(everything&^(abi.SubscriptionsHeaderDone|abi.SubscriptionsDataDone|abi.SubscriptionsDone), reactions{
		abi.EventReady: func(x exchange.Exchange, _ *exchange.Event) {
			if fields.Len() > 0 && x.Upgrade(exchange.NewFields("Upgrade", "other")) != abi.ErrnoInvalid {
				t.Error("a protocol that was not offered was agreed to")
			}
			if errno := x.Upgrade(fields); errno != abi.ErrnoSuccess {
				t.Errorf("upgrade: %v", errno)
			}
			if errno := x.Discard(); errno != abi.ErrnoState {
				t.Errorf("discard after the upgrade: %v", errno)
			}
		},
		abi.EventUpgraded: func(x exchange.Exchange, _ *exchange.Event) {
			if x.ReadState() != abi.ReadStateBodyReady || x.WriteState() != abi.WriteStateMetadataIssued {
				t.Errorf("states %v and %v", x.ReadState(), x.WriteState())
			}
		},
		abi.EventDataReady: func(x exchange.Exchange, ev *exchange.Event) { x.SendData(ev.Data) },
		abi.EventClosed: func(x exchange.Exchange, ev *exchange.Event) {
			if ev.Closed.Side == abi.ClosedSideRead {
				x.SendData([]byte(" bye"))
				x.SendEnd()
			}
		},
	})
}

// TestUpgrade leaves HTTP, with bytes that came right behind the request.
func TestUpgrade(t *testing.T) {
	l := tunnel(t, exchange.NewFields("Upgrade", "echo/1"))
	addr := l.start(t, quick)
	w := connect(t, addr)
	w.send(t, "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: x, ECHO/1\r\n\r\nGET / HTTP/1.1\r\n\r\n")
	w.want(t, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo/1\r\nConnection: Upgrade\r\n\r\nGET / HTTP/1.1\r\n\r\n")
	time.Sleep(1500 * time.Millisecond) // longer than every time of HTTP
	w.send(t, "more")
	w.want(t, "more")
	w.Conn.(*net.TCPConn).CloseWrite()
	w.wantEnd(t, " bye")
	l.wantHeard(t, "line_ready header_ready ready upgraded data:GET / HTTP/1.1\r\n\r\n data:more closed:read:end the session is over")
}

// TestConnect is a tunnel for a handler that can be one, and 501 for all others.
func TestConnect(t *testing.T) {
	const request = "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n"
	l := tunnel(t, exchange.Fields{})
	w := connect(t, l.start(t, calm))
	w.send(t, request+"raw")
	response, err := http.ReadResponse(w.Reader, &http.Request{Method: "CONNECT"})
	if err != nil || response.StatusCode != 200 || response.Header.Get("Content-Length") != "" {
		t.Fatalf("%+v, %v", response, err)
	}
	w.want(t, "raw")
	w.Conn.(*net.TCPConn).CloseWrite()
	w.wantEnd(t, " bye")

	silent := hears(everything, reactions{abi.EventReady: func(x exchange.Exchange, _ *exchange.Event) {
		if errno := x.Send(200, exchange.Fields{}, nil); errno != abi.ErrnoInvalid {
			t.Errorf("an ordinary answer: %v", errno)
		}
	}})
	unaware := hears(abi.SubscriptionsReady, nil)
	for name, addr := range map[string]string{"silent": silent.start(t, quick), "unaware": unaware.start(t, calm)} {
		if got := talk(t, addr, request); !strings.HasPrefix(got, "HTTP/1.1 501 ") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestRefusedConnect lets a handler refuse like any other request.
func TestRefusedConnect(t *testing.T) {
	addr := hears(everything, reactions{abi.EventReady: func(x exchange.Exchange, _ *exchange.Event) {
		x.Send(403, exchange.Fields{}, []byte("no"))
	}}).start(t, calm)
	w := connect(t, addr)
	for range 2 {
		w.send(t, "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n")
		response, err := http.ReadResponse(w.Reader, nil)
		if err != nil || response.StatusCode != 403 {
			t.Fatalf("%+v, %v", response, err)
		}
		io.Copy(io.Discard, response.Body)
	}
}

// TestPause reads nothing of the peer until the handler wants it again.
func TestPause(t *testing.T) {
	resumed := false
	l := hears(everything&^abi.SubscriptionsLineReady, reactions{
		abi.EventHeaderReady: func(x exchange.Exchange, _ *exchange.Event) {
			x.Pause()
			x.SendHead(200, exchange.NewFields("Content-Length", "2"))
			x.SendData([]byte("o"))
		},
		abi.EventDataDone: func(x exchange.Exchange, _ *exchange.Event) {
			if !resumed {
				resumed = true
				x.Resume()
			}
		},
		abi.EventReady: func(x exchange.Exchange, _ *exchange.Event) {
			x.SendData([]byte("k"))
			x.SendEnd()
		},
	})
	w := connect(t, l.start(t, calm))
	w.send(t, "PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab")
	w.wantEnd(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
	l.wantHeard(t, "header_ready header_done data_done data:ab ready data_done done the session is over")
}

// TestPausedAnswer goes on behind an answer whose handler has not resumed.
func TestPausedAnswer(t *testing.T) {
	addr := hears(abi.SubscriptionsHeaderReady|abi.SubscriptionsReady, reactions{
		abi.EventHeaderReady: func(x exchange.Exchange, _ *exchange.Event) { x.Pause(); x.Send(204, exchange.Fields{}, nil) },
	}).start(t, calm)
	const put = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n"
	if got := talk(t, addr, put+"\r\nab"+put+"Connection: close\r\n\r\nab"); strings.Count(got, "HTTP/1.1 204 No Content\r\n") != 2 {
		t.Errorf("got %q", got)
	}
}

// TestPauseForEver ends what a handler has paused and forgotten.
func TestPauseForEver(t *testing.T) {
	addr := hears(abi.SubscriptionsHeaderReady|abi.SubscriptionsReady, reactions{
		abi.EventHeaderReady: func(x exchange.Exchange, _ *exchange.Event) { x.Pause(); x.Stream() },
	}).start(t, quick)
	if got := talk(t, addr, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
		t.Errorf("got %q", got)
	}
}

// TestDiscard drops a body, and the connection goes on behind it.
func TestDiscard(t *testing.T) {
	l := hears(everything&^(abi.SubscriptionsLineReady|abi.SubscriptionsHeaderDone|abi.SubscriptionsDone), reactions{
		abi.EventHeaderReady: func(x exchange.Exchange, _ *exchange.Event) { x.Discard() },
		abi.EventReady:       func(x exchange.Exchange, _ *exchange.Event) { x.Send(204, exchange.Fields{}, nil) },
	})
	w := connect(t, l.start(t, calm))
	for _, last := range []string{"", "Connection: close\r\n"} {
		w.send(t, "PUT / HTTP/1.1\r\nHost: h\r\n"+last+"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nT: u\r\n\r\n")
		if response, err := http.ReadResponse(w.Reader, nil); err != nil || response.StatusCode != 204 {
			t.Fatal(response, err)
		}
		l.wantHeard(t, "header_ready ready the session is over")
	}
	w = ask(t, l.start(t, calm), "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	w.wantEnd(t, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n") // the body that is not asked for is not waited for
	whole := hears(abi.SubscriptionsHeaderReady|abi.SubscriptionsReady, reactions{
		abi.EventHeaderReady: func(x exchange.Exchange, _ *exchange.Event) { x.Discard() },
		abi.EventReady: func(x exchange.Exchange, ev *exchange.Event) {
			x.Send(200, exchange.Fields{}, fmt.Appendf(nil, "%s %d %d", ev.Line.Target, ev.Fields.Len(), len(ev.Data)))
		},
	})
	if got := talk(t, whole.start(t, calm), "PUT /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n"+strings.Repeat("x", 100000)); !strings.HasSuffix(got, "/a 3 0") {
		t.Errorf("got %q", got)
	}
}

// TestStream lets an answer take longer than a handler may, and the connection go on by the ordinary rules.
func TestStream(t *testing.T) {
	_, addr := start(t, quick, func(x exchange.Exchange) error {
		var ev exchange.Event
		if err := x.Next(abi.SubscriptionsReady, 1<<10, &ev); err != nil {
			return err
		}
		if errno := x.Stream(); errno != abi.ErrnoSuccess {
			t.Errorf("stream: %v", errno)
		}
		time.Sleep(1500 * time.Millisecond)
		x.SendHead(200, exchange.Fields{})
		x.SendData([]byte("late"))
		x.SendEnd()
		if errno := x.Stream(); errno != abi.ErrnoState {
			t.Errorf("stream after the end: %v", errno)
		}
		return x.Next(abi.SubscriptionsReady, 1<<10, &ev)
	})
	w := connect(t, addr)
	w.send(t, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	response, err := http.ReadResponse(w.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "late" {
		t.Errorf("%q, %v", body, err)
	}
	began := time.Now()
	w.wantEnd(t, "")
	if took := time.Since(began); took < 750*time.Millisecond {
		t.Errorf("the idle connection ended after %v", took)
	}

	// A stream whose handler waits for the peer is not ended by any time; the end of the peer is heard.
	l := hears(everything&^(abi.SubscriptionsLineReady|abi.SubscriptionsHeaderDone|abi.SubscriptionsDataDone|abi.SubscriptionsDone), reactions{
		abi.EventReady: func(x exchange.Exchange, _ *exchange.Event) {
			x.Stream()
			x.SendHead(200, exchange.Fields{})
			x.SendData([]byte("a"))
		},
		abi.EventClosed: func(x exchange.Exchange, ev *exchange.Event) { x.SendData([]byte("b")); x.SendEnd() },
	})
	w = connect(t, l.start(t, quick))
	w.send(t, getClose)
	time.Sleep(2 * time.Second)
	w.Conn.(*net.TCPConn).CloseWrite()
	w.wantEnd(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n")
	l.wantHeard(t, "header_ready ready closed:read:end the session is over")
}

// TestClose cuts an answer off.
func TestClose(t *testing.T) {
	l := hears(everything&^(abi.SubscriptionsHeaderDone|abi.SubscriptionsLineReady), reactions{
		abi.EventReady: func(x exchange.Exchange, _ *exchange.Event) {
			x.SendHead(200, exchange.Fields{})
			x.Close()
			if errno := x.SendData([]byte("x")); errno != abi.ErrnoClosed {
				t.Errorf("data after the end: %v", errno)
			}
		},
	})
	addr := l.start(t, calm)
	if got, _ := io.ReadAll(ask(t, addr, getClose)); len(got) > 0 {
		t.Errorf("got %q", got)
	}
	l.wantHeard(t, "header_ready ready closed:both:handler the connection is closed")
}

func ask(t *testing.T, addr, request string) wire {
	w := connect(t, addr)
	w.send(t, request)
	return w
}

// TestClosed tells a handler how its peer went.
func TestClosed(t *testing.T) {
	const put = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab"
	l := hears(everything&^(abi.SubscriptionsHeaderDone|abi.SubscriptionsLineReady), nil)
	addr := l.start(t, quick)

	w := ask(t, addr, put)
	w.Conn.(*net.TCPConn).CloseWrite()
	if got, _ := io.ReadAll(w.Reader); !strings.HasPrefix(string(got), "HTTP/1.1 400 ") {
		t.Errorf("got %q", got)
	}
	l.wantHeard(t, "header_ready data:ab closed:both:truncated the connection is closed")

	w = ask(t, addr, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz")
	io.ReadAll(w.Reader)
	l.wantHeard(t, "header_ready closed:both:protocol the connection is closed")

	w = ask(t, addr, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	time.Sleep(200 * time.Millisecond)
	w.Conn.(*net.TCPConn).SetLinger(0)
	w.Close()
	l.wantHeard(t, "header_ready ready closed:both:reset the connection is closed")

	answering := hears(abi.SubscriptionsClosed|abi.SubscriptionsReady, reactions{
		abi.EventClosed: func(x exchange.Exchange, ev *exchange.Event) { x.Send(200, exchange.Fields{}, []byte("still here")) },
	})
	w = ask(t, answering.start(t, calm), "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	w.Conn.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(w.Reader); err != nil || !strings.HasSuffix(string(got), "still here") {
		t.Errorf("got %q, %v", got, err)
	}
	answering.wantHeard(t, "ready closed:read:end the session is over")
}

// TestWatchedPipeline keeps what a peer sends while its answer is awaited.
func TestWatchedPipeline(t *testing.T) {
	addr := hears(abi.SubscriptionsReady|abi.SubscriptionsClosed, reactions{
		abi.EventReady: func(x exchange.Exchange, ev *exchange.Event) {
			if string(ev.Line.Target) != "/wait" {
				x.Send(200, exchange.Fields{}, ev.Line.Target)
			}
		},
		abi.EventClosed: func(x exchange.Exchange, ev *exchange.Event) { x.Send(200, exchange.Fields{}, []byte("waited")) },
	}).start(t, calm)
	w := ask(t, addr, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
	for _, text := range []string{"GET /1 HTTP/1.1\r\n", "Host: h\r\n\r\nGET /2 HTTP", "/1.1\r\nHost: h\r\n\r\n"} {
		time.Sleep(50 * time.Millisecond)
		w.send(t, text)
	}
	w.Conn.(*net.TCPConn).CloseWrite()
	for _, want := range []string{"waited", "/1", "/2"} {
		response, err := http.ReadResponse(w.Reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(response.Body); string(body) != want {
			t.Errorf("got %q, want %q", body, want)
		}
	}
}

// TestRouteLimits holds requests against the limits of their route.
func TestRouteLimits(t *testing.T) {
	own := calm
	own.StartLine, own.Head, own.Fields = 40, 120, 3
	own.ChunkLine, own.Trailers, own.TrailerFields, own.Buffered = 4, 64, 1, 8
	server, addr := startWith(t, transport.Config{HeadFirst: true}, calm, &transport.Route{
		Name: "narrow", Handler: handlerFunc(echoWhole), Limits: &own,
	})
	const chunked = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	tests := []struct{ name, request, status, reason string }{
		{"fine", "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "200", ""},
		{"start line", "GET /" + strings.Repeat("x", 40) + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "414", "start_line"},
		{"head", "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX: " + strings.Repeat("x", 120) + "\r\n\r\n", "431", "head"},
		{"fields", "GET / HTTP/1.1\r\nHost: h\r\nA:\r\nB:\r\nConnection: close\r\n\r\n", "431", "fields"},
		{"chunk line", chunked + "00001\r\na\r\n0\r\n\r\n", "400", "chunk_line_too_long"},
		{"trailers", chunked + "0\r\nA: " + strings.Repeat("x", 64) + "\r\n\r\n", "431", "trailers_too_large"},
		{"trailer fields", chunked + "0\r\nA:\r\nB:\r\n\r\n", "431", "too_many_trailers"},
		{"body", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n", "413", "buffered"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := talk(t, addr, test.request); !strings.HasPrefix(got, "HTTP/1.1 "+test.status) {
				t.Errorf("got %q", got)
			}
			if stats := server.Stats(); test.reason != "" && stats.Reasons[test.reason] != 1 {
				t.Errorf("%s is counted in %v", test.reason, stats.Reasons)
			}
		})
	}
}

// startWith serves a route with a configuration of its own.
func startWith(t *testing.T, config transport.Config, limits transport.Limits, route *transport.Route) (*transport.Server, string) {
	t.Helper()
	if config.Log == nil {
		config.Log = discard
	}
	cores, err := core.NewSet(1, discard, core.NativeMaker(core.Config{Connections: 64, Limits: http1.DefaultLimits}))
	if err != nil {
		t.Fatal(err)
	}
	config.Cores, config.Router, config.HeadTime, config.Limits = cores, routes{route}, limits.BodyIdle, limits
	if config.MaxConnections == 0 {
		config.MaxConnections = 64
	}
	server := transport.NewServer(config)
	return server, serve(t, server, listen(t))
}

// TestReasons counts what ended work.
func TestReasons(t *testing.T) {
	server, addr := start(t, quick, echoWhole)
	talk(t, addr, "")
	talk(t, addr, "GET")
	talk(t, addr, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n")
	talk(t, addr, "GET / HTTP/1.1\r\n\r\n")
	talk(t, addr, "GET / HTTP/1.1\n")
	want := map[string]uint64{"keep_alive_idle": 1, "head_time": 1, "body_idle": 1, "host_missing": 1, "line_end": 1}
	if got := server.Stats(); fmt.Sprint(got.Reasons) != fmt.Sprint(want) || got.Accepted != 5 {
		t.Errorf("got %+v, want %v", got, want)
	}
}

// TestSummary has the log tell sums, of what peers can bring about.
func TestSummary(t *testing.T) {
	var text strings.Builder
	cores, err := core.NewSet(1, discard, core.NativeMaker(core.Config{Connections: 16, Limits: http1.DefaultLimits}))
	if err != nil {
		t.Fatal(err)
	}
	server := transport.NewServer(transport.Config{
		Cores: cores, Router: routes{&transport.Route{Handler: handlerFunc(echoWhole)}}, MaxConnections: 16, HeadTime: wait,
		Limits: calm, Log: slog.New(slog.NewTextHandler(&text, nil)),
	})
	listener := listen(t)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	for range 3 {
		talk(t, listener.Addr().String(), "GET / HTTP/1.1\r\n\r\n")
	}
	talk(t, listener.Addr().String(), "GET * HTTP/1.1\r\n\r\n")
	if err := server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-served
	want := "level=INFO msg=\"work ended early\" reasons.target=1 reasons.host_missing=3\n"
	if _, got, _ := strings.Cut(text.String(), " "); got != want {
		t.Errorf("got %q, want %q", text.String(), want)
	}
}

// TestFlood keeps connections beyond the limit waiting, and serves them when there is room.
func TestFlood(t *testing.T) {
	server, addr := startWith(t, transport.Config{MaxConnections: 4}, calm, &transport.Route{Name: "test", Handler: handlerFunc(echoWhole)})
	var held []wire
	for range 4 {
		w := ask(t, addr, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		w.want(t, "HTTP/1.1 200 OK\r\n")
		held = append(held, w)
	}
	var waiting []wire
	for range 8 {
		waiting = append(waiting, ask(t, addr, getClose))
	}
	waiting[0].SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if got, err := waiting[0].ReadByte(); err == nil {
		t.Errorf("%q came though there is no room", got)
	}
	if stats := server.Stats(); stats.Open != 4 || stats.Reasons["max_connections"] == 0 || stats.States["receiving_headers"] != 4 {
		t.Errorf("%+v", stats)
	}
	for _, w := range held {
		w.Close()
	}
	for _, w := range waiting {
		w.SetReadDeadline(time.Now().Add(wait))
		w.want(t, "HTTP/1.1 200 OK\r\n")
	}
}

// TestDrainLosesNothing sends requests right before the server drains, on connections old and new: all are answered.
func TestDrainLosesNothing(t *testing.T) {
	entered := make(chan struct{}, 256)
	server, addr := start(t, calm, func(x exchange.Exchange) error {
		entered <- struct{}{}
		return echoWhole(x)
	})
	old, fresh := make([]wire, 50), make([]wire, 50)
	for i := range old {
		old[i] = ask(t, addr, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		response, err := http.ReadResponse(old[i].Reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
	}
	for i := range old {
		old[i].send(t, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		fresh[i] = ask(t, addr, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	if err := server.Close(ctx); err != nil {
		t.Fatal(err)
	}
	for _, w := range append(old, fresh...) {
		if got, err := io.ReadAll(w.Reader); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200 ") {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("a connection was accepted after the end")
	} else if !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}

// TestFailuresAreSummedUp sees that a handler that always fails does not fill the log.
func TestFailuresAreSummedUp(t *testing.T) {
	var log lockedText
	server, addr := startWith(t, transport.Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, calm, &transport.Route{
		Name: "broken", Handler: handlerFunc(func(exchange.Exchange) error { return errors.New("broken") }),
	})
	for range 25 {
		if answer := talk(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 500 ") {
			t.Fatalf("%q", answer)
		}
	}
	if err := server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if told := strings.Count(log.String(), "handler failed\""); told != 10 {
		t.Errorf("the log was told of %d failures, want 10", told)
	}
	if !strings.Contains(log.String(), "more often than the log tells\" route=broken more=15") {
		t.Errorf("the rest was not summed up:\n%s", log.String())
	}
}

// lockedText is a log that can be read while it is written.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
