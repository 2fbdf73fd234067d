package engine

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicehttp/sluice/engine/internal/transport"
	"github.com/sluicehttp/sluice/guest/http1"
)

// router finds routes. It is immutable.
type router struct {
	// routes are in the order in which they are tried: the first that fits answers.
	routes []route
}

// route is a [Route] made ready for matching.
type route struct {
	host    string // lower case; empty: any
	path    string // without a slash at its end, so "" for "/"
	methods []string
	allow   string
	target  *transport.Route
}

// add takes a route in. Its place in the order is found by sort.
func (r *router) add(config Route, target *transport.Route) {
	r.routes = append(r.routes, route{
		host:    strings.ToLower(config.Host),
		path:    strings.TrimSuffix(config.Path, "/"),
		methods: config.Methods,
		allow:   strings.Join(config.Methods, ", "),
		target:  target,
	})
}

// sort brings routes with a host before those without, and longer paths before shorter ones.
func (r *router) sort() {
	slices.SortStableFunc(r.routes, func(a, b route) int {
		if a.host == "" != (b.host == "") {
			return cmp.Compare(len(b.host), len(a.host))
		}
		return cmp.Compare(len(b.path), len(a.path))
	})
}

// Route implements [transport.Router].
func (r *router) Route(authority, target, method []byte) transport.Match {
	host, path := hostname(authority), targetPath(target)
	for i := range r.routes {
		candidate := &r.routes[i]
		if !candidate.fits(host, path) {
			continue
		}
		if !candidate.allows(method) {
			return transport.Match{Status: 405, Allow: candidate.allow}
		}
		return transport.Match{Route: candidate.target}
	}
	return transport.Match{Status: 404}
}

// fits reports whether host and path are the route's.
func (r *route) fits(host, path []byte) bool {
	if r.host != "" && !http1.EqualFold(host, r.host) {
		return false
	}
	if len(path) < len(r.path) || string(path[:len(r.path)]) != r.path {
		return false
	}
	return len(path) == len(r.path) || path[len(r.path)] == '/' || r.path == ""
}

// allows reports whether the route answers a method.
func (r *route) allows(method []byte) bool {
	for _, allowed := range r.methods {
		if string(method) == allowed {
			return true
		}
	}
	return len(r.methods) == 0
}

// hostname is an authority without its port.
func hostname(authority []byte) []byte {
	colon := bytes.LastIndexByte(authority, ':')
	if colon < 0 || bytes.IndexByte(authority[colon:], ']') >= 0 {
		return authority
	}
	return authority[:colon]
}

// targetPath is the path of a request target (RFC 9112 section 3.2): of an absolute target the part behind the authority,
// and nothing for "*".
func targetPath(target []byte) []byte {
	if len(target) > 0 && target[0] != '/' {
		scheme := bytes.Index(target, []byte("://"))
		if scheme < 0 {
			return nil
		}
		target = target[scheme+len("://"):]
		end := bytes.IndexAny(target, "/?")
		if end < 0 {
			return nil
		}
		target = target[end:]
	}
	if query := bytes.IndexByte(target, '?'); query >= 0 {
		target = target[:query]
	}
	return target
}

// check looks for what a route cannot have.
func (config *Route) check() error {
	if config.Path == "" {
		config.Path = "/"
	}
	if config.Path[0] != '/' {
		return fmt.Errorf("path %q does not begin with a slash", config.Path)
	}
	if strings.ContainsAny(config.Path, "?#* ") {
		return fmt.Errorf("path %q holds one of ?, #, * or a space; a path is a plain prefix", config.Path)
	}
	if strings.ContainsAny(config.Host, "/ :") && !strings.HasPrefix(config.Host, "[") {
		return fmt.Errorf("host %q holds more than a host name; write it without scheme, port and path", config.Host)
	}
	for _, method := range config.Methods {
		if !http1.IsToken([]byte(method)) {
			return fmt.Errorf("method %q is not a token; methods look like GET", method)
		}
	}
	if config.Name == "" {
		config.Name = config.Host + config.Path
	}
	return nil
}
