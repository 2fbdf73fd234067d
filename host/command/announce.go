package command

import (
	"fmt"
	"io"
	"net"
	"strings"
	"text/tabwriter"

	"github.com/sluicehttp/sluice/engine"
)

// announce tells what is served where.
func announce(w io.Writer, s *settings, addr net.Addr) {
	fmt.Fprintf(w, "Listening on %s\n\n", browsable(addr))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if s.source != nil {
		fmt.Fprintf(table, "  config\t%s\n", s.source.path)
	}
	fmt.Fprintf(table, "  core\t%s\n", s.engine.Core)
	if s.verbose {
		fmt.Fprintf(table, "  cache\t%s\n", orNone(s.engine.CacheDir))
	}
	for _, route := range s.engine.Routes {
		fmt.Fprintf(table, "  route\t%s\t%s\t%s\n", route.Host+route.Path, methods(route), route.Handler.Name)
	}
	if count := len(s.engine.Tenants); count > 0 {
		fmt.Fprintf(table, "  tenants\t%d\n", count)
	}
	fmt.Fprint(table, "\nPress Ctrl+C to stop.\n")
	_ = table.Flush() // a server whose output nobody reads serves all the same
}

func methods(route engine.Route) string {
	if len(route.Methods) == 0 {
		return "any method"
	}
	return strings.Join(route.Methods, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
