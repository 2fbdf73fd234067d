package wasi

import "io"

// The descriptors that are open. They are always open: closing one succeeds and changes nothing, for a stream is its
// host's, and what a session does to it must not show in the next.
const (
	stdin  = 0
	stdout = 1
	stderr = 2

	streams = 3 // how many there are
)

const (
	// maxVectors is how many vectors one call reads or writes. The rest are left to the next call, as after any short write.
	maxVectors = 1024
	// maxWrite is how many bytes one call writes, for the same reason.
	maxWrite = 1 << 20
	// writeStep is how many bytes are written at a time. They take about 0.1 ms.
	writeStep = 64 << 10
	// writeUnits is what a byte costs that is written, vectorUnits what a vector does.
	writeUnits, vectorUnits = 2, 10
)

const vectorSize = 8 // address and length

// fdWrite(fd, iovs, iovs_len, nwritten) writes to a standard stream, all vectors or as many bytes as one call may. When one
// of the vectors lies outside of the memory nothing is written.
func fdWrite(c call) Errno {
	var stream io.Writer
	switch process := c.Process(); c.u32(0) {
	case stdout:
		stream = process.Stdout
	case stderr:
		stream = process.Stderr
	default:
		return Badf
	}
	list, size, errno := c.vectors(1)
	if errno != Success {
		return errno
	}
	if _, ok := c.memory.ReadUint32Le(c.u32(3)); !ok {
		return Fault
	}
	size = min(size, maxWrite)
	if stream != nil {
		c.write(stream, list, size)
	}
	return c.put32(3, uint32(size)) // at last: it may lie in the list
}

// vectors reads a list of vectors, whose address and length are parameters, up to as many as are written at once, and says
// how many bytes they have together.
//
//	iovs ┌─────┬────────┬─────┬────────┬┄┄
//	     │ buf │ buflen │ buf │ buflen │     each u32, little-endian
//	     └─────┴────────┴─────┴────────┴┄┄
func (c *call) vectors(param int) (list []byte, size uint64, errno Errno) {
	count := c.u32(param + 1)
	if _, ok := c.view(c.u32(param), uint64(count), vectorSize); !ok {
		return nil, 0, Fault
	}
	count = min(count, maxVectors)
	c.Charge(vectorUnits * int64(count))
	list, _ = c.view(c.u32(param), uint64(count), vectorSize)
	for at := 0; at < len(list); at += vectorSize {
		length := le.Uint32(list[at+4:])
		if _, ok := c.memory.Read(le.Uint32(list[at:]), length); !ok {
			return nil, 0, Fault
		}
		size += uint64(length)
	}
	return list, size, Success
}

// write writes the first size bytes of what the vectors hold.
func (c *call) write(to io.Writer, list []byte, size uint64) {
	for ; size > 0; list = list[vectorSize:] {
		part, _ := c.memory.Read(le.Uint32(list), le.Uint32(list[4:]))
		part = part[:min(uint64(len(part)), size)]
		size -= uint64(len(part))
		for len(part) > 0 {
			step := part[:min(len(part), writeStep)]
			c.Charge(writeUnits * int64(len(step)))
			_, _ = to.Write(step)
			part = part[len(step):]
		}
	}
}

// fdRead(fd, iovs, iovs_len, nread) is at the end of standard input at once.
func fdRead(c call) Errno {
	if c.u32(0) != stdin {
		return Badf
	}
	if _, _, errno := c.vectors(1); errno != Success {
		return errno
	}
	return c.put32(3, 0)
}

const (
	// characterDevice is the type of a stream. With rights that leave out seek and tell it makes a terminal for the C library,
	// which then writes out every line. A file's content it would keep until the program ends, and handlers do not end.
	characterDevice = 2

	rightsRead  = 1<<1 | 1<<27 // fd_read, poll_fd_readwrite
	rightsWrite = 1<<6 | 1<<27 // fd_write, poll_fd_readwrite

	fdstatSize   = 24
	filestatSize = 64
)

// fdFdstatGet(fd, stat) describes a stream.
//
//	     ┌──────────┬─┬───────┬───────┬─────────────┬───────────────────┐
//	stat │ filetype │ │ flags │       │ rights_base │ rights_inheriting │
//	     └──────────┴─┴───────┴───────┴─────────────┴───────────────────┘
//	     0          1 2       4       8             16                  24
func fdFdstatGet(c call) Errno {
	stat, ok := c.room(c.u32(1), 1, fdstatSize)
	if !ok {
		return Fault
	}
	rights := uint64(rightsWrite)
	switch fd := c.u32(0); {
	case fd >= streams:
		return Badf
	case fd == stdin:
		rights = rightsRead
	}
	clear(stat)
	stat[0] = characterDevice
	le.PutUint64(stat[8:], rights)
	return Success
}

// fdFdstatSetFlags(fd, flags) takes append (1) and nonblock (4), which change nothing for a stream.
func fdFdstatSetFlags(c call) Errno {
	const known = 1 | 4
	switch {
	case c.u32(1)&^known != 0:
		return Inval
	case c.u32(0) >= streams:
		return Badf
	}
	return Success
}

// fdFilestatGet(fd, stat) describes a stream: device, inode, type, links, size and three times, each of 8 bytes. Type and
// links are known.
func fdFilestatGet(c call) Errno {
	stat, ok := c.room(c.u32(1), 1, filestatSize)
	if !ok {
		return Fault
	}
	if c.u32(0) >= streams {
		return Badf
	}
	clear(stat)
	stat[16] = characterDevice
	stat[24] = 1
	return Success
}

// fdAdvise(fd, offset, len, advice) takes any advice there is, 0 to 5, and does not follow it.
func fdAdvise(c call) Errno {
	switch {
	case c.u32(0) >= streams:
		return Badf
	case c.params[3]&0xff > 5:
		return Inval
	}
	return Success
}

// fdRenumber(from, to) would have a stream take the place of another.
func fdRenumber(c call) Errno {
	switch from, to := c.u32(0), c.u32(1); {
	case from >= streams || to >= streams:
		return Badf
	case from != to:
		return Notsup
	}
	return Success
}

// stream makes a function that answers the same for every stream, and EBADF for other descriptors. The descriptor is the
// parameter fd.
func stream(fd int, answer Errno) func(c call) Errno {
	return func(c call) Errno {
		if c.u32(fd) >= streams {
			return Badf
		}
		return answer
	}
}

// noDirectory makes a function that answers EBADF, even for a stream, as none of them leads to files.
func noDirectory(call) Errno { return Badf }
