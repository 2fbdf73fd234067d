package http1

// targetForm tells the forms of a request target apart (RFC 9112 section 3.2) and finds the authority in those that have
// one. method and target are not empty, and target is made of VCHAR.
func targetForm(method, target []byte) (authority Span, ok bool) {
	switch {
	case string(method) == "CONNECT":
		return Span{Size: uint32(len(target))}, isAuthority(target, true)
	case target[0] == '/':
		return Span{}, true
	case target[0] == '*':
		return Span{}, len(target) == 1 && string(method) == "OPTIONS"
	}
	return absoluteForm(target)
}

// absoluteForm finds the authority in scheme "://" authority path-abempty [ "?" query ] (RFC 9110 section 4.2). A
// userinfo is refused, as RFC 9110 section 4.2.4 advises.
func absoluteForm(target []byte) (authority Span, ok bool) {
	i := 0
	for i < len(target) && is(classScheme, target[i]) {
		i++
	}
	if i == 0 || target[0]|0x20-'a' >= 26 || len(target)-i < 3 || string(target[i:i+3]) != "://" {
		return Span{}, false
	}
	start := i + 3
	end := start
	for end < len(target) && target[end] != '/' && target[end] != '?' {
		end++
	}
	return Span{Offset: uint32(start), Size: uint32(end - start)}, isAuthority(target[start:end], false)
}

// isAuthority reports whether b is uri-host [ ":" port ] with a host that is not empty (RFC 9110 section 4.2.1). The
// authority form of CONNECT needs the port (RFC 9112 section 3.2.3).
func isAuthority(b []byte, needPort bool) bool {
	host := skipNameLike(b, 0)
	if host < len(b) && b[host] != ':' {
		host = hostLength(b)
	}
	if host <= 0 {
		return false
	}
	if host == len(b) {
		return !needPort
	}
	return b[host] == ':' && isPort(b[host+1:], needPort)
}

// isPort reports whether b is port = *DIGIT (RFC 3986 section 3.2.3), of five digits at the most.
func isPort(b []byte, needed bool) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return len(b) <= len("65535") && (len(b) > 0 || !needed)
}

// hostLength is the length of the uri-host that b begins with: an IP-literal in brackets, or a reg-name, of which an IPv4
// address is a special case. It is -1 when there is no valid one.
func hostLength(b []byte) int {
	if len(b) > 0 && b[0] == '[' {
		i := 1
		for i < len(b) && is(classIPLiteral, b[i]) {
			i++
		}
		if i < 3 || i == len(b) || b[i] != ']' {
			return -1
		}
		return i + 1
	}
	i := 0
	for i < len(b) && b[i] != ':' {
		switch {
		case is(classHost, b[i]):
			i++
		case b[i] == '%' && len(b)-i > 2 && hexValue(b[i+1]) < 16 && hexValue(b[i+2]) < 16:
			i += 3
		default:
			return -1
		}
	}
	return i
}
