// Command nethttp is an ordinary program on net/http, with a mux and a middleware, as a handler.
package main

import (
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/sluicehttp/sluice/sdk-go/nethttp"
)

func init() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello/{name}", hello)
	mux.HandleFunc("GET /ticks", ticks)
	nethttp.Serve(logged(mux))
}

func hello(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "Hello, %s!\n", r.PathValue("name"))
}

// ticks sends three events, a fifth of a second apart (https://html.spec.whatwg.org/multipage/server-sent-events.html).
func ticks(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	stream := http.NewResponseController(w)
	for i := range 3 {
		fmt.Fprintf(w, "data: %d\n\n", i)
		if stream.Flush() != nil {
			return // the client has gone
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// logged is a middleware.
func logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		next.ServeHTTP(w, r)
		log.Printf("%s %s: %v", r.Method, r.URL.Path, time.Since(began).Round(time.Millisecond))
	})
}

// main never runs: the module is a library.
func main() {}
