package http1

import "testing"

// TestTransitions proves of the tables that every state of a role can be reached and that the cycle closes.
func TestTransitions(t *testing.T) {
	for role := range roles {
		next := func(s ReadState) []ReadState { return readTransitions[role][s][:] }
		if read := reachable(rEmpty, next); len(read) != int(readStates) {
			t.Errorf("%v: of %d read states %d can be reached", role, readStates, len(read))
		}
		for state := range readStates {
			if !reachable(state, next)[rEmpty] {
				t.Errorf("%v: no way leads from read state %v to the next cycle", role, state)
			}
		}
		write := func(s WriteState) []WriteState { return writeTransitions[role][s][:] }
		reached := reachable(wEmpty, write)
		if want := int(writeStates) - int(role); len(reached) != want || role == RoleClient && reached[wContinue] {
			t.Errorf("%v: of %d write states %d can be reached", role, want, len(reached))
		}
		for state := range reached {
			if !reachable(state, write)[wEmpty] {
				t.Errorf("%v: no way leads from write state %v to the next cycle", role, state)
			}
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

// TestShortCuts compares the transitions that do not look at a table with those that do.
func TestShortCuts(t *testing.T) {
	for role := range RoleNone + 1 {
		for phase := range phaseEnded + 1 {
			for read := range readStates {
				for write := range writeStates {
					compareShortCuts(t, Conn{role: role, phase: phase, readState: read, writeState: write})
				}
			}
		}
	}
}

func compareShortCuts(t *testing.T, c Conn) {
	t.Helper()
	fast, slow := c, c
	may := c.role != RoleNone && c.canRead(readNextCycle) && c.canWrite(writeNextCycle)
	if may {
		slow.phase = phaseEnded
		slow.onRead(readNextCycle)
		slow.onWrite(writeNextCycle)
	}
	if fast.nextCycle(phaseEnded) != may || fast != slow {
		t.Errorf("%+v: the next cycle is %+v, want %+v", c, fast, slow)
	}
	if want := c.role == RoleServer && c.phase == phaseStart && c.readState == rEmpty; c.ready() != want {
		t.Errorf("%+v is ready: %v", c, c.ready())
	}
	if c.role != RoleServer {
		return
	}
	if c.ready() {
		whole := c
		whole.onRead(readHead)
		whole.onRead(readEnd)
		if got := wholeRequest(); got != whole.readState {
			t.Errorf("a whole request leads to %v, want %v", got, whole.readState)
		}
	}
	head, whole := WriteState(illegal), WriteState(illegal)
	if c.canWrite(writeHead) {
		answer := c
		answer.onWrite(writeHead)
		head = answer.writeState
		answer.onWrite(writeEnd)
		whole = answer.writeState
	}
	if got := afterHead(c.writeState, false); got != head {
		t.Errorf("a head after %v leads to %v, want %v", c.writeState, got, head)
	}
	if got := afterHead(c.writeState, true); got != whole {
		t.Errorf("a whole answer after %v leads to %v, want %v", c.writeState, got, whole)
	}
}
