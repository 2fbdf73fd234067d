package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// What the servers in Go answer, in Go.

const hello = "Hello, world!\n"

const (
	plain  = "text/plain; charset=utf-8"
	octets = "application/octet-stream"
	asJSON = "application/json"
)

// letters are the bytes of long answers: the small letters in order, again and again.
var letters = func() []byte {
	b := make([]byte, 1<<20)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return b
}()

// order is what is posted.
type order struct {
	ID       int64  `json:"id"`
	Placed   string `json:"placed"`
	Currency string `json:"currency"`
	Customer struct {
		Number   int64  `json:"number"`
		Group    string `json:"group"`
		Language string `json:"language"`
		Address  struct {
			Street  string `json:"street"`
			City    string `json:"city"`
			Code    string `json:"code"`
			Country string `json:"country"`
		} `json:"address"`
	} `json:"customer"`
	Items []struct {
		SKU      string `json:"sku"`
		Name     string `json:"name"`
		Quantity int64  `json:"quantity"`
		Cents    int64  `json:"cents"`
		Taxed    bool   `json:"taxed"`
	} `json:"items"`
}

// total is what is answered to an order.
type total struct {
	ID       int64 `json:"id"`
	Items    int   `json:"items"`
	Quantity int64 `json:"quantity"`
	Cents    int64 `json:"cents"`
}

// sum answers an order.
func sum(body []byte) ([]byte, error) {
	var o order
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, err
	}
	t := total{ID: o.ID, Items: len(o.Items)}
	for _, item := range o.Items {
		t.Quantity += item.Quantity
		t.Cents += item.Quantity * item.Cents
	}
	return json.Marshal(t)
}

// record is one of those that are written and read to keep the processor busy.
type record struct {
	Number int64    `json:"number"`
	Name   string   `json:"name"`
	Price  float64  `json:"price"`
	Tags   []string `json:"tags"`
}

// document is what they are part of.
type document struct {
	SHA256  string   `json:"sha256"`
	Records []record `json:"records"`
}

// computed is the answer to /compute.
func computed() ([]byte, error) {
	digest := sha256.Sum256(letters)
	d := document{SHA256: hex.EncodeToString(digest[:])}
	for i := range int64(100) {
		d.Records = append(d.Records, record{Number: i, Name: "record", Price: float64(i) / 4, Tags: []string{"a", "b"}})
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var again document
	if err := json.Unmarshal(text, &again); err != nil {
		return nil, err
	}
	answer := struct {
		SHA256 string `json:"sha256"`
		Sum    int64  `json:"sum"`
	}{SHA256: again.SHA256}
	for _, r := range again.Records {
		answer.Sum += r.Number
	}
	return json.Marshal(answer)
}
