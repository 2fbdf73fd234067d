package wasi

import "io"

// Process is what an instance has of a process. Its zero value has nothing. It does not change while the instance is there.
type Process struct {
	// Args are the arguments, Env the environment.
	Args, Env Strings
	// Stdout and Stderr take what is written to the standard streams, in any pieces; nil drops it. Their errors are not
	// told to the module.
	Stdout, Stderr io.Writer
}

// Strings is a list of strings as the functions hand it out: each followed by a byte of value 0.
type Strings struct {
	starts []uint32
	bytes  []byte
}

// NewStrings makes a list. The strings hold no byte of value 0 and have less than 4 GiB together.
func NewStrings(list []string) (s Strings) {
	for _, text := range list {
		s.starts = append(s.starts, uint32(len(s.bytes)))
		s.bytes = append(append(s.bytes, text...), 0)
	}
	return s
}

// argsSizesGet(argc, argv_buf_size) says how many arguments there are, and how many bytes they take.
func argsSizesGet(c call) Errno { return c.putSizes(&c.Process().Args) }

// argsGet(argv, argv_buf) writes the addresses of the arguments and the arguments.
//
//	argv     ┌─────┬─────┐       argv_buf ┌───┬───┬───┬───┬───┐
//	         │  •  │  •  │                │ a │ 0 │ b │ c │ 0 │
//	         └──│──┴──│──┘                └─^─┴───┴─^─┴───┴───┘
//	            └─────│─────────────────────┘       │
//	                  └─────────────────────────────┘
func argsGet(c call) Errno { return c.putStrings(&c.Process().Args) }

// environSizesGet(environc, environ_buf_size) says how many variables there are, and how many bytes they take.
func environSizesGet(c call) Errno { return c.putSizes(&c.Process().Env) }

// environGet(environ, environ_buf) writes the addresses of the variables and the variables, each as name=value.
func environGet(c call) Errno { return c.putStrings(&c.Process().Env) }

func (c *call) putSizes(s *Strings) Errno {
	if errno := c.put32(0, uint32(len(s.starts))); errno != Success {
		return errno
	}
	return c.put32(1, uint32(len(s.bytes)))
}

func (c *call) putStrings(s *Strings) Errno {
	addresses, ok := c.room(c.u32(0), uint64(len(s.starts)), 4)
	if !ok {
		return Fault
	}
	content, ok := c.room(c.u32(1), uint64(len(s.bytes)), 1)
	if !ok {
		return Fault
	}
	c.Charge(int64(len(addresses) + len(content)))
	for i, start := range s.starts {
		le.PutUint32(addresses[4*i:], c.u32(1)+start)
	}
	copy(content, s.bytes)
	return Success
}
