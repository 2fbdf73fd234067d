package main

import (
	"io"
	"net"
	"net/http"
	"strconv"
)

// serveHTTP is net/http as it comes.
func serveHTTP(listener net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, _ *http.Request) {
		// Set, because the others set it too, and finding it out takes time.
		w.Header().Set("Content-Type", plain)
		_, _ = io.WriteString(w, hello)
	})
	mux.HandleFunc("POST /json", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		text, err := sum(body)
		answerJSON(w, text, err)
	})
	mux.HandleFunc("GET /64k", func(w http.ResponseWriter, _ *http.Request) { download(w, 64<<10) })
	mux.HandleFunc("GET /100m", func(w http.ResponseWriter, _ *http.Request) { download(w, 100<<20) })
	mux.HandleFunc("POST /echo", echo)
	mux.HandleFunc("GET /compute", func(w http.ResponseWriter, _ *http.Request) {
		text, err := computed()
		answerJSON(w, text, err)
	})
	return http.Serve(listener, mux)
}

func answerJSON(w http.ResponseWriter, text []byte, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", asJSON)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text)
}

// download writes pieces whose length is a multiple of the alphabet's.
func download(w http.ResponseWriter, length int) {
	w.Header().Set("Content-Type", octets)
	w.Header().Set("Content-Length", strconv.Itoa(length))
	const most = 5041 * 26 // some 128 KiB
	for length > 0 {
		n, err := w.Write(letters[:min(length, most)])
		if err != nil {
			return
		}
		length -= n
	}
}

// echo gives back what comes, as it comes.
func echo(w http.ResponseWriter, r *http.Request) {
	if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", octets)
	if r.ContentLength >= 0 {
		w.Header().Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	_, _ = io.Copy(w, r.Body)
}
