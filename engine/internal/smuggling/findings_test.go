package smuggling

import (
	"strings"
	"testing"
)

// TestJudge has the judge look at runs in which one thing is wrong.
func TestJudge(t *testing.T) {
	tests := []struct {
		name string
		// strict and the marks of the payload are as in a chain with Sluice in front.
		strict bool
		spoil  func(r *run, front, back *ledger)
		want   string
	}{
		{"nothing", true, func(*run, *ledger, *ledger) {}, ""},
		{"a hidden request", false, func(_ *run, _, back *ledger) {
			back.receive(&received{line: "GET /hidden-000000", complete: true})
		}, "the back saw a request that the front did not make"},
		{"a hidden request of nobody", false, func(_ *run, _, back *ledger) { back.receive(&received{line: "GET /x"}) },
			"the back saw a request that the front did not make"},
		{"a request twice", false, func(_ *run, _, back *ledger) { back.receive(back.received[0]) }, "the back saw 7-1 2 times"},
		{"a request that got lost", false, func(_ *run, _, back *ledger) { back.received = back.received[1:] },
			"the back does not know and did not refuse"},
		{"another request line", false, func(_ *run, _, back *ledger) { back.received[0].line = "GET /" }, "the request lines differ"},
		{"another length", false, func(_ *run, _, back *ledger) { back.received[0].body = "ab" }, "the lengths of the bodies differ"},
		{"another body", false, func(_ *run, _, back *ledger) { back.received[0].body = "abd" }, "the bodies differ"},
		{"another body, which the front does not tell", false, func(_ *run, front, back *ledger) {
			front.forwarded[0].bodyUnknown = true
			back.received[0].body = "abd"
		}, ""},
		{"another length, which the front does not tell", false, func(_ *run, front, back *ledger) {
			front.forwarded[0].bodyUnknown, front.forwarded[0].lengthUnknown = true, true
			back.received[0].body = "ab"
		}, ""},
		{"a body that only the front has completed", false, func(_ *run, _, back *ledger) { back.received[0].complete = false },
			"only one side saw the end of the body"},
		{"a body that only the back has completed", false, func(_ *run, front, _ *ledger) { front.forwarded[0].complete = false },
			"only one side saw the end of the body"},
		{"a body that both have cut", false, func(_ *run, front, back *ledger) {
			front.forwarded[0].complete, back.received[0].complete = false, false
		}, ""},
		{"a request that the front left when the client did", false, func(r *run, front, _ *ledger) {
			r.gaveUp = true
			front.forwarded[0].complete = false
		}, ""},
		{"the same with another length", false, func(r *run, front, back *ledger) {
			r.gaveUp = true
			front.forwarded[0].complete = false
			back.received[0].body = "ab"
		}, "the lengths of the bodies differ"},
		{"a refusal by the back", false, func(r *run, front, back *ledger) {
			back.received = nil
			back.refuse("bad")
			front.forwarded = front.forwarded[:1]
			front.forwarded[0].status, front.forwarded[0].answered = 400, ""
			r.answers = []answer{{400, ""}}
		}, ""},
		{"a refusal by the back of what nobody made", false, func(_ *run, _, back *ledger) { back.refuse("bad") },
			"the front made 0 requests that were refused, the back refused 1 messages"},
		{"a refusal by the back of what the front broke off", false, func(_ *run, front, back *ledger) {
			front.forwarded[0].complete, back.received[0].complete = false, false
			back.refuse("bad")
		}, ""},
		{"answers in another order", false, func(r *run, _, _ *ledger) { r.answers[0], r.answers[1] = r.answers[1], r.answers[0] },
			"an answer came that was not due"},
		{"an answer too many", false, func(r *run, _, _ *ledger) { r.answers = append(r.answers, answer{200, "7-2"}) },
			"an answer came that was not due"},
		{"somebody else's answer", false, func(r *run, _, _ *ledger) { r.answers[1].tag = "8-1" }, "an answer came that was not due"},
		{"no answer to the probe", false, func(r *run, _, _ *ledger) { r.answers = r.answers[:1] }, "the probe was received and not answered"},
		{"the wrong answer in the front", false, func(_ *run, front, _ *ledger) { front.forwarded[1].answered = "7-1" },
			`the request was given the answer to "7-1"`},
		{"answers that nobody asked for", false, func(_ *run, front, _ *ledger) { front.trouble("7-1", "more answers") }, "more answers"},
		{"a connection that does not end", false, func(r *run, _, _ *ledger) { r.end = "timeout" }, "did not end in order"},
		{"a request of nobody", false, func(_ *run, front, _ *ledger) { front.forward(&forwarded{tag: "9-1"}) }, "belongs to nobody"},
		{"Sluice serves too much", true, func(r *run, _, _ *ledger) { r.payload.refused = true }, "Sluice has to refuse this, and it is agreed"},
		{"another serves too much", false, func(r *run, _, _ *ledger) { r.payload.refused = true }, ""},
		{"Sluice refuses too much", true, func(r *run, front, back *ledger) {
			refuseAll(r, front, back, 400)
			r.payload.served = true
		}, "Sluice has to serve this, and it is refused by the front"},
		{"Sluice refuses", true, func(r *run, front, back *ledger) { refuseAll(r, front, back, 501) }, ""},
		{"Sluice refuses with an odd status", true, func(r *run, front, back *ledger) { refuseAll(r, front, back, 500) }, "Sluice refuses with 500"},
		{"Sluice refuses in silence", true, func(r *run, front, back *ledger) {
			refuseAll(r, front, back, 400)
			r.answers = nil
		}, "without a word"},
		{"a server does not serve what all do", false, func(r *run, front, back *ledger) {
			refuseAll(r, front, back, 502)
			r.payload.plain = true
		}, "every server serves this"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, front, back := goodRun()
			test.spoil(r, front, back)
			j := judgeChain(test.strict, []*run{r}, front, back)
			var reports []string
			for _, f := range j.findings {
				reports = append(reports, j.report(f))
			}
			got := strings.Join(reports, "\n")
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("found %q, want %q", got, test.want)
			}
			if fine := j.counts[agreed] + j.counts[refusedByFront] + j.counts[refusedByBack]; test.want == "" && fine != 1 {
				t.Errorf("%d runs are fine", fine)
			}
		})
	}
}

// goodRun is a run in which a request with a body and the probe went through a chain.
func goodRun() (r *run, front, back *ledger) {
	front, back = &ledger{}, &ledger{}
	front.forward(&forwarded{tag: "7-1", line: "POST /", body: "abc", length: 3, complete: true, status: 200, answered: "7-1"})
	front.forward(&forwarded{tag: "7-2", line: "GET " + probeTarget(0), complete: true, status: 200, answered: "7-2"})
	back.receive(&received{tag: "7-1", line: "POST /", body: "abc", complete: true})
	back.receive(&received{tag: "7-2", line: "GET " + probeTarget(0), complete: true})
	return &run{payload: &payload{name: "x"}, port: "7", answers: []answer{{200, "7-1"}, {200, "7-2"}}}, front, back
}

// refuseAll has the front refuse the payload.
func refuseAll(r *run, front, back *ledger, status int) {
	front.forwarded, back.received = nil, nil
	r.answers = []answer{{status, ""}}
}
