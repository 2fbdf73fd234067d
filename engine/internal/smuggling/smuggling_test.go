package smuggling

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// chain is two servers in a row.
type chain struct {
	name  string
	front front
	back  back
	// strict says that the front is Sluice.
	strict bool
	// ports are those that clients have come from.
	ports sync.Map
	// unreachable has it said once that the front is gone.
	unreachable sync.Once
}

// newSluiceChain puts Sluice in front of a back, newChain a front before Sluice.
func newSluiceChain(t *testing.T, name string, newBack func(*testing.T) back) *chain {
	back := newBack(t)
	return &chain{name: name, front: newSluiceFront(t, back.addr()), back: back, strict: true}
}

func newChain(t *testing.T, name string, newFront func(*testing.T, string) front) *chain {
	back := newSluiceBack(t)
	return &chain{name: name, front: newFront(t, back.addr()), back: back}
}

// TestSluiceInFront sends every payload through Sluice to other servers and to itself.
func TestSluiceInFront(t *testing.T) {
	all, table := payloads(t), newTable()
	for _, behind := range []struct {
		name    string
		newBack func(*testing.T) back
	}{{"Go", newGoBack}, {"Node", newNodeBack}, {"nginx", newNginxBack}, {"Sluice", newSluiceBack}} {
		t.Run(behind.name, func(t *testing.T) {
			table.row(t, newSluiceChain(t, "Sluice, "+behind.name, behind.newBack), all)
		})
	}
	t.Log(table)
}

// TestSluiceBehind sends every payload through other servers to Sluice.
func TestSluiceBehind(t *testing.T) {
	all, table := payloads(t), newTable()
	for _, before := range []struct {
		name     string
		newFront func(*testing.T, string) front
	}{{"Go", newGoFront}, {"nginx", newNginxFront}, {"nginx streaming", newNginxStream}, {"HAProxy", newHAProxyFront}} {
		t.Run(before.name, func(t *testing.T) {
			table.row(t, newChain(t, before.name+", Sluice", before.newFront), all)
		})
	}
	t.Log(table)
}

// table tells what came of the payloads, chain by chain.
type table struct{ strings.Builder }

func newTable() *table {
	table := &table{}
	table.line("chain (front, back)", "payloads", "by front", "by back", "agreed", "findings", "seconds")
	return table
}

func (table *table) line(cells ...any) {
	fmt.Fprintf(table, "\n%-24v%10v%10v%10v%10v%10v%10v", cells...)
}

// row runs all payloads through a chain, fails for every finding, and adds a row.
func (table *table) row(t *testing.T, c *chain, all []*payload) {
	t.Helper()
	began := time.Now()
	j := c.run(t, all)
	table.line(c.name, len(j.runs), j.counts[refusedByFront], j.counts[refusedByBack], j.counts[agreed], len(j.findings),
		fmt.Sprintf("%.1f", time.Since(began).Seconds()))
	const most = 10
	for i, f := range j.findings {
		if i == most {
			t.Errorf("and %d more", len(j.findings)-most)
			break
		}
		t.Errorf("%s: %s", c.name, j.report(f))
	}
}

// workers is how many payloads are on their way at a time. Most of them wait for something else than the processor.
const workers = 16

// run sends all payloads through a chain, ends it, and judges.
func (c *chain) run(t *testing.T, all []*payload) *judge {
	t.Helper()
	runs := make([]*run, len(all))
	next := make(chan int)
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			for number := range next {
				runs[number] = c.play(t, number, all[number])
			}
		})
	}
	for number := range all {
		next <- number
	}
	close(next)
	working.Wait()
	front := c.front.stop()
	return judgeChain(c.strict, runs, front, c.back.stop())
}
