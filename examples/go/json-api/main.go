// Command json-api is a little library of books, as JSON. It stores nothing: every request meets a clean instance.
package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/sluicehttp/sluice/sdk-go"
	"github.com/sluicehttp/sluice/sdk-go/json"
)

func init() { sluice.Handle(serve) }

type book struct {
	ID    int    `json:"id"`
	Title string `json:"title"`
	Year  int    `json:"year"`
}

var books = []book{
	{1, "Middlemarch", 1871},
	{2, "Invisible Cities", 1972},
	{3, "Solaris", 1961},
}

func serve(w sluice.ResponseWriter, r *sluice.Request) error {
	id, one := strings.CutPrefix(r.Path, "/books/")
	switch {
	case r.Path == "/books" && r.Method == "POST":
		return add(w, r)
	case r.Path == "/books" && isRead(r):
		return list(w, r)
	case r.Path == "/books":
		return notAllowed(w, "GET, HEAD, POST")
	case one && isRead(r):
		return show(w, id)
	case one:
		return notAllowed(w, "GET, HEAD")
	}
	return refuse(w, 404, "not found")
}

func isRead(r *sluice.Request) bool { return r.Method == "GET" || r.Method == "HEAD" }

func list(w sluice.ResponseWriter, r *sluice.Request) error {
	found := books
	if r.Query().Has("after") {
		year, err := strconv.Atoi(r.QueryVar("after"))
		if err != nil {
			return refuse(w, 400, "after is not a year")
		}
		found = publishedAfter(year)
	}
	return json.Write(w, 200, map[string][]book{"books": found})
}

func publishedAfter(year int) []book {
	found := []book{} // an empty list, not null
	for _, b := range books {
		if b.Year > year {
			found = append(found, b)
		}
	}
	return found
}

func show(w sluice.ResponseWriter, id string) error {
	for _, b := range books {
		if strconv.Itoa(b.ID) == id {
			return json.Write(w, 200, b)
		}
	}
	return refuse(w, 404, "no such book")
}

func add(w sluice.ResponseWriter, r *sluice.Request) error {
	if r.ContentType() != "application/json" {
		return refuse(w, 415, "application/json is wanted")
	}
	var sent struct {
		Title string
		Year  *int
	}
	err := json.Read(r, &sent)
	switch {
	case errors.Is(err, json.ErrSyntax):
		return refuse(w, 400, err.Error())
	case errors.Is(err, json.ErrType), err == nil && (sent.Title == "" || sent.Year == nil):
		return refuse(w, 400, "a title and a year are wanted")
	case err != nil:
		return err
	}
	added := book{len(books) + 1, sent.Title, *sent.Year}
	w.Header().Set("Location", "/books/"+strconv.Itoa(added.ID))
	return json.Write(w, 201, added)
}

func notAllowed(w sluice.ResponseWriter, allow string) error {
	w.Header().Set("Allow", allow)
	return refuse(w, 405, "not allowed")
}

func refuse(w sluice.ResponseWriter, status int, why string) error {
	return json.Write(w, status, map[string]string{"error": why})
}

// main never runs: the module is a library.
func main() {}
