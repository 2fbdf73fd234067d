package http1

// chunk is how far the line in front of a chunk was read: chunk-size [ chunk-ext ] CRLF (RFC 9112 section 7.1). The line
// is consumed byte by byte, so nothing of it has to be kept.
type chunk struct {
	part chunkPart
	// length is the number of bytes of the line that were read.
	length uint32
	// started says that a piece of the chunk's data was emitted.
	started bool
}

// chunkPart says what the next byte of a chunk's line may be.
type chunkPart uint8

const (
	// chunkFirstDigit: HEXDIG.
	chunkFirstDigit chunkPart = iota
	// chunkDigits: HEXDIG, BWS, ";" or CR.
	chunkDigits
	// chunkSpace: BWS or ";".
	chunkSpace
	// chunkNameStart and chunkName: chunk-ext-name = token.
	chunkNameStart
	chunkName
	// chunkValueStart, chunkValue: chunk-ext-val = token / quoted-string.
	chunkValueStart
	chunkValue
	// chunkQuoted, chunkEscape: inside a quoted-string.
	chunkQuoted
	chunkEscape
	// chunkAfterQuoted: BWS, ";" or CR.
	chunkAfterQuoted
	// chunkLF: LF.
	chunkLF
)

// readChunkLine reads the line in front of a chunk. Extensions are read as
// *( BWS ";" chunk-ext-name [ "=" chunk-ext-val ] ) and dropped; white space elsewhere is refused.
func (r *reader) readChunkLine() bool {
	for ; r.at < len(r.in); r.at++ {
		c := r.in[r.at]
		if r.chunk.part == chunkLF {
			if c != '\n' {
				return r.fail(ErrorCodeLineEnd, r.at)
			}
			r.at++
			return r.endChunkLine()
		}
		if c != '\r' {
			if r.chunk.length++; r.chunk.length > r.bounds.chunkLine {
				return r.fail(ErrorCodeChunkLineTooLong, r.at)
			}
		}
		if err := r.readChunkByte(c); err != ErrorCodeNone {
			return r.fail(err, r.at)
		}
	}
	return false
}

// readChunkByte reads one byte of a chunk's line, the LF at its end excepted.
func (r *reader) readChunkByte(c byte) ErrorCode {
	k := &r.chunk
	switch k.part {
	case chunkFirstDigit, chunkDigits:
		return r.readChunkDigit(c)
	case chunkSpace:
		return k.afterValue(c, false)
	case chunkNameStart:
		if !is(classToken, c) {
			return extensionError(c)
		}
		k.part = chunkName
	case chunkName:
		if c == '=' {
			k.part = chunkValueStart
		} else if !is(classToken, c) {
			return k.afterValue(c, true)
		}
	case chunkValueStart:
		switch {
		case c == '"':
			k.part = chunkQuoted
		case is(classToken, c):
			k.part = chunkValue
		default:
			return extensionError(c)
		}
	case chunkValue:
		if !is(classToken, c) {
			return k.afterValue(c, true)
		}
	case chunkQuoted:
		switch {
		case c == '"':
			k.part = chunkAfterQuoted
		case c == '\\':
			k.part = chunkEscape
		case !is(classQuoted, c):
			return extensionError(c)
		}
	case chunkEscape:
		if !is(classText, c) {
			return extensionError(c)
		}
		k.part = chunkQuoted
	case chunkAfterQuoted:
		return k.afterValue(c, true)
	}
	return ErrorCodeNone
}

// readChunkDigit reads a byte of chunk-size = 1*HEXDIG, or what may follow it.
func (r *reader) readChunkDigit(c byte) ErrorCode {
	digit := hexValue(c)
	if digit < 16 {
		if r.remaining >= 1<<59 {
			return ErrorCodeChunkSize
		}
		r.remaining = r.remaining<<4 | uint64(digit)
		r.chunk.part = chunkDigits
		return ErrorCodeNone
	}
	if r.chunk.part == chunkFirstDigit {
		return ErrorCodeChunkSize
	}
	switch c {
	case ' ', '\t', ';', '\r', '\n':
		return r.chunk.afterValue(c, true)
	}
	return ErrorCodeChunkSize
}

// afterValue reads a byte that follows the size or an extension: BWS, the start of an extension, and the end of the line
// where it may end.
func (k *chunk) afterValue(c byte, mayEnd bool) ErrorCode {
	switch {
	case c == ';':
		k.part = chunkNameStart
	case isSpace(c):
		k.part = chunkSpace
	case c == '\r' && mayEnd:
		k.part = chunkLF
	default:
		return extensionError(c)
	}
	return ErrorCodeNone
}

// extensionError names what is wrong with a byte in a chunk's extensions.
func extensionError(c byte) ErrorCode {
	if c == '\n' {
		return ErrorCodeLineEnd
	}
	return ErrorCodeChunkExtension
}

// endChunkLine goes on to the chunk's data, or to the trailers behind the last chunk.
func (r *reader) endChunkLine() bool {
	r.chunk = chunk{}
	if r.remaining > 0 {
		r.phase = phaseChunkData
		return true
	}
	r.phase = phaseTrailers
	r.section.reset(partLineStart)
	return true
}

// readChunkData emits what has come of a chunk's data.
func (r *reader) readChunkData() bool {
	var flags EventFlags
	if !r.chunk.started {
		flags = EventFlagsChunkStart
	}
	if uint64(len(r.in)-r.at) >= r.remaining {
		flags |= EventFlagsChunkEnd
	}
	if !r.readPiece(flags) {
		return false
	}
	r.chunk.started = true
	if r.remaining == 0 {
		r.chunk = chunk{}
		r.phase = phaseChunkEnd
	}
	return true
}

// readChunkEnd reads the CRLF behind a chunk's data.
func (r *reader) readChunkEnd() bool {
	for ; r.at < len(r.in); r.at++ {
		if r.in[r.at] != "\r\n"[r.chunk.length] {
			return r.fail(ErrorCodeChunkEnd, r.at)
		}
		if r.chunk.length++; r.chunk.length == 2 {
			r.at++
			r.chunk = chunk{}
			r.phase = phaseChunkLine
			return true
		}
	}
	return false
}

// trailersFollow reports whether there are trailer fields, so far as the bytes tell.
func (r *reader) trailersFollow() bool {
	rest := r.in[r.at:]
	return len(rest) > 0 && rest[0] != '\r' || len(rest) > 1 && rest[1] != '\n'
}

// readTrailers reads the trailer section (RFC 9112 section 7.1.2) and, with it, the end of the message.
func (r *reader) readTrailers() bool {
	s := &r.section
	start := r.at
	trailers := r.in[start:]
	if len(trailers) > int(r.bounds.trailers) {
		trailers = trailers[:r.bounds.trailers]
	}
	done, err, at := r.scanFields(trailers, min(int(r.bounds.trailerFields), len(r.tables.Fields)))
	switch {
	case err != ErrorCodeNone:
		return r.fail(err, start+at)
	case !done && start+len(trailers) < len(r.in):
		return r.fail(ErrorCodeTrailersTooLarge, start+len(trailers))
	case !done:
		s.resumed = s.fields > 0
		return false
	}
	if s.fields > 0 {
		if s.resumed {
			r.tableFields(trailers, 0)
		}
		r.emit(EventTrailerReady, start).FieldCount = uint16(s.fields)
	}
	r.at = start + s.scanned
	s.reset(partEmptyLines)
	r.endMessage()
	return true
}
