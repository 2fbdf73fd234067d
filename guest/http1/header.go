package http1

// The fields of a message that mean something to the core. Every other field passes through unread.

// message is what the core knows of the message that is being read. Spans count from the first byte of its head.
type message struct {
	// first is the method of a request, the reason phrase of an answer.
	first, target Span

	version Version
	// status is that of an answer, 0 in a request.
	status    Status
	flags     EventFlags
	seen      seen
	authority Span
	length    uint64
	// wrongLength and wrongCoding are what is wrong with the framing fields of an answer. They matter when it has a body
	// that they frame.
	wrongLength, wrongCoding ErrorCode
}

// reset forgets a message. The first two members were forgotten with the end of its head. Mainline Go clears and copies
// what is longer than a few words by a call into the host, so what runs for every message goes member by member.
func (m *message) reset() {
	m.version, m.status, m.flags, m.seen = 0, 0, 0, 0
	m.authority, m.length = Span{}, 0
	m.wrongLength, m.wrongCoding = ErrorCodeNone, ErrorCodeNone
}

// forgetFields forgets what the fields have said, so that it can be said again.
func (m *message) forgetFields() {
	m.flags, m.length, m.seen = 0, 0, 0
	m.wrongLength, m.wrongCoding = ErrorCodeNone, ErrorCodeNone
}

// seen says which fields and options a head has shown so far.
type seen uint16

const (
	seenHost seen = 1 << iota
	seenContentLength
	seenTransferEncoding
	seenChunked
	seenClose
	seenKeepAlive
	seenUpgradeOption
	seenUpgradeField
	// seenOtherCoding: a transfer coding that is not chunked.
	seenOtherCoding
)

// meaningful has a bit for every length of a name that means something here, in a request or an answer ("date" is as long
// as "host").
const meaningful = 1<<len("host") | 1<<len("expect") | 1<<len("upgrade") | 1<<len("connection") |
	1<<len("content-length") | 1<<len("transfer-encoding")

// means reports whether a name of this length can mean something here. It keeps most fields from being looked at.
func means(length int) bool { return length < 32 && meaningful>>length&1 != 0 }

// The names that mean something, and keep-alive, as words in lower case. Setting the bit that makes a letter lower case
// leaves "-" as it is and makes no other byte of a token one of these, nor of a value.
const (
	fold = 0x20 * lanes

	wordHost     = 'h' | 'o'<<8 | 's'<<16 | 't'<<24
	wordExpe     = 'e' | 'x'<<8 | 'p'<<16 | 'e'<<24
	wordPect     = 'p' | 'e'<<8 | 'c'<<16 | 't'<<24
	wordUpgr     = 'u' | 'p'<<8 | 'g'<<16 | 'r'<<24
	wordRade     = 'r' | 'a'<<8 | 'd'<<16 | 'e'<<24
	wordConnecti = 'c' | 'o'<<8 | 'n'<<16 | 'n'<<24 | 'e'<<32 | 'c'<<40 | 't'<<48 | 'i'<<56
	wordNection  = 'n' | 'n'<<8 | 'e'<<16 | 'c'<<24 | 't'<<32 | 'i'<<40 | 'o'<<48 | 'n'<<56
	wordContent  = 'c' | 'o'<<8 | 'n'<<16 | 't'<<24 | 'e'<<32 | 'n'<<40 | 't'<<48 | '-'<<56
	wordLength   = 't' | '-'<<8 | 'l'<<16 | 'e'<<24 | 'n'<<32 | 'g'<<40 | 't'<<48 | 'h'<<56
	wordKeepAli  = 'k' | 'e'<<8 | 'e'<<16 | 'p'<<24 | '-'<<32 | 'a'<<40 | 'l'<<48 | 'i'<<56
	wordEpAlive  = 'e' | 'p'<<8 | '-'<<16 | 'a'<<24 | 'l'<<32 | 'i'<<40 | 'v'<<48 | 'e'<<56
	wordTransfer = 't' | 'r'<<8 | 'a'<<16 | 'n'<<24 | 's'<<32 | 'f'<<40 | 'e'<<48 | 'r'<<56
	wordEncoding = 'e' | 'n'<<8 | 'c'<<16 | 'o'<<24 | 'd'<<32 | 'i'<<40 | 'n'<<48 | 'g'<<56
)

// note takes a field into account, whose value begins at an offset of the head. The length of its name is one that means
// something.
func (m *message) note(name, value []byte, offset int) ErrorCode {
	switch len(name) {
	case len("host"):
		if load32(name, 0)|fold&0xffffffff == wordHost && m.status == 0 {
			return m.noteHost(value, Span{Offset: uint32(offset), Size: uint32(len(value))})
		}
	case len("expect"):
		if load32(name, 0)|fold&0xffffffff == wordExpe && load32(name, 2)|fold&0xffffffff == wordPect && m.status == 0 {
			return m.noteExpect(value)
		}
	case len("upgrade"):
		if load32(name, 0)|fold&0xffffffff == wordUpgr && load32(name, 3)|fold&0xffffffff == wordRade && hasElement(value) {
			m.seen |= seenUpgradeField
		}
	case len("connection"):
		if load(name, 0)|fold == wordConnecti && load(name, 2)|fold == wordNection {
			return m.noteConnection(value)
		}
	case len("content-length"):
		if load(name, 0)|fold == wordContent && load(name, 6)|fold == wordLength {
			return m.noteContentLength(value)
		}
	case len("transfer-encoding"):
		if load(name, 0)|fold == wordTransfer && name[8] == '-' && load(name, 9)|fold == wordEncoding {
			return m.noteTransferEncoding(value)
		}
	}
	return ErrorCodeNone
}

// noteHost takes Host = uri-host [ ":" port ] (RFC 9110 section 7.2). The authority of an absolute target goes before it.
// HTTP/1.0, which can do without, may also leave it empty.
func (m *message) noteHost(value []byte, span Span) ErrorCode {
	if m.seen&seenHost != 0 {
		return ErrorCodeHostRepeated
	}
	m.seen |= seenHost
	if len(value) == 0 && m.version < VersionHTTP11 {
		return ErrorCodeNone
	}
	if !isAuthority(value, false) {
		return ErrorCodeHostInvalid
	}
	if m.authority.Size == 0 {
		m.authority = span
	}
	return ErrorCodeNone
}

// noteExpect takes Expect, of which one expectation exists (RFC 9110 section 10.1.1). HTTP/1.0 does not know it.
func (m *message) noteExpect(value []byte) ErrorCode {
	if !EqualFold(value, "100-continue") {
		return ErrorCodeExpectation
	}
	if m.version >= VersionHTTP11 {
		m.flags |= EventFlagsExpectContinue
	}
	return ErrorCodeNone
}

// noteConnection takes Connection = #connection-option (RFC 9110 section 7.6.1); empty elements are allowed in a list
// that is received (section 5.6.1.2).
func (m *message) noteConnection(value []byte) ErrorCode {
	options, err := connectionOptions(value)
	m.seen |= options
	return err
}

// connectionOptions reads the options of a Connection field that mean something here.
func connectionOptions(value []byte) (options seen, err ErrorCode) {
	if len(value) == len("keep-alive") && load(value, 0)|fold == wordKeepAli && load(value, 2)|fold == wordEpAlive {
		return seenKeepAlive, ErrorCodeNone // what nearly all say, if anything
	}
	for more := true; more; {
		var option []byte
		option, value, more = nextElement(value)
		switch {
		case len(option) == 0:
		case EqualFold(option, "close"):
			options |= seenClose
		case EqualFold(option, "keep-alive"):
			options |= seenKeepAlive
		case EqualFold(option, "upgrade"):
			options |= seenUpgradeOption
		case !IsToken(option):
			return options, ErrorCodeConnectionOption
		}
	}
	return options, ErrorCodeNone
}

// noteContentLength takes Content-Length = 1*DIGIT (RFC 9110 section 8.6). A list, even of equal values, is told apart
// from what is no number at all. In an answer equal values count as one (RFC 9112 section 6.3).
func (m *message) noteContentLength(value []byte) ErrorCode {
	if m.status != 0 {
		m.wrongLength = m.noteAnswerLength(value)
		return ErrorCodeNone
	}
	if m.seen&seenContentLength != 0 {
		return ErrorCodeContentLengthRepeated
	}
	if m.seen&seenTransferEncoding != 0 {
		return ErrorCodeFramingConflict
	}
	m.seen |= seenContentLength
	length, ok := parseLength(value)
	if !ok {
		return lengthError(value)
	}
	m.length = length
	m.flags |= EventFlagsBody
	return ErrorCodeNone
}

// noteAnswerLength takes the Content-Length of an answer, and says what is wrong with it and with those before.
func (m *message) noteAnswerLength(value []byte) ErrorCode {
	if m.wrongLength != ErrorCodeNone {
		return m.wrongLength
	}
	for more := true; more; {
		var element []byte
		element, value, more = nextElement(value)
		length, ok := parseLength(element)
		if !ok {
			return ErrorCodeContentLength
		}
		if m.seen&seenContentLength != 0 && length != m.length {
			return ErrorCodeContentLengthRepeated
		}
		m.seen |= seenContentLength
		m.length = length
	}
	return ErrorCodeNone
}

// lengthError names what is wrong with a Content-Length.
func lengthError(value []byte) ErrorCode {
	for list, more := value, true; more; {
		var element []byte
		element, list, more = nextElement(list)
		if _, ok := parseLength(element); !ok {
			return ErrorCodeContentLength
		}
	}
	return ErrorCodeContentLengthRepeated
}

// noteTransferEncoding takes Transfer-Encoding = #transfer-coding (RFC 9112 section 6.1). Several fields count as one
// list, in which chunked must be the last and only element. In an answer the conclusions wait for its end, for an answer
// without a body may say anything.
func (m *message) noteTransferEncoding(value []byte) ErrorCode {
	if m.status != 0 {
		m.seen |= seenTransferEncoding
		if m.wrongCoding == ErrorCodeNone {
			m.wrongCoding = m.noteCodings(value)
		}
		return ErrorCodeNone
	}
	switch {
	case m.version < VersionHTTP11:
		return ErrorCodeTransferEncodingVersion
	case m.seen&seenContentLength != 0:
		return ErrorCodeFramingConflict
	}
	m.seen |= seenTransferEncoding
	m.flags |= EventFlagsBody | EventFlagsChunked
	return m.noteCodings(value)
}

// noteCodings takes a list of transfer codings.
func (m *message) noteCodings(list []byte) ErrorCode {
	for more := true; more; {
		var coding []byte
		coding, list, more = nextElement(list)
		if err := m.noteCoding(coding); err != ErrorCodeNone {
			return err
		}
	}
	return ErrorCodeNone
}

// noteCoding takes one transfer-coding = token *( OWS ";" OWS transfer-parameter ) (RFC 9112 section 7).
func (m *message) noteCoding(coding []byte) ErrorCode {
	name := coding[:skipToken(coding, 0)]
	rest := trimSpace(coding[len(name):])
	switch {
	case len(name) == 0 || len(rest) > 0 && rest[0] != ';':
		return ErrorCodeTransferEncoding
	case m.seen&seenChunked != 0:
		return ErrorCodeTransferEncoding
	case !EqualFold(name, "chunked"):
		if m.status == 0 {
			return ErrorCodeTransferEncodingUnsupported
		}
		m.seen |= seenOtherCoding
		return ErrorCodeNone
	case len(rest) > 0:
		return ErrorCodeTransferEncoding
	}
	m.seen |= seenChunked
	return ErrorCodeNone
}

// finishRequest draws the conclusions from the whole head of a request.
func (m *message) finishRequest(connect bool) ErrorCode {
	if m.version >= VersionHTTP11 {
		if m.seen&seenHost == 0 {
			return ErrorCodeHostMissing
		}
		if m.seen&seenUpgradeOption != 0 && m.seen&seenUpgradeField != 0 {
			m.flags |= EventFlagsUpgrade
		}
	}
	if connect {
		m.flags |= EventFlagsUpgrade
	}
	m.keepAlive()
	return ErrorCodeNone
}

// finishAnswer draws the conclusions from the whole head of an answer: what the length of its body is (RFC 9112 section
// 6.3), in the order in which the rules rank. sent says that the request is complete.
func (m *message) finishAnswer(request *outgoing, sent bool) ErrorCode {
	length := m.length
	m.length = 0
	switch {
	case m.status == 101:
		if !request.upgrade || !sent || m.version < VersionHTTP11 || m.seen&seenUpgradeField == 0 {
			return ErrorCodeUpgradeUnasked
		}
		m.flags |= EventFlagsUpgrade
		return ErrorCodeNone
	case m.status < 200:
		m.flags |= EventFlagsInformational
		return ErrorCodeNone
	case request.connect && m.status < 300:
		m.flags |= EventFlagsUpgrade
		return ErrorCodeNone
	}
	m.keepAlive()
	switch {
	case request.head || m.status == 204 || m.status == 304:
	case m.seen&seenTransferEncoding != 0 && m.version < VersionHTTP11:
		m.untilClose()
	case m.wrongCoding != ErrorCodeNone:
		return m.wrongCoding
	case m.seen&seenOtherCoding != 0:
		return ErrorCodeTransferEncodingUnsupported
	case m.seen&seenTransferEncoding != 0:
		m.flags |= EventFlagsBody | EventFlagsChunked
		if m.seen&seenContentLength != 0 {
			// Somebody on the way may have framed it otherwise.
			m.flags &^= EventFlagsKeepAlive
		}
	case m.wrongLength != ErrorCodeNone:
		return m.wrongLength
	case m.seen&seenContentLength != 0:
		m.flags |= EventFlagsBody
		m.length = length
	default:
		m.untilClose()
	}
	return ErrorCodeNone
}

// untilClose has the end of the connection end the body.
func (m *message) untilClose() {
	m.flags = m.flags&^EventFlagsKeepAlive | EventFlagsBody | EventFlagsUntilClose
}

// keepAlive finds whether the sender of a head wants the connection to go on (RFC 9112 section 9.3).
func (m *message) keepAlive() {
	if m.version >= VersionHTTP11 && m.seen&seenClose == 0 || m.seen&(seenKeepAlive|seenClose) == seenKeepAlive {
		m.flags |= EventFlagsKeepAlive
	}
}

// isMethod compares the method of the head.
func (m *message) isMethod(head []byte, name string) bool {
	return int(m.first.Size) == len(name) && string(head[m.first.Offset:][:m.first.Size]) == name
}

// forbiddenTrailer reports whether a field may not stand in a trailer section, because it frames or routes the message or
// rules the connection (RFC 9110 section 6.5.1). Fields that only describe the content may.
func forbiddenTrailer(name []byte) bool {
	for i := range forbiddenTrailers {
		if EqualFold(name, forbiddenTrailers[i]) {
			return true
		}
	}
	return false
}

var forbiddenTrailers = [...]string{
	"transfer-encoding", "content-length", "host", "connection", "keep-alive", "proxy-connection", "upgrade", "te",
	"trailer", "expect", "max-forwards",
}
