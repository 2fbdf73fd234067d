package sandbox

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/sluicehttp/sluice/engine/internal/account"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// FaultKind is a way in which a handler fails.
type FaultKind string

// The ways in which a handler fails.
const (
	// FaultTrap is code that cannot go on: an unreachable instruction, an access outside of the memory, a call of
	// proc_exit.
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
	var memory *wasmruntime.MemoryError
	switch {
	case f.Kind == FaultTrap:
		return account.FaultTrap
	case f.Kind == FaultABI:
		return account.FaultABI
	case errors.As(f.Reason, &memory):
		return account.FaultMemory
	case errors.Is(f.Reason, errOverslept):
		return account.FaultSleep
	}
	return account.FaultOther
}

// errOverslept ends a call that waits longer than a handler may.
var errOverslept = errors.New("the handler slept for too long")

// maxReason bounds the reason of a fault, in bytes: the stack holds names that are up to the module's author.
const maxReason = 16 << 10

// faultOf makes a fault of the error with which a call of an export ended.
func faultOf(export string, err error) *Fault {
	var exit *wasmruntime.ExitError
	switch {
	case errors.As(err, &exit):
		return &Fault{FaultTrap, fmt.Errorf("in %s: %w", export, cut(err))}
	case errors.Is(err, errOverslept):
		return &Fault{FaultExhausted, fmt.Errorf("in %s: %w", export, cut(err))}
	case isOurs(err):
		return &Fault{FaultInternal, cut(err)}
	}
	return &Fault{FaultTrap, fmt.Errorf("in %s: %w", export, cut(err))}
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
	first, _, _ := strings.Cut(err.Error(), "\n")
	return strings.Contains(first, "(recovered by wazero)")
}

func cut(err error) error {
	if text := err.Error(); len(text) > maxReason {
		return errors.New(text[:maxReason] + "...")
	}
	return err
}
