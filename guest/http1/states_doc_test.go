package http1

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

// updateStates has the test below write what it compares.
var updateStates = flag.Bool("update-states", false, "write STATES.md from the tables of state.go")

var readActionNames = [readActions]string{"informational", "head", "data", "end", "upgrade", "next cycle"}

var writeActionNames = [writeActions]string{"continue", "informational", "head", "data", "end", "upgrade", "next cycle"}

// TestStatesDocument holds STATES.md against the tables: its diagrams are drawn from them.
func TestStatesDocument(t *testing.T) {
	const file = "STATES.md"
	want := statesDocument()
	if *updateStates {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s does not show the tables of state.go: go test ./guest/http1 -run States -update-states", file)
	}
}

func statesDocument() string {
	var out strings.Builder
	out.WriteString(`# States of a message

Drawn from the tables in [state.go](state.go) by ` + "`go test ./guest/http1 -run States -update-states`" + `; a test compares.

A connection reads one message of an exchange and writes the other. Each of the two runs through its states once per cycle,
and the next cycle may begin only when both are finished. An action that has no arrow is answered with the errno ` + "`state`" + `
when a host or a handler asks for it, and cannot happen when a peer does: the reader refuses the bytes that would bring it.
A connection has no role until its first action: reading or answering makes a server, a request makes a client.

One call may cross several states: a request without body that lies whole in a buffer goes from ` + "`empty`" + ` to ` + "`finished`" + `.
After an upgrade the states say what can still be done: in ` + "`body_ready`" + ` the peer may send, in ` + "`metadata_issued`" + ` bytes can
be sent, and ` + "`finished`" + ` is the end of a side.
`)
	for role := range roles {
		incoming, outgoingMessage := "request", "answer"
		if role == RoleClient {
			incoming, outgoingMessage = "answer", "request"
		}
		fmt.Fprintf(&out, "\n## A %v reads the %s\n", role, incoming)
		diagram(&out, readStateCount, func(from, action int) (string, string, string) {
			next := readTransitions[role][from][action]
			return ReadState(from).String(), name(next != illegal, next.String()), readActionNames[action]
		}, int(readActions))
		fmt.Fprintf(&out, "\n## A %v writes the %s\n", role, outgoingMessage)
		diagram(&out, writeStateCount, func(from, action int) (string, string, string) {
			next := writeTransitions[role][from][action]
			return WriteState(from).String(), name(next != illegal, next.String()), writeActionNames[action]
		}, int(writeActions))
	}
	return out.String()
}

const (
	readStateCount  = int(readStates)
	writeStateCount = int(writeStates)
)

func name(ok bool, name string) string {
	if !ok {
		return ""
	}
	return name
}

// diagram draws a table as a state diagram. Actions that lead the same way share an arrow.
func diagram(out *strings.Builder, states int, arrow func(from, action int) (source, target, label string), actions int) {
	out.WriteString("\n```mermaid\nstateDiagram-v2\n    [*] --> empty\n")
	for from := range states {
		var targets []string
		labels := map[string][]string{}
		source := ""
		for action := range actions {
			state, target, label := arrow(from, action)
			source = state
			if target == "" {
				continue
			}
			if labels[target] == nil {
				targets = append(targets, target)
			}
			labels[target] = append(labels[target], label)
		}
		for _, target := range targets {
			fmt.Fprintf(out, "    %s --> %s: %s\n", source, target, strings.Join(labels[target], ", "))
		}
	}
	out.WriteString("```\n")
}
