//go:build !wasip1

package json_test

import (
	"errors"
	"math"
	"testing"

	"github.com/sluicehttp/sluice/sdk-go"
	"github.com/sluicehttp/sluice/sdk-go/json"
	"github.com/sluicehttp/sluice/sdk-go/sluicetest"
)

func TestRead(t *testing.T) {
	for body, wanted := range map[string]error{
		`{"year":1961}`:   nil,
		`{"year":1961} 1`: json.ErrSyntax,
		`{"year":`:        json.ErrSyntax,
		``:                json.ErrSyntax,
		`{"year":"x"}`:    json.ErrType,
		`{"year":1.5}`:    json.ErrType,
		`[]`:              json.ErrType,
	} {
		sluicetest.Register(func() {
			sluice.Handle(func(w sluice.ResponseWriter, r *sluice.Request) error {
				var book struct{ Year int }
				err := json.Read(r, &book)
				if !errors.Is(err, wanted) || err == nil && book.Year != 1961 {
					t.Errorf("%s: got %+v, %v; want %v", body, book, err, wanted)
				}
				return err
			})
		})
		got := sluicetest.Do(sluicetest.Request{Body: []string{body}})
		if status := map[bool]int{true: 200, false: 400}[wanted == nil]; got.Status != status {
			t.Errorf("%s: answered %d, want %d", body, got.Status, status)
		}
	}
}

func TestWrite(t *testing.T) {
	write := func(v any) sluicetest.Response {
		sluicetest.Register(func() {
			sluice.Handle(func(w sluice.ResponseWriter, _ *sluice.Request) error { return json.Write(w, 201, v) })
		})
		return sluicetest.Do(sluicetest.Request{})
	}
	got := write(map[string]string{"a": "<&>"})
	if got.Status != 201 || got.Body != `{"a":"<&>"}` || got.Header("Content-Type") != "application/json" || !got.Whole {
		t.Errorf("got %+v", got)
	}
	if got := write(math.Inf(1)); got.Status != 500 {
		t.Errorf("what JSON has no words for was answered %d", got.Status)
	}
}
