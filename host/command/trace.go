package command

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/sluicehttp/sluice/engine"
)

func newTrace() *cobra.Command {
	var (
		role   roleName
		method string
		eof    bool
		split  pieceSize
		core   coreName
	)
	cmd := &cobra.Command{
		Use:   "trace",
		Short: "Show how the parser reads raw bytes",
		Long: `Read raw bytes on standard input and print one JSON object per event, then one with the verdict:
accept, incomplete, reject or upgrade.

Bytes are shown as the characters with the same numbers, U+0000 to U+00FF. The exit status is 0
whatever the verdict; another status means that the input could not be traced.`,
		Example: `  printf 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' | sluice trace
  sluice trace --split 1 --eof < request.http`,
		Args: exactly(0, "trace takes no arguments; give the bytes on standard input"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			config := engine.TraceConfig{
				Core:     engine.Core(core),
				Role:     engine.Role(role),
				Method:   method,
				EOF:      eof,
				Split:    int(split),
				CacheDir: defaultCacheDir(),
			}
			return trace(cmd.Context(), config, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.TextVar(&role, "role", roleName(engine.RoleServer), "be the `server|client`: the one reads requests, the other answers")
	flags.StringVar(&method, "method", "GET", "read answers to requests of this `method`; only with --role client")
	flags.BoolVar(&eof, "eof", false, "let the peer close after the input")
	flags.TextVar(&split, "split", pieceSize(0), "feed at most `bytes` at a time; 0 feeds all at once")
	flags.TextVar(&core, "core", coreName(engine.CoreWasm), coreUsage)
	return cmd
}

func trace(ctx context.Context, config engine.TraceConfig, input io.Reader, output io.Writer) error {
	buffered := bufio.NewWriter(output)
	result, err := engine.Trace(ctx, config, input, func(event *engine.TraceEvent) error {
		return encodeLine(buffered, eventLine(event))
	})
	if err == nil {
		err = encodeLine(buffered, verdictLine(result))
	}
	if flushed := buffered.Flush(); err == nil {
		err = flushed
	}
	if err != nil {
		return fmt.Errorf("cannot trace: %w", err)
	}
	return nil
}

// encodeLine writes one JSON value and ends the line.
func encodeLine(w io.Writer, line any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(line)
}

// eventLine is what the line about an event shows, in the order of the keys.
func eventLine(event *engine.TraceEvent) any {
	type common struct {
		Event  string `json:"event"`
		Offset uint64 `json:"offset"`
	}
	head := common{event.Event, event.Offset}
	switch event.Event {
	case "LINE_READY":
		if event.Status != 0 {
			return struct {
				common
				Status  int    `json:"status"`
				Reason  latin1 `json:"reason"`
				Version string `json:"version"`
			}{head, event.Status, event.Reason, event.Version}
		}
		return struct {
			common
			Method  latin1 `json:"method"`
			Target  latin1 `json:"target"`
			Version string `json:"version"`
		}{head, event.Method, event.Target, event.Version}
	case "HEADER_READY", "TRAILER_READY":
		fields := make([][2]latin1, len(event.Fields))
		for i, field := range event.Fields {
			fields[i] = [2]latin1{field.Name, field.Value}
		}
		return struct {
			common
			Fields [][2]latin1 `json:"fields"`
		}{head, fields}
	case "DATA_READY":
		return struct {
			common
			Data       latin1 `json:"data"`
			ChunkStart bool   `json:"chunk_start,omitempty"`
			ChunkEnd   bool   `json:"chunk_end,omitempty"`
		}{head, event.Data, event.ChunkStart, event.ChunkEnd}
	}
	return head
}

// verdictLine is what the last line shows.
func verdictLine(result engine.TraceResult) any {
	type failure struct {
		Code   string `json:"code"`
		Offset uint64 `json:"offset"`
		Status int    `json:"status"`
	}
	return struct {
		Verdict  engine.Verdict `json:"verdict"`
		Messages int            `json:"messages"`
		Error    *failure       `json:"error,omitempty"`
	}{result.Verdict, result.Messages, (*failure)(result.Error)}
}

// latin1 shows every byte as the character with its number, so that any bytes survive JSON.
type latin1 []byte

func (b latin1) MarshalText() ([]byte, error) {
	text := make([]byte, 0, len(b))
	for _, c := range b {
		text = utf8.AppendRune(text, rune(c))
	}
	return text, nil
}
