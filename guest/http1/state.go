package http1

// All transitions of a message's two sides are in this file, as tables; nothing else changes a state. The tables do not
// know which role they serve: reading and writing look the same from both ends of a connection.
//
// A cycle is one request with its answer. Each side runs through its states once per cycle, and the next cycle may begin
// only when both are finished.

// ReadState says how far the incoming message has come.
type ReadState uint8

// The states of the incoming message.
const (
	// ReadEmpty: its head is not complete.
	ReadEmpty ReadState = iota
	// ReadMessageReady: its head is complete, and none of its body has come.
	ReadMessageReady
	// ReadBodyReady: some of its body has come.
	ReadBodyReady
	// ReadFinished: it is complete.
	ReadFinished

	readStates
)

// readAction is what moves the incoming message on.
type readAction uint8

const (
	readHead readAction = iota
	readData
	readEnd
	readNextCycle

	readActions
)

// illegal marks a transition that does not exist.
const illegal = 0xff

// readTransitions[state][action] is the state after the action.
var readTransitions = [readStates][readActions]ReadState{
	//                 head              data           end           next cycle
	ReadEmpty:        {ReadMessageReady, illegal, illegal, illegal},
	ReadMessageReady: {illegal, ReadBodyReady, ReadFinished, illegal},
	ReadBodyReady:    {illegal, ReadBodyReady, ReadFinished, illegal},
	ReadFinished:     {illegal, illegal, illegal, ReadEmpty},
}

// WriteState says how far the outgoing message has come.
type WriteState uint8

// The states of the outgoing message.
const (
	// WriteEmpty: nothing of it was sent.
	WriteEmpty WriteState = iota
	// WriteContinueIssued: 100 (Continue) was sent ahead of it.
	WriteContinueIssued
	// WriteMetadataIssued: its head was sent.
	WriteMetadataIssued
	// WriteFinished: all of it was sent.
	WriteFinished

	writeStates
)

// writeAction is what moves the outgoing message on.
type writeAction uint8

const (
	writeContinue writeAction = iota
	writeHead
	writeData
	writeEnd
	writeNextCycle

	writeActions
)

// writeTransitions[state][action] is the state after the action.
var writeTransitions = [writeStates][writeActions]WriteState{
	//                    continue             head                 data                 end            next cycle
	WriteEmpty:          {WriteContinueIssued, WriteMetadataIssued, illegal, illegal, illegal},
	WriteContinueIssued: {illegal, WriteMetadataIssued, illegal, illegal, illegal},
	WriteMetadataIssued: {illegal, illegal, WriteMetadataIssued, WriteFinished, illegal},
	WriteFinished:       {illegal, illegal, illegal, illegal, WriteEmpty},
}

// onRead moves the incoming message on. An action that the table does not allow changes nothing.
func (c *Conn) onRead(action readAction) {
	if next := readTransitions[c.readState][action]; next != illegal {
		c.readState = next
	}
}

// canWrite reports whether the table allows an action on the outgoing message.
func (c *Conn) canWrite(action writeAction) bool {
	return writeTransitions[c.writeState][action] != illegal
}

// onWrite moves the outgoing message on. An action that the table does not allow changes nothing.
func (c *Conn) onWrite(action writeAction) {
	if c.canWrite(action) {
		c.writeState = writeTransitions[c.writeState][action]
	}
}
