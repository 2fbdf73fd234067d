package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sluicehttp/sluice/engine"
)

func newInspect() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect handler.wasm",
		Short: "Check a handler without serving it",
		Long: `Show what a handler imports, exports and subscribes to, and every reason why it could not serve.

The exit status is 1 when there is such a reason. Of the handler's code only subscriptions runs.`,
		Example: `  sluice inspect hello.wasm
  sluice inspect hello.wasm --json`,
		Args: exactly(1, "inspect takes one handler: sluice inspect handler.wasm"),
		RunE: func(cmd *cobra.Command, args []string) error {
			module, err := readModule(args[0], "name a handler, a .wasm file")
			if err != nil {
				return err
			}
			compiler, err := compiler()
			if err != nil {
				return err
			}
			found, err := engine.Inspect(cmd.Context(), module, compiler)
			if err != nil {
				return err
			}
			show := showText
			if asJSON {
				show = showJSON
			}
			if err := show(cmd.OutOrStdout(), module.Name, found); err != nil {
				return err
			}
			if len(found.Problems) > 0 {
				return fmt.Errorf("%s cannot serve; problems: %d", module.Name, len(found.Problems))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// showText prints a report for people, its columns aligned.
func showText(w io.Writer, name string, found *engine.Inspection) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "module\t%s, %d bytes\n", name, found.Size)
	fmt.Fprintf(table, "ABI\t%s\n", orNone(found.ABI))
	fmt.Fprintf(table, "subscriptions\t%s\n", orNone(strings.Join(found.Subscriptions, ", ")))
	fmt.Fprintf(table, "memory\t%s\n", memory(found.Memory))

	fmt.Fprintf(table, "\nimports: %d\n", len(found.Imports))
	for _, f := range found.Imports {
		fmt.Fprintf(table, "  %s.%s\t%s%s\n", f.Module, f.Name, f.Signature, remark(f))
	}

	fmt.Fprintf(table, "\nexports: %d\n", len(found.Exports))
	for _, f := range found.Exports {
		fmt.Fprintf(table, "  %s\t%s\n", f.Name, f.Signature)
	}

	fmt.Fprintf(table, "\nproblems: %d\n", len(found.Problems))
	for _, problem := range found.Problems {
		fmt.Fprintf(table, "  %s\n", problem)
	}
	return table.Flush()
}

func memory(m *engine.InspectedMemory) string {
	switch {
	case m == nil:
		return "none exported"
	case m.HasMax:
		return fmt.Sprintf("%s, at most %s", pages(m.MinPages), pages(m.MaxPages))
	}
	return pages(m.MinPages) + ", no maximum"
}

// pages gives a memory's size; a page is 64 KiB.
func pages(n uint32) string {
	if n == 1 {
		return "1 page (64 KiB)"
	}
	return fmt.Sprintf("%d pages (%d KiB)", n, uint64(n)*64)
}

// remark says of an import what its author should know.
func remark(f engine.InspectedFunc) string {
	switch {
	case !f.Known:
		return "  unknown"
	case f.Idle != "":
		return "  does nothing: " + f.Idle
	}
	return ""
}

// showJSON prints a report for programs. What there is none of is null, a list without elements is empty.
func showJSON(w io.Writer, name string, found *engine.Inspection) error {
	type function struct {
		Module    string `json:"module,omitempty"`
		Name      string `json:"name"`
		Signature string `json:"signature"`
		Known     bool   `json:"known"`
		Idle      string `json:"idle,omitempty"`
	}
	type pages struct {
		Min uint32  `json:"min_pages"`
		Max *uint32 `json:"max_pages"`
	}
	functions := func(found []engine.InspectedFunc) []function {
		list := make([]function, len(found))
		for i, f := range found {
			list[i] = function(f)
		}
		return list
	}
	var size *pages
	if m := found.Memory; m != nil {
		size = &pages{Min: m.MinPages}
		if m.HasMax {
			size.Max = &m.MaxPages
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Module        string     `json:"module"`
		Size          int        `json:"size"`
		ABI           string     `json:"abi"`
		Subscriptions []string   `json:"subscriptions"`
		Memory        *pages     `json:"memory"`
		Imports       []function `json:"imports"`
		Exports       []function `json:"exports"`
		Problems      []string   `json:"problems"`
	}{
		name, found.Size, found.ABI, append([]string{}, found.Subscriptions...), size,
		functions(found.Imports), functions(found.Exports), append([]string{}, found.Problems...),
	})
}
