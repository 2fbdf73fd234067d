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

// isPort reports whether b is port = *DIGIT (RFC 3986 section 3.2.3), and one that TCP has: up to 65,535.
func isPort(b []byte, needed bool) bool {
	port := 0
	for _, c := range b {
		if !isDigit(c) || port > 65535 {
			return false
		}
		port = port*10 + int(c-'0')
	}
	return port <= 65535 && (len(b) > 0 || !needed)
}

// hostLength is the length of the uri-host that b begins with: an IP-literal in brackets, or a reg-name, of which an IPv4
// address is a special case. It is -1 when there is no valid one.
func hostLength(b []byte) int {
	if len(b) > 0 && b[0] == '[' {
		return literalLength(b)
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

// literalLength is the length of IP-literal = "[" ( IPv6address / IPvFuture ) "]" (RFC 3986 section 3.2.2), with which b
// begins, or -1.
func literalLength(b []byte) int {
	end := 1
	for end < len(b) && b[end] != ']' {
		end++
	}
	if end == len(b) || !isIPv6(b[1:end]) && !isIPFuture(b[1:end]) {
		return -1
	}
	return end + 1
}

// isIPv6 reports whether b is an IPv6address: eight groups of up to four HEXDIG with colons between, of which "::" can stand
// for one or more, and the last two of which can be an IPv4 address.
func isIPv6(b []byte) bool {
	groups, elided := 0, false
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		elided, b = true, b[2:]
	}
	for len(b) > 0 {
		digits := hexDigits(b)
		if digits < len(b) && b[digits] == '.' && isIPv4(b) {
			groups += 2
			break
		}
		if digits == 0 || digits > 4 {
			return false
		}
		groups++
		if b = b[digits:]; len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return false
		}
		if b = b[1:]; b[0] == ':' {
			if elided {
				return false
			}
			elided, b = true, b[1:]
		}
	}
	return groups == 8 && !elided || groups < 8 && elided
}

// hexDigits is how many HEXDIG b begins with.
func hexDigits(b []byte) int {
	n := 0
	for n < len(b) && hexValue(b[n]) < 16 {
		n++
	}
	return n
}

// isIPv4 reports whether b is an IPv4address: four numbers up to 255 without zeros in front, with dots between.
func isIPv4(b []byte) bool {
	for part := 1; ; part++ {
		digits, value := 0, 0
		for digits < len(b) && digits < 3 && isDigit(b[digits]) {
			value = value*10 + int(b[digits]-'0')
			digits++
		}
		if digits == 0 || value > 255 || digits > 1 && b[0] == '0' {
			return false
		}
		if b = b[digits:]; part == 4 || len(b) == 0 || b[0] != '.' {
			return part == 4 && len(b) == 0
		}
		b = b[1:]
	}
}

// isIPFuture reports whether b is IPvFuture = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" ).
func isIPFuture(b []byte) bool {
	if len(b) == 0 || b[0]|0x20 != 'v' {
		return false
	}
	digits := hexDigits(b[1:])
	rest := b[1+digits:]
	if digits == 0 || len(rest) < 2 || rest[0] != '.' {
		return false
	}
	for _, c := range rest[1:] {
		if !is(classIPLiteral, c) {
			return false
		}
	}
	return true
}
