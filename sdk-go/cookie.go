package sluice

import "strconv"

// Cookie is the value of the first cookie of a name, as it was sent; ok says whether there is one (RFC 6265 section 4.2).
func (r *Request) Cookie(name string) (value string, ok bool) {
	for key, value := range r.Cookies() {
		if key == name {
			return value, true
		}
	}
	return "", false
}

// Cookies goes through the cookies of the request, in the order in which they were sent.
func (r *Request) Cookies() func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		for line := range r.HeaderValues("cookie") {
			for rest := line; rest != ""; {
				var pair string
				pair, rest = cut(rest, ';')
				name, value := cut(trim(pair), '=')
				if name != "" && !yield(name, value) {
					return
				}
			}
		}
	}
}

// Cookie is a cookie that an answer sets (RFC 6265 section 4.1).
type Cookie struct {
	// Name is a token, Value has no spaces, commas, semicolons, quotes or backslashes.
	Name, Value string
	// Path and Domain say what requests bring it; empty: those to the path of this one, and to this host.
	Path, Domain string
	// MaxAge is how long it is kept, in seconds; negative: it is removed; 0: until the browser is closed.
	MaxAge int
	// Secure cookies are sent by TLS only, HTTPOnly ones not shown to scripts.
	Secure, HTTPOnly bool
	// SameSite is "Strict", "Lax", "None", or empty for the browser's default.
	SameSite string
}

// SetCookie has the answer set a cookie. [ErrInvalid] for a name or a value that cannot be sent.
func SetCookie(w ResponseWriter, c Cookie) error {
	if c.Name == "" || !inCookie(c.Name, "= ,\"\\") || !inCookie(c.Value, " ,\"\\") || !inCookie(c.Path+c.Domain+c.SameSite, "") {
		return &CallError{"SetCookie", ErrInvalid}
	}
	line := c.Name + "=" + c.Value
	for _, attribute := range []Field{{"Path", c.Path}, {"Domain", c.Domain}, {"SameSite", c.SameSite}} {
		if attribute.Value != "" {
			line += "; " + attribute.Name + "=" + attribute.Value
		}
	}
	if c.MaxAge != 0 {
		line += "; Max-Age=" + strconv.Itoa(max(c.MaxAge, 0))
	}
	if c.Secure {
		line += "; Secure"
	}
	if c.HTTPOnly {
		line += "; HttpOnly"
	}
	w.Header().Add("Set-Cookie", line)
	return nil
}

// inCookie reports whether a text has no control characters, no semicolons, and none of some other characters.
func inCookie(s, without string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f || s[i] == ';' {
			return false
		}
		for j := range len(without) {
			if s[i] == without[j] {
				return false
			}
		}
	}
	return true
}
