package http1

import "testing"

// TestTransitions proves of both tables that every state can be reached and that the cycle closes.
func TestTransitions(t *testing.T) {
	read := reachable(ReadEmpty, func(s ReadState) []ReadState { return readTransitions[s][:] })
	if len(read) != int(readStates) {
		t.Errorf("of %d read states %d can be reached", readStates, len(read))
	}
	write := reachable(WriteEmpty, func(s WriteState) []WriteState { return writeTransitions[s][:] })
	if len(write) != int(writeStates) {
		t.Errorf("of %d write states %d can be reached", writeStates, len(write))
	}
	for state := range readStates {
		if !reachable(state, func(s ReadState) []ReadState { return readTransitions[s][:] })[ReadEmpty] {
			t.Errorf("no way leads from read state %d to the next cycle", state)
		}
	}
	for state := range writeStates {
		if !reachable(state, func(s WriteState) []WriteState { return writeTransitions[s][:] })[WriteEmpty] {
			t.Errorf("no way leads from write state %d to the next cycle", state)
		}
	}
}

// reachable are the states that lie on ways from a state, itself included.
func reachable[S ~uint8](from S, next func(S) []S) map[S]bool {
	seen := map[S]bool{}
	for todo := []S{from}; len(todo) > 0; {
		state := todo[0]
		todo = todo[1:]
		if state == illegal || seen[state] {
			continue
		}
		seen[state] = true
		todo = append(todo, next(state)...)
	}
	return seen
}
