package engine_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	. "github.com/sluicehttp/sluice/engine"
	"github.com/sluicehttp/sluice/engine/internal/wasmtest"
)

// patience is how long a test waits for what should come soon.
const patience = 30 * time.Second

// quiet is a log that nobody reads.
var quiet = slog.New(slog.DiscardHandler)

// start serves a configuration on loopback until the test ends, with the native core, which is there at once.
func start(t testing.TB, config Config) (e *Engine, addr string) {
	t.Helper()
	config.Core = CoreNative
	if config.Log == nil {
		config.Log = quiet
	}
	e, err := New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- e.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := <-served; !errors.Is(err, ErrClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	return e, listener.Addr().String()
}

const (
	// pieceSize is the size of a version's text, in bytes.
	pieceSize = 1024
	// pieces is how often a streaming version sends it: more than sockets take, so that it waits for its reader.
	pieces = 600
)

// text is what a version answers with.
func text(version int) string {
	number := fmt.Sprintf("%08d", version)
	return strings.Repeat(number, pieceSize/len(number))
}

// plain is a version that answers whole.
func plain(version int) Module {
	h := wasmtest.NewHandler(abi.SubscriptionsReady)
	fields, body := h.Fields("Content-Type", "text/plain"), h.Text(text(version))
	h.OnEvent = wasmtest.Seq(
		wasmtest.Drop(wasmtest.Const(int32(version))), // versions with equal code would share it
		wasmtest.Drop(wasmtest.Do("send", wasmtest.Get(wasmtest.Session), wasmtest.Const(200), fields, body)))
	return Module{Name: fmt.Sprintf("plain-%d.wasm", version), Wasm: h.Encode()}
}

// streaming is a version that answers piece by piece, waiting for its reader.
func streaming(version int) Module {
	h := wasmtest.NewHandler(abi.SubscriptionsReady)
	session, count := wasmtest.Get(wasmtest.Session), uint32(wasmtest.FirstLocal)
	body := h.Text(text(version))
	h.OnEvent = wasmtest.Seq(
		wasmtest.Drop(wasmtest.Const(int32(version))),
		wasmtest.Set(count, wasmtest.Const(pieces)),
		wasmtest.While(wasmtest.Get(count),
			wasmtest.While(wasmtest.Eq(wasmtest.Do("send_data", session, body), wasmtest.Const(int32(abi.ErrnoAgain))),
				wasmtest.Drop(wasmtest.Do("wait_writable", session))),
			wasmtest.Set(count, wasmtest.Add(wasmtest.Get(count), wasmtest.Const(-1)))),
		wasmtest.Drop(wasmtest.Do("send_end", session)))
	return Module{Name: fmt.Sprintf("streaming-%d.wasm", version), Wasm: h.Encode()}
}

// checkVersion compares an answer with what some version says, at least a certain one and of so many pieces.
func checkVersion(status int, body string, least, pieces int) error {
	if status != http.StatusOK || len(body) != pieces*pieceSize {
		return fmt.Errorf("status %d with %d bytes", status, len(body))
	}
	version, err := strconv.Atoi(body[:8])
	if err != nil || body != strings.Repeat(text(version), pieces) {
		return fmt.Errorf("the answer is not one version's: %.40s", body)
	}
	if version < least {
		return fmt.Errorf("version %d answered after %d had come", version, least)
	}
	return nil
}

// A thousand versions come while clients ask on connections that they keep: whole and streamed answers, in order and
// pipelined. Every request is answered, by one version alone, and by none that was replaced before it was sent. In the end
// nothing is left of those that were.
func TestThousandSwaps(t *testing.T) {
	versions := 500 // of each route
	if testing.Short() {
		versions = 50
	}
	var log logged
	e, addr := start(t, Config{
		Log:    slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Limits: Limits{CPU: patience}, // on a busy machine, under the race detector, sending half a megabyte takes long
		Routes: []Route{
			{Name: "plain", Handler: plain(0)},
			{Name: "streaming", Path: "/streaming", Handler: streaming(0)},
		},
	})
	var l load
	l.addr = addr
	swap := func(from, to int) {
		l.run(t, func() {
			for version := from; version < to; version++ {
				l.replace(t, e, "plain", plain(version), &l.plain)
				l.replace(t, e, "streaming", streaming(version), &l.streaming)
			}
		})
	}
	swap(1, 20) // what is made once is made now
	before := measure(t, e)
	swap(20, 20+versions)
	after := measure(t, e)
	t.Logf("%d requests in all; before: %+v, after: %+v", l.served.Load(), before, after)

	if after.modules != 2 || before.modules != 2 {
		t.Errorf("%d modules are compiled, before %d, want 2", after.modules, before.modules)
	}
	if most := before.instances + 16; after.instances > most {
		t.Errorf("%d instances, want %d at most", after.instances, most)
	}
	// Some that have served are kept for a time when they are needed again.
	if most := before.goroutines + 16*runtime.GOMAXPROCS(0); after.goroutines > most {
		t.Errorf("%d goroutines, want %d at most", after.goroutines, most)
	}
	if most := before.memory + 32<<20; after.memory > most {
		t.Errorf("%d bytes of memory, want %d at most", after.memory, most)
	}
	if log.text.Len() > 0 {
		t.Errorf("the log has\n%s", &log.text)
	}
	if got, want := e.Stats().Replaced, uint64(2*(19+versions)); got != want {
		t.Errorf("%d were replaced, want %d", got, want)
	}
}

// load is clients that ask without pause.
type load struct {
	addr             string
	plain, streaming atomic.Int64 // the versions that have come
	served           atomic.Int64
}

func (l *load) replace(t *testing.T, e *Engine, route string, module Module, version *atomic.Int64) {
	t.Helper()
	if err := e.Replace(t.Context(), route, module); err != nil {
		t.Error(err)
	}
	version.Add(1)
}

// run has the clients ask while something is done.
func (l *load) run(t *testing.T, do func()) {
	t.Helper()
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for _, client := range []func(stop <-chan struct{}) error{
		func(stop <-chan struct{}) error { return l.library(stop, "/", &l.plain, 1) },
		func(stop <-chan struct{}) error { return l.library(stop, "/streaming", &l.streaming, pieces) },
		l.pipeline,
		l.slowReader,
	} {
		clients.Go(func() {
			if err := client(stop); err != nil {
				t.Error(err)
			}
		})
	}
	do()
	close(stop)
	clients.Wait()
}

// library asks with net/http, which keeps its connection.
func (l *load) library(stop <-chan struct{}, path string, version *atomic.Int64, pieces int) error {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: patience}
	for !stopped(stop) {
		least := version.Load()
		response, err := client.Get("http://" + l.addr + path)
		if err != nil {
			return err
		}
		if err := l.check(response, int(least), pieces); err != nil {
			return fmt.Errorf("library: %w", err)
		}
	}
	return nil
}

// pipeline sends several requests at a time on one connection.
func (l *load) pipeline(stop <-chan struct{}) error {
	const count = 8
	return l.onSocket(func(socket net.Conn, answers *bufio.Reader) error {
		for !stopped(stop) {
			least := l.plain.Load()
			if _, err := io.WriteString(socket, strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", count)); err != nil {
				return err
			}
			for range count {
				if err := l.answer(answers, int(least), 1); err != nil {
					return fmt.Errorf("pipeline: %w", err)
				}
			}
		}
		return nil
	})
}

// slowReader lets streamed answers wait, so that they go on while their handler is replaced more than once.
func (l *load) slowReader(stop <-chan struct{}) error {
	return l.onSocket(func(socket net.Conn, answers *bufio.Reader) error {
		for !stopped(stop) {
			least := l.streaming.Load()
			if _, err := io.WriteString(socket, "GET /streaming HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
				return err
			}
			time.Sleep(20 * time.Millisecond)
			if err := l.answer(answers, int(least), pieces); err != nil {
				return fmt.Errorf("slow reader: %w", err)
			}
		}
		return nil
	})
}

func (l *load) onSocket(use func(socket net.Conn, answers *bufio.Reader) error) error {
	socket, err := net.Dial("tcp", l.addr)
	if err != nil {
		return err
	}
	defer socket.Close()
	return use(socket, bufio.NewReader(socket))
}

func (l *load) answer(answers *bufio.Reader, least, pieces int) error {
	response, err := http.ReadResponse(answers, nil)
	if err != nil {
		return err
	}
	return l.check(response, least, pieces)
}

func (l *load) check(response *http.Response, least, pieces int) error {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	l.served.Add(1)
	return checkVersion(response.StatusCode, string(body), least, pieces)
}

func stopped(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// taken is what the process holds.
type taken struct {
	modules, instances, goroutines int
	memory                         int64 // bytes; 0 where the operating system does not say
}

// measure waits until the connections have ended, and collects garbage: machine code is freed by finalizers.
func measure(t *testing.T, e *Engine) taken {
	t.Helper()
	for end := time.Now().Add(patience); e.Stats().Open > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d connections are still open", e.Stats().Open)
		}
	}
	for range 3 {
		runtime.GC()
		time.Sleep(20 * time.Millisecond) // for finalizers
	}
	debug.FreeOSMemory()
	stats := e.Stats()
	return taken{stats.Modules, stats.Instances, runtime.NumGoroutine(), residentMemory(t)}
}

func residentMemory(t *testing.T) int64 {
	t.Helper()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(statm), &size, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * int64(os.Getpagesize())
}
