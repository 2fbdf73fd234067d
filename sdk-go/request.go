package sluice

import (
	"io"
	"unsafe"
)

// Request is a request as a handler of messages has it, until the handler returns.
type Request struct {
	// Method is case-sensitive.
	Method string
	// Target is the request target as it was sent (RFC 9112 section 3.2): as a rule path and query.
	Target string
	// Path is the path of the target as it was sent, with what is percent-encoded in it; "*" and empty for a target that is "*"
	// and for CONNECT.
	Path string
	// Version is the one that the client has sent.
	Version Version
	// Body is the body, its transfer coding removed, while it comes in. Reading it waits for more, and asks a client for it
	// that waits to be asked (Expect: 100-continue). An error is [ErrClosed] when the client is gone, or has broken the
	// protocol or a limit, before the end.
	Body io.Reader

	query   string
	fields  Fields
	body    body
	trailer Fields
}

func (r *Request) begin(line Line) {
	r.Method, r.Target, r.Version = methodName(line.Method), string(line.Target), line.Version
	r.Path, r.query = splitTarget(r.Target)
	if r.Method == "CONNECT" {
		r.Path, r.query = "", ""
	}
	r.Body = &r.body
	r.body.begin()
	r.trailer.table = nil
}

// methodName is a method as a string, without an allocation for those that are usual.
func methodName(method []byte) string {
	switch string(method) {
	case "GET":
		return "GET"
	case "HEAD":
		return "HEAD"
	case "POST":
		return "POST"
	case "PUT":
		return "PUT"
	}
	return string(method)
}

// splitTarget finds path and query of a target in origin form or absolute form (RFC 9112 section 3.2).
func splitTarget(target string) (path, query string) {
	if target != "" && target[0] != '/' {
		target = withoutAuthority(target)
	}
	for i := range len(target) {
		if target[i] == '?' {
			return target[:i], target[i+1:]
		}
	}
	return target, ""
}

// withoutAuthority drops scheme and authority of an absolute form.
func withoutAuthority(target string) string {
	for i := 0; i+3 <= len(target); i++ {
		if target[i:i+3] != "://" {
			continue
		}
		for i += 3; i < len(target); i++ {
			switch target[i] {
			case '/':
				return target[i:]
			case '?':
				return "/" + target[i:]
			}
		}
		return "/"
	}
	return target
}

// Session is the exchange, for what this level has no word for.
func (r *Request) Session() Session { return present.session }

// Stream says that the exchange may take as long as it likes, because bodies do: see [Session.Stream].
func (r *Request) Stream() error { return present.session.Stream() }

// Query is the query of the target.
func (r *Request) Query() Query { return Query(r.query) }

// QueryVar is the first value of a name in the query, decoded; empty when there is none.
func (r *Request) QueryVar(name string) string { return Query(r.query).Get(name) }

// Header is the value of the first field of a name, whatever the case of its letters; empty when there is none.
func (r *Request) Header(name string) string {
	value, _ := r.HeaderOK(name)
	return value
}

// HeaderOK is Header, and reports whether there is such a field.
func (r *Request) HeaderOK(name string) (value string, ok bool) {
	present.keepHead()
	if i := r.fields.find(name, 0); i >= 0 {
		return text(r.fields.bytes(r.fields.table[i].Value)), true
	}
	return "", false
}

// HeaderValues goes through the values of all fields of a name.
func (r *Request) HeaderValues(name string) func(yield func(value string) bool) {
	return func(yield func(string) bool) {
		present.keepHead()
		for i := r.fields.find(name, 0); i >= 0; i = r.fields.find(name, i+1) {
			if !yield(text(r.fields.bytes(r.fields.table[i].Value))) {
				return
			}
		}
	}
}

// Headers goes through the fields of the header section in the order in which they were sent, names as they were sent.
func (r *Request) Headers() func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		present.keepHead()
		all(&r.fields, yield)
	}
}

// Trailers goes through the fields of the trailer section. They are there when the body has been read to its end.
func (r *Request) Trailers() func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) { all(&r.trailer, yield) }
}

// Trailer is the value of the first trailer of a name; empty when there is none, or the body was not read to its end.
func (r *Request) Trailer(name string) string { return text(r.trailer.Get(name)) }

// all goes through fields that are kept.
func all(f *Fields, yield func(name, value string) bool) {
	for name, value := range f.All() {
		if !yield(text(name), text(value)) {
			return
		}
	}
}

// Host is the authority that the request is meant for, with its port if it names one: that of the target when it has one,
// else the field Host (RFC 9112 section 3.3).
func (r *Request) Host() string {
	if r.Method == "CONNECT" {
		return r.Target
	}
	for i := 0; r.Target != "" && r.Target[0] != '/' && i+3 <= len(r.Target); i++ {
		if r.Target[i:i+3] == "://" {
			authority := r.Target[i+3:]
			for end := range len(authority) {
				if c := authority[end]; c == '/' || c == '?' {
					return authority[:end]
				}
			}
			return authority
		}
	}
	return r.Header("host")
}

// ContentLength is the length of the body in bytes, -1 when it is not known before the end, and 0 when there is none.
func (r *Request) ContentLength() int64 {
	value, ok := r.HeaderOK("content-length")
	if !ok {
		if _, chunked := r.HeaderOK("transfer-encoding"); chunked {
			return -1
		}
		return 0
	}
	length := int64(0)
	for i := range len(value) {
		length = 10*length + int64(value[i]-'0') // the host has seen to it that it is a number within 63 bits
	}
	return length
}

// ContentType is the media type of the body in lower case, without its parameters; empty when the request does not say.
func (r *Request) ContentType() string {
	value := r.Header("Content-Type")
	for i := range len(value) {
		if value[i] == ';' {
			value = value[:i]
			break
		}
	}
	return lower(trim(value))
}

// text is a string that shares memory with bytes which nobody changes.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// trim cuts spaces and tabs off both ends.
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// lower has ASCII letters in lower case.
func lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			changed := []byte(s)
			for ; i < len(changed); i++ {
				if 'A' <= changed[i] && changed[i] <= 'Z' {
					changed[i] += 'a' - 'A'
				}
			}
			return string(changed)
		}
	}
	return s
}
