package smuggling

import (
	"fmt"
	"slices"
	"strings"
)

// verdict is how a run ended that nobody can find fault with.
type verdict int

const (
	agreed verdict = iota
	refusedByFront
	refusedByBack

	verdicts
)

func (v verdict) String() string {
	return [...]string{"agreed", "refused by the front", "refused by the back"}[v]
}

// finding is something that must not be.
type finding struct {
	// run is nil when nobody knows which it was.
	run  *run
	text string
}

// judge compares what both sides of a chain and its clients saw.
type judge struct {
	// strict says that the front is Sluice, which has to refuse and to serve as the payloads say.
	strict bool
	runs   []*run

	byPort   map[string]*run
	made     map[*run][]*forwarded
	received map[string][]*received

	findings []finding
	counts   [verdicts]int
	// refusedRequests is how many requests were handed on and refused by the back, or broken off so that it may have.
	refusedRequests int
}

// judgeChain judges all runs through a chain.
func judgeChain(strict bool, runs []*run, front, back *ledger) *judge {
	j := &judge{
		strict: strict, runs: runs, byPort: map[string]*run{},
		made: map[*run][]*forwarded{}, received: map[string][]*received{},
	}
	for _, r := range runs {
		j.byPort[r.port] = r
	}
	j.collect(front, back)
	for _, r := range runs {
		j.judgeRun(r)
	}
	j.judgeRefusals(back.refusals)
	return j
}

// judgeRefusals finds whether the back has refused more than the requests that the front made. What is left of a body that
// both sides took for another would be refused as well.
func (j *judge) judgeRefusals(refusals []string) {
	if len(refusals) > j.refusedRequests {
		j.find(nil, "the front made %d requests that were refused, the back refused %d messages: %q", j.refusedRequests,
			len(refusals), refusals)
	}
}

func (j *judge) find(r *run, format string, args ...any) {
	j.findings = append(j.findings, finding{r, fmt.Sprintf(format, args...)})
}

// collect brings together what belongs together, and finds what belongs to nothing.
func (j *judge) collect(front, back *ledger) {
	known := map[string]bool{}
	for _, f := range front.forwarded {
		known[f.tag] = true
		r := j.runOf(f.tag, f.line)
		if r == nil {
			j.find(nil, "the front made a request that belongs to nobody: %v", f)
			continue
		}
		j.made[r] = append(j.made[r], f)
	}
	for _, made := range j.made {
		slices.SortStableFunc(made, func(a, b *forwarded) int { return count(a.tag) - count(b.tag) })
	}
	for _, b := range back.received {
		j.received[b.tag] = append(j.received[b.tag], b)
		if !known[b.tag] {
			j.find(j.runOf(b.tag, b.line), "the back saw a request that the front did not make: %v", b)
		}
	}
	for _, trouble := range slices.Concat(front.troubles, back.troubles) {
		j.find(j.runOf(trouble.tag, ""), "%s", trouble.text)
	}
}

// runOf is the run that a tag belongs to, or else the one whose number is in the request line.
func (j *judge) runOf(tag, line string) *run {
	port, _, _ := strings.Cut(tag, "-")
	if r := j.byPort[port]; r != nil {
		return r
	}
	var number int
	for _, prefix := range []string{"GET /hidden-%d", "GET /probe-%d"} {
		if n, _ := fmt.Sscanf(line, prefix, &number); n == 1 && number < len(j.runs) {
			return j.runs[number]
		}
	}
	return nil
}

// count is the number in a tag.
func count(tag string) int {
	_, text, _ := strings.Cut(tag, "-")
	return number(text)
}

// judgeRun judges one run.
func (j *judge) judgeRun(r *run) {
	before := len(j.findings)
	refused := 0
	for _, f := range j.made[r] {
		if j.judgeRequest(r, f) {
			refused++
		}
		if !f.complete {
			j.refusedRequests++
		}
	}
	j.refusedRequests += refused
	j.judgeAnswers(r)
	if r.end != "" {
		j.find(r, "the connection did not end in order: %s", r.end)
	}
	v := j.verdict(r, refused > 0)
	if r.payload.plain && v != agreed {
		j.find(r, "every server serves this, and it is %v", v)
	}
	if j.strict {
		j.judgeSluice(r, v)
	}
	if len(j.findings) == before {
		j.counts[v]++
	}
}

// judgeSluice looks whether Sluice has refused what it has to, saying so, and served what it has to.
func (j *judge) judgeSluice(r *run, v verdict) {
	switch {
	case r.payload.refused && v != refusedByFront:
		j.find(r, "Sluice has to refuse this, and it is %v", v)
	case r.payload.served && v == refusedByFront:
		j.find(r, "Sluice has to serve this, and it is %v", v)
	case v == refusedByFront && len(r.answers) == 0:
		j.find(r, "Sluice refuses without a word")
	case v == refusedByFront && !refusing(r.answers[len(r.answers)-1].status):
		j.find(r, "Sluice refuses with %d", r.answers[len(r.answers)-1].status)
	}
}

// refusing reports whether a status tells a client that its request was refused.
func refusing(status int) bool { return status/100 == 4 || status == 501 || status == 505 }

// judgeRequest compares a request that the front made with what the back saw of it. It reports whether the back refused it.
func (j *judge) judgeRequest(r *run, f *forwarded) (refused bool) {
	seen := j.received[f.tag]
	switch {
	case len(seen) > 1:
		j.find(r, "the back saw %s %d times", f.tag, len(seen))
	case f.status >= 400 && (len(seen) == 0 || !seen[0].complete):
		return true
	case len(seen) == 1:
		j.compare(r, f, seen[0])
	case f.complete:
		j.find(r, "the front made a request that the back does not know and did not refuse: %v", f)
	}
	return false
}

// compare compares a request as both sides saw it.
func (j *judge) compare(r *run, f *forwarded, b *received) {
	switch {
	case f.line != b.line:
		j.find(r, "the request lines differ: %v, %v", f, b)
	case f.complete != b.complete && (f.complete || !j.mayLeave(r)):
		j.find(r, "only one side saw the end of the body: %v, %v", f, b)
	case !b.complete || f.lengthUnknown:
	case f.length != len(b.body):
		j.find(r, "the lengths of the bodies differ: %v, %v", f, b)
	case !f.bodyUnknown && f.body != b.body:
		j.find(r, "the bodies differ: %v, %v", f, b)
	}
}

// judgeAnswers looks whose answers the client heard: its own, in the order of its requests, and to the probe at last.
func (j *judge) judgeAnswers(r *run) {
	rest := j.made[r]
	last := ""
	for _, a := range r.answers {
		if a.tag == "" {
			continue
		}
		last = a.tag
		i := slices.IndexFunc(rest, func(f *forwarded) bool { return f.tag == a.tag })
		if i < 0 {
			j.find(r, "an answer came that was not due: %d to %q", a.status, a.tag)
			continue
		}
		if rest[i].answered != a.tag {
			j.find(r, "the request was given the answer to %q: %v", rest[i].answered, rest[i])
		}
		rest = rest[i+1:]
	}
	if f := j.probe(r); f != nil && len(j.received[f.tag]) > 0 && last != f.tag && !j.mayLeave(r) {
		j.find(r, "the probe was received and not answered: %v", f)
	}
}

// mayLeave reports whether the front may have left its requests where they were, because the client had ended its side.
// Sluice goes on answering then.
func (j *judge) mayLeave(r *run) bool { return r.gaveUp && !j.strict }

// probe is the probe as the front handed it on, or nil when it did not.
func (j *judge) probe(r *run) *forwarded {
	for _, f := range j.made[r] {
		if f.line == "GET "+probeTarget(r.number) {
			return f
		}
	}
	return nil
}

// verdict is how a run ended.
func (j *judge) verdict(r *run, refused bool) verdict {
	switch {
	case refused:
		return refusedByBack
	case j.probe(r) != nil:
		return agreed
	case len(r.answers) == 0, r.answers[len(r.answers)-1].tag == "":
		return refusedByFront
	}
	return agreed
}

// report tells a finding with all that is known of its run.
func (j *judge) report(f finding) string {
	if f.run == nil {
		return f.text
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n%v", f.text, f.run)
	for _, made := range j.made[f.run] {
		fmt.Fprintf(&text, "  front made %v\n", made)
		for _, seen := range j.received[made.tag] {
			fmt.Fprintf(&text, "  back saw   %v\n", seen)
		}
	}
	return text.String()
}
