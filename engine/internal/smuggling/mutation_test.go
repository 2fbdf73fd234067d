package smuggling

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// mutations are attacks with a few random changes. What a server has to do with them nobody knows, but two must agree.
func mutations(count int, seed uint64) (all []*payload) {
	random := rand.New(rand.NewPCG(seed, 0))
	bases := slices.DeleteFunc(attacks(), func(p *payload) bool { return len(p.bytes) > 4<<10 })
	for i := range count {
		base := bases[random.IntN(len(bases))]
		all = append(all, &payload{
			name:  fmt.Sprintf("mutation %d of %s", i, base.name),
			bytes: mutate(random, base.bytes), stepwise: random.IntN(4) == 0, otherVersion: true,
		})
	}
	return all
}

// insertions are what mutations put in.
var insertions = []string{
	"\r", "\n", "\r\n", "\r\n\r\n", " ", "\t", "\x00", "\x0b", "\x7f", "\xff", ":", ";", ",", "=", "\"", "+", "-", "_", "0", "1", "5", "x",
	"chunked", "HTTP/1.0", "HTTP/1.1", "0\r\n\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: 5\r\n", "Connection: close\r\n",
	"Expect: 100-continue\r\n",
}

// mutate makes one to three changes.
func mutate(random *rand.Rand, text string) string {
	b := []byte(text)
	for range 1 + random.IntN(3) {
		at := random.IntN(len(b))
		insertion := []byte(insertions[random.IntN(len(insertions))])
		switch random.IntN(4) {
		case 0: // put something in
			b = slices.Insert(b, at, insertion...)
		case 1: // take something out
			b = slices.Delete(b, at, min(at+1+random.IntN(3), len(b)))
		case 2: // replace a byte
			b[at] = insertion[0]
		case 3: // repeat something elsewhere
			from := random.IntN(len(b))
			b = slices.Insert(b, at, slices.Clone(b[from:min(from+1+random.IntN(30), len(b))])...)
		}
		if len(b) == 0 {
			return text
		}
	}
	return string(b)
}
