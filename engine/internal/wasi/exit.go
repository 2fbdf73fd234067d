package wasi

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero/api"
)

// ExitError is what ended a call that wanted to end the process.
type ExitError struct{ Code uint32 }

func (e *ExitError) Error() string { return fmt.Sprintf("the module called proc_exit(%d)", e.Code) }

// procExit(rval) ends the call by a panic with an [*ExitError]. It does not close the instance: that would take away its
// memory while a call is running in it.
func procExit(_ context.Context, _ api.Module, stack []uint64) {
	panic(&ExitError{Code: uint32(stack[0])})
}

// procRaise(sig) would send a signal. There are none.
func procRaise(call) Errno { return Nosys }
