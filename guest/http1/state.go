package http1

// All transitions of a message's two sides are in this file, as tables; nothing else changes a state. STATES.md draws them.
//
// A cycle is one exchange: a request and its answer. A connection reads one of the two and writes the other, each runs
// through its states once per cycle, and the next cycle may begin only when both are finished. Which of the two is read
// depends on the role, and so do the few transitions in which a request differs from an answer: only an answer can be
// preceded by informational ones, only a server says 100 (Continue).

// readAction is what moves the incoming message on.
type readAction uint8

const (
	// readInformational: the head of an informational answer is complete.
	readInformational readAction = iota
	// readHead: the head is complete.
	readHead
	// readData: a piece of body has come.
	readData
	// readEnd: the message is complete; after an upgrade: the peer sends nothing more.
	readEnd
	// readUpgrade: the connection leaves HTTP, and the peer may send whatever it likes.
	readUpgrade
	// readNextCycle: another exchange begins.
	readNextCycle

	readActions
)

// writeAction is what moves the outgoing message on.
type writeAction uint8

const (
	// writeContinue: 100 (Continue) is sent.
	writeContinue writeAction = iota
	// writeInformational: another informational answer is sent.
	writeInformational
	// writeHead: the head is sent.
	writeHead
	// writeData: a piece of body is sent.
	writeData
	// writeEnd: the end of the message is sent; after an upgrade: nothing more will be.
	writeEnd
	// writeUpgrade: the connection leaves HTTP.
	writeUpgrade
	// writeNextCycle: another exchange begins.
	writeNextCycle

	writeActions
)

// What the tables are sized by.
const (
	roles       = RoleClient + 1
	readStates  = ReadStateFinished + 1
	writeStates = WriteStateFinished + 1
)

// illegal marks a transition that does not exist.
const illegal = 0xff

// Short names for the tables.
const (
	rEmpty    = ReadStateEmpty
	rReady    = ReadStateMessageReady
	rBody     = ReadStateBodyReady
	rFinished = ReadStateFinished

	wEmpty    = WriteStateEmpty
	wContinue = WriteStateContinueIssued
	wHead     = WriteStateMetadataIssued
	wFinished = WriteStateFinished
)

// readTransitions[role][state][action] is the state after the action.
var readTransitions = [roles][readStates][readActions]ReadState{
	RoleServer: {
		//           informational head    data     end        upgrade  next cycle
		rEmpty:    {illegal, rReady, illegal, illegal, illegal, illegal},
		rReady:    {illegal, illegal, rBody, rFinished, illegal, illegal},
		rBody:     {illegal, illegal, rBody, rFinished, illegal, illegal},
		rFinished: {illegal, illegal, illegal, illegal, rBody, rEmpty},
	},
	RoleClient: {
		//           informational head    data     end        upgrade  next cycle
		rEmpty:    {rEmpty, rReady, illegal, illegal, rBody, illegal},
		rReady:    {illegal, illegal, rBody, rFinished, illegal, illegal},
		rBody:     {illegal, illegal, rBody, rFinished, illegal, illegal},
		rFinished: {illegal, illegal, illegal, illegal, illegal, rEmpty},
	},
}

// writeTransitions[role][state][action] is the state after the action.
var writeTransitions = [roles][writeStates][writeActions]WriteState{
	RoleServer: {
		//           continue  informational head  data     end        upgrade  next cycle
		wEmpty:    {wContinue, wEmpty, wHead, illegal, illegal, wHead, illegal},
		wContinue: {illegal, wContinue, wHead, illegal, illegal, wHead, illegal},
		wHead:     {illegal, illegal, illegal, wHead, wFinished, illegal, illegal},
		wFinished: {illegal, illegal, illegal, illegal, illegal, illegal, wEmpty},
	},
	RoleClient: {
		//           continue  informational head  data     end        upgrade  next cycle
		wEmpty:    {illegal, illegal, wHead, illegal, illegal, illegal, illegal},
		wContinue: {illegal, illegal, illegal, illegal, illegal, illegal, illegal},
		wHead:     {illegal, illegal, illegal, wHead, wFinished, illegal, illegal},
		wFinished: {illegal, illegal, illegal, illegal, illegal, wHead, wEmpty},
	},
}

// canRead reports whether the table allows an action on the incoming message.
func (c *Conn) canRead(action readAction) bool {
	return readTransitions[c.role][c.readState][action] != illegal
}

// onRead moves the incoming message on. An action that the table does not allow changes nothing.
func (c *Conn) onRead(action readAction) {
	if next := readTransitions[c.role][c.readState][action]; next != illegal {
		c.readState = next
	}
}

// canWrite reports whether the table allows an action on the outgoing message.
func (c *Conn) canWrite(action writeAction) bool {
	return writeTransitions[c.role][c.writeState][action] != illegal
}

// onWrite moves the outgoing message on. An action that the table does not allow changes nothing.
func (c *Conn) onWrite(action writeAction) {
	if next := writeTransitions[c.role][c.writeState][action]; next != illegal {
		c.writeState = next
	}
}

// wholeRequest is the state of a request that a server reads after its head and its end at once.
func wholeRequest() ReadState {
	head := readTransitions[RoleServer][rEmpty][readHead]
	return readTransitions[RoleServer][head%readStates][readEnd]
}

// afterHead is the state that the head of an answer leads to, or head and end at once; illegal where a head is.
func afterHead(state WriteState, whole bool) WriteState {
	head := writeTransitions[RoleServer][state%writeStates][writeHead]
	end := writeTransitions[RoleServer][head%writeStates][writeEnd]
	if whole {
		return end
	}
	return head
}

// progress is where a connection stands, in a word: its role, from these bits on what its reader waits for, and the states
// of both messages.
func (c *Conn) progress() uint32 {
	return uint32(c.role) | uint32(c.phase)<<phaseBits | uint32(c.readState)<<readBits | uint32(c.writeState)<<writeBits
}

const phaseBits, readBits, writeBits = 8, 16, 24

// ready reports whether a server waits for the first byte of a request, whatever was written.
func (c *Conn) ready() bool {
	const ready = uint32(RoleServer) | uint32(phaseStart)<<phaseBits | uint32(rEmpty)<<readBits
	return c.progress()&(1<<writeBits-1) == ready
}

// nextCycle moves both messages on to the next cycle, and the reader to a phase, if the tables allow it. They do when both
// are finished, on either side.
func (c *Conn) nextCycle(phase phase) bool {
	const finished = uint32(rFinished)<<readBits | uint32(wFinished)<<writeBits
	if c.progress()&^(uint32(RoleServer|RoleClient)|0xff<<phaseBits) != finished {
		return false
	}
	c.phase, c.readState, c.writeState = phase, rEmpty, wEmpty
	return true
}
