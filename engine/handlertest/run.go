package handlertest

import (
	"testing"
)

// Run plays suites, each named as [Open] names it, against a handler, every case as a subtest. Without names it plays
// [Default].
func Run(t *testing.T, setup Setup, suites ...string) {
	t.Helper()
	if len(suites) == 0 {
		suites = []string{Default}
	}
	var opened []*Suite
	for _, name := range suites {
		suite, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		opened = append(opened, suite)
	}
	s, err := start(t.Context(), setup)
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	for _, suite := range opened {
		t.Run(suite.Name, func(t *testing.T) {
			for _, c := range suite.Cases {
				if s.setup.wants(c) {
					t.Run(c.Title, func(t *testing.T) { s.report(t, c) })
				}
			}
		})
	}
}

// report plays a case in a test of its own.
func (s *server) report(t *testing.T, c *Case) {
	result := s.play(c)
	if s.setup.Each != nil {
		s.setup.Each(result)
	}
	if !result.Passed() {
		t.Errorf("\n%s", result.Failure)
	}
}
