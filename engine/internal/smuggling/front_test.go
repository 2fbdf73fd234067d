package smuggling

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// front is the server that faces the attacker and forwards to a back. In the tags that it gives to requests, the client's
// port stands in front of the dash.
type front interface {
	// addr is where it listens.
	addr() string
	// ended is called when the client has closed the connection from this port.
	ended(port string)
	// stop ends it, and gives what it has forwarded.
	stop() *ledger
}

// portOf is the port of an address.
func portOf(addr net.Addr) string {
	_, port, _ := net.SplitHostPort(addr.String())
	return port
}

// goFront is Go's httputil.ReverseProxy in front.
type goFront struct {
	*ledger
	proxy    *httputil.ReverseProxy
	pool     *http.Transport
	server   *http.Server
	listener net.Listener
}

func newGoFront(t *testing.T, back string) front {
	f := &goFront{ledger: &ledger{}, listener: listen(t), pool: &http.Transport{MaxIdleConnsPerHost: 16}}
	f.proxy = &httputil.ReverseProxy{
		Transport: f.pool,
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: back})
			r.Out.Host = r.In.Host
			r.Out.Header.Set("Tag", seenIn(r.In).tag)
			seenIn(r.In).line = r.Out.Method + " " + r.Out.URL.RequestURI()
		},
		ModifyResponse: func(response *http.Response) error {
			seen := seenIn(response.Request)
			seen.status, seen.answered = response.StatusCode, response.Header.Get("Tag")
			return nil
		},
	}
	f.server = &http.Server{
		Handler: f, DisableGeneralOptionsHandler: true, ErrorLog: f.proxy.ErrorLog, ConnContext: newConnContext,
	}
	go func() { _ = f.server.Serve(f.listener) }()
	return f
}

func (f *goFront) addr() string { return f.listener.Addr().String() }
func (f *goFront) ended(string) {}

func (f *goFront) stop() *ledger {
	f.server.Shutdown(context.Background())
	f.pool.CloseIdleConnections()
	return f.ledger
}

// Keys of values in the contexts of requests.
type (
	countKey struct{}
	seenKey  struct{}
)

// newConnContext gives every connection a count of its requests.
func newConnContext(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, countKey{}, new(atomic.Int64))
}

func seenIn(r *http.Request) *forwarded { return r.Context().Value(seenKey{}).(*forwarded) }

// ServeHTTP implements [http.Handler].
func (f *goFront) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, port, _ := net.SplitHostPort(r.RemoteAddr)
	number := r.Context().Value(countKey{}).(*atomic.Int64).Add(1)
	seen := &forwarded{tag: fmt.Sprintf("%s-%d", port, number)}
	defer func() {
		if seen.line != "" { // it was handed on
			f.forward(seen)
		}
	}()
	seen.complete = r.Body == http.NoBody
	r.Body = &watchedBody{r.Body, seen}
	f.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), seenKey{}, seen)))
}

// watchedBody writes down what is read of a body.
type watchedBody struct {
	io.ReadCloser
	seen *forwarded
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.seen.body += string(p[:n])
	b.seen.length += n
	b.seen.complete = b.seen.complete || err == io.EOF
	return n, err
}
