package wasi

// Errno is the result of a function. The numbers are those of the type errno of WASI preview 1.
type Errno uint16

// The errors in use.
const (
	Success Errno = 0
	Badf    Errno = 8
	Fault   Errno = 21
	Inval   Errno = 28
	Nosys   Errno = 52
	Notdir  Errno = 54
	Notsock Errno = 57
	Notsup  Errno = 58
	Spipe   Errno = 70
)
