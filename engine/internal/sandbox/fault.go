package sandbox

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"github.com/sluicehttp/sluice/engine/internal/account"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/engine/internal/hostabi"
	"github.com/sluicehttp/sluice/engine/internal/meter"
	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// FaultKind is a way in which a handler fails.
type FaultKind string

// The ways in which a handler fails.
const (
	// FaultTrap is code that cannot go on: an unreachable instruction, an access outside of the memory, a call of
	// proc_exit or of abort.
	FaultTrap FaultKind = "trap"
	// FaultExhausted is a limit that was reached.
	FaultExhausted FaultKind = "exhausted"
	// FaultABI is an answer to the host that breaks the interface.
	FaultABI FaultKind = "broken ABI"
	// FaultInternal is not the handler's fault but Sluice's.
	FaultInternal FaultKind = "internal error"
)

// Fault is what ended a handler's work, other than the exchange itself.
type Fault struct {
	Kind FaultKind
	// Reason may have several lines: the stack of the guest follows the first.
	Reason error
}

func (f *Fault) Error() string { return string(f.Kind) + ": " + f.Reason.Error() }

// Unwrap gives the reason.
func (f *Fault) Unwrap() error { return f.Reason }

// Status is how to answer a request that met the fault before it was answered: 503 when it may go better later.
func (f *Fault) Status() uint16 {
	if f.Kind == FaultExhausted {
		return 503
	}
	return 500
}

// Counted is the kind under which an account counts the fault.
func (f *Fault) Counted() account.Fault {
	for _, limit := range limits {
		if errors.Is(f.Reason, limit.reached) {
			return limit.counted
		}
	}
	var memory *wasmruntime.MemoryError
	switch {
	case errors.As(f.Reason, &memory):
		return account.FaultMemory
	case f.Kind == FaultTrap:
		return account.FaultTrap
	case f.Kind == FaultABI:
		return account.FaultABI
	}
	return account.FaultOther
}

// limits are those that end a call in its middle, by the errors that say so. Their names are those of the configuration.
var limits = []struct {
	reached error
	kind    FaultKind
	name    string
	counted account.Fault
}{
	{meter.ErrCPU, FaultExhausted, "limit cpu: ", account.FaultCPU},
	{meter.ErrStack, FaultTrap, "", account.FaultStack},
	{errOverslept, FaultExhausted, "limit handler_wall: ", account.FaultSleep},
	{hostabi.ErrResponse, FaultTrap, "limit response: ", account.FaultResponse},
}

// errOverslept ends a call that waits longer than a handler may.
var errOverslept = errors.New("the handler slept for too long")

// fault is what it means that a call of an export has failed: what an import ended it for, or a fault.
func (i *instance) fault(export string, err error) error {
	i.broken = true
	export = strings.TrimPrefix(export, rewrite.Prefix)
	if of := exchangeError(err); of != nil {
		return of
	}
	for _, limit := range limits {
		if errors.Is(err, limit.reached) {
			return &Fault{limit.kind, fmt.Errorf("%sin %s: %w", limit.name, export, i.readable(err))}
		}
	}
	switch aborted := i.call.Aborted(); {
	case errors.Is(aborted, hostabi.ErrFields):
		return internal(aborted)
	case aborted != nil:
		return aborted
	}
	return i.trap(export, err)
}

// exchangeError is the error of the exchange that a call was ended for, and nil when it was ended for another reason.
func exchangeError(err error) error {
	for _, of := range []error{exchange.ErrWallTime, exchange.ErrClosed, exchange.ErrRefused} {
		if errors.Is(err, of) {
			return of
		}
	}
	return nil
}

// trap makes a fault of the error with which a call of an export ended by itself.
func (i *instance) trap(export string, err error) *Fault {
	err = i.readable(err)
	var exit *wasmruntime.ExitError
	var aborted *abortError
	switch {
	case errors.As(err, &exit), errors.As(err, &aborted):
	case isOurs(err):
		return &Fault{FaultInternal, err}
	default:
		// Most programs give up when there is no memory, by whatever instruction they have for that.
		if refused := i.module.MemoryRefused(); refused != nil {
			return &Fault{FaultExhausted, fmt.Errorf("%w: in %s: %w", &wasmruntime.MemoryError{Reason: refused}, export, err)}
		}
	}
	return &Fault{FaultTrap, fmt.Errorf("in %s: %w", export, err)}
}

// internal marks an error that is not the handler's fault.
func internal(err error) error { return &Fault{FaultInternal, err} }

// isOurs recognizes a panic of Go code, which can only come from a function that the handler imports. The first line of a
// trap never reads like that; what follows is up to the module's author.
func isOurs(err error) bool {
	var runtimeError runtime.Error
	if errors.As(err, &runtimeError) {
		return true
	}
	if wording := (*reworded)(nil); errors.As(err, &wording) {
		err = wording.err
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return strings.Contains(first, "(recovered by wazero)")
}

// maxReason bounds the reason of a fault, in bytes: the stack holds names that are up to the module's author.
const maxReason = 16 << 10

// readable is an error of the runtime as the author of a handler can read it: functions without a name have the numbers that
// they have in the module as it was written, and those that were built in are left out.
func (i *instance) readable(err error) error {
	text := err.Error()
	if len(text) > maxReason {
		text = text[:maxReason] + "..."
	}
	lines := strings.Split(text, "\n")
	lines[0] = strings.TrimSuffix(lines[0], " (recovered by wazero)")
	kept := lines[:1]
	for _, line := range lines[1:] {
		if line, ours := i.frame(line); !ours {
			kept = append(kept, line)
		}
	}
	return &reworded{strings.Join(kept, "\n"), err}
}

// frame rewords a line of a stack, such as "\t.$23(i32,i32) i32". It reports whether it tells of a function that was built in.
func (i *instance) frame(line string) (reworded string, ours bool) {
	if strings.HasPrefix(line, "\t"+rewrite.HostModule) {
		return line, true
	}
	module, rest, unnamed := strings.Cut(line, ".$")
	number, types, ok := strings.Cut(rest, "(")
	index, err := strconv.Atoi(number)
	if !unnamed || !ok || err != nil {
		return line, false
	}
	index-- // an import was built in, before all functions with a body
	return fmt.Sprintf("%s.$%d(%s", module, index, types), index >= i.pool.module.compiled.facts.Functions
}

// reworded says of an error what is worth reading.
type reworded struct {
	text string
	err  error
}

func (e *reworded) Error() string { return e.text }

func (e *reworded) Unwrap() error { return e.err }
