// Package rivals is the table of the servers that are measured: Sluice in its ways to run, and those beside it.
//
// A server is a Server in the table below. One that is written in Go is a function in the program of bench/server, and a line
// here that starts it. Any other has a file of its name here, and a folder with its configuration and its sources.
package rivals

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sluicehttp/sluice/bench/workloads"
)

// Server is a server that can be measured.
type Server struct {
	// Name is for the command line and for tables, About for the reader.
	Name, About string
	// Variant says that it is measured only in workloads that name it.
	Variant bool
	// Long says that installing it takes long, so that it is no part of the short comparison.
	Long bool
	// Host is the name that requests have to use; empty: any.
	Host string
	// Lacks are the endpoints that it does not answer, each with the reason. It answers all the others.
	Lacks map[workloads.Endpoint]string
	// Version asks the program itself for its version. Where the server cannot be had here, it gives a Missing.
	Version func(ctx context.Context, site *Site) (string, error)
	// Start starts the server and waits until it listens. The server ends with the context, too.
	Start func(ctx context.Context, site *Site) (*Process, error)
}

// Answers reports whether the server answers an endpoint.
func (s *Server) Answers(e workloads.Endpoint) bool { return s.Lacks[e] == "" }

// Site is where a server finds what it needs.
type Site struct {
	// Root is the folder of the repository, Build that of what build.sh makes: handlers for Sluice in bench/, rivals in
	// rivals/.
	Root, Build string
	// Program is the program of bench/server, which holds the servers that are written in Go. Beside it is sluice, built of
	// host.
	Program string
	// Cache is a folder that servers of a run share, for what they compile.
	Cache string
	// Scratch is an empty folder for the server alone, which is removed when it has ended.
	Scratch string
	// Profiles is where servers in Go write their CPU profiles; empty: nowhere.
	Profiles string
}

// Missing is the error of a server that cannot be had on this machine, with the reason and what to do about it.
type Missing struct{ Reason string }

func (m *Missing) Error() string { return m.Reason }

// Missingf makes a Missing.
func Missingf(format string, args ...any) error { return &Missing{fmt.Sprintf(format, args...)} }

// IsMissing gives the reason why a server cannot be had, if that is what an error says.
func IsMissing(err error) (reason string, missing bool) {
	var m *Missing
	if errors.As(err, &m) {
		return m.Reason, true
	}
	return "", false
}

// Table are all servers, in the order of the tables that show them.
var Table = []Server{
	raw,
	nginx,
	netHTTP,
	fastHTTP,
	hyper,
	node,
	workerd,
	wasmtime,
	wasmtimeReuse,
	wasmtime03,
	sluice,
	sluiceConnection,
	sluiceShared,
	sluiceNativeCore,
	sluiceRust,
	sluiceJS,
	sluiceJSShared,
	sluiceTenants(1),
	sluiceTenants(100),
	sluiceTenants(1000),
	sluiceSpinning,
	sluiceProgram,
}

// Named gives a server of the table.
func Named(name string) (*Server, error) {
	var names []string
	for i := range Table {
		if Table[i].Name == name {
			return &Table[i], nil
		}
		names = append(names, Table[i].Name)
	}
	return nil, fmt.Errorf("there is no server %q; there are %s", name, strings.Join(names, ", "))
}
