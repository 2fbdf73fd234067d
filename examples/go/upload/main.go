// Command upload takes a body of any size, and counts and hashes it while it comes in.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/sluicehttp/sluice/sdk-go"
	"github.com/sluicehttp/sluice/sdk-go/json"
)

func init() { sluice.Handle(upload) }

func upload(w sluice.ResponseWriter, r *sluice.Request) error {
	if r.Method != "POST" && r.Method != "PUT" {
		w.Header().Set("Allow", "POST, PUT")
		return sluice.Text(w, 405, "POST or PUT a body\n")
	}
	if err := r.Stream(); err != nil { // a body of any size takes any time
		return err
	}
	hash := sha256.New()
	size, err := io.Copy(hash, r.Body)
	if err != nil {
		return err
	}
	return json.Write(w, 200, receipt{size, hex.EncodeToString(hash.Sum(nil))})
}

type receipt struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// main never runs: the module is a library.
func main() {}
