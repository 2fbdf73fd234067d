package wasi

import (
	"slices"
	"strings"
	"testing"
)

// put writes vectors to memory, at 1024, addresses and lengths in turn, and gives their place as parameters.
func (i *instance) vectors(words ...uint32) (iovs, count uint64) {
	for n, word := range words {
		i.Memory().WriteUint32Le(uint32(1024+4*n), word)
	}
	return 1024, uint64(len(words) / 2)
}

func TestWrite(t *testing.T) {
	i := newInstance(t)
	i.Memory().WriteString(8, "one two")
	iovs, count := i.vectors(8, 4, end, 0, 12, 3)
	i.want(Success, "fd_write", stdout, iovs, count, 0)
	i.want(Success, "fd_write", stderr, iovs, count-1, 4)
	i.want(Success, "fd_write", stderr, end, 0, 4)
	if n, _ := i.Memory().ReadUint64Le(0); n != 7 {
		t.Errorf("%#x bytes written, want 7 and 0", n)
	}
	if i.r.stdout.String() != "one two" || i.r.stderr.String() != "one " {
		t.Errorf("wrote %q and %q", &i.r.stdout, &i.r.stderr)
	}
	i.want(Badf, "fd_write", stdin, iovs, count, 0)
	i.want(Badf, "fd_write", 3, iovs, count, 0)
	i.want(Badf, "fd_write", 1<<32-1, iovs, count, 0)
	i.want(Fault, "fd_write", stdout, iovs, count, end-3)
	i.want(Fault, "fd_write", stdout, end-7, 1, 0)
	i.want(Fault, "fd_write", stdout, iovs, 1<<29, 0)
	i.want(Fault, "fd_write", stdout, iovs, 1<<32-1, 0)
	iovs, count = i.vectors(8, 4, end, 1)
	i.want(Fault, "fd_write", stdout, iovs, count, 0)
	iovs, count = i.vectors(8, 1<<32-1)
	i.want(Fault, "fd_write", stdout, iovs, count, 0)
	if i.r.stdout.String() != "one two" {
		t.Errorf("a failed call wrote %q", &i.r.stdout)
	}
	i.r.process.Stdout = nil
	iovs, count = i.vectors(8, 4)
	i.want(Success, "fd_write", stdout, iovs, count, 0)
}

// TestWriteIsShort passes more than one call takes.
func TestWriteIsShort(t *testing.T) {
	written := func(i *instance) int {
		n, _ := i.Memory().ReadUint32Le(0)
		if int(n) != i.r.stdout.Len() {
			t.Errorf("%d bytes written, and %d told", i.r.stdout.Len(), n)
		}
		return int(n)
	}
	t.Run("vectors", func(t *testing.T) {
		i := newInstance(t)
		iovs, count := i.vectors(slices.Repeat([]uint32{8, 1}, 3000)...)
		i.want(Success, "fd_write", stdout, iovs, count, 0)
		if n := written(i); n != maxVectors {
			t.Errorf("%d vectors written, want %d", n, maxVectors)
		}
	})
	t.Run("bytes", func(t *testing.T) {
		i := newInstance(t)
		var words []uint32
		for range 50 {
			words = append(words, 1000, 100_000)
		}
		iovs, count := i.vectors(words...)
		i.want(Success, "fd_write", stdout, iovs, count, 0)
		if n := written(i); n != maxWrite {
			t.Errorf("%d bytes written, want %d", n, maxWrite)
		}
		for _, units := range i.r.charges {
			if units > writeUnits*writeStep {
				t.Errorf("a step of %d units", units)
			}
		}
	})
}

func TestRead(t *testing.T) {
	i := newInstance(t)
	i.fill('?')
	iovs, count := i.vectors(8, 4, end, 0)
	i.want(Success, "fd_read", stdin, iovs, count, 1)
	i.wantBytes(1, "?\x00\x00\x00\x00???????")
	i.want(Badf, "fd_read", stdout, iovs, count, 1)
	i.want(Badf, "fd_read", 3, iovs, count, 1)
	i.want(Fault, "fd_read", stdin, end-7, 1, 1)
	i.want(Fault, "fd_read", stdin, iovs, count, end-3)
	iovs, count = i.vectors(end-3, 4)
	i.want(Fault, "fd_read", stdin, iovs, count, 1)
}

func TestStatus(t *testing.T) {
	i := newInstance(t)
	i.fill('?')
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	for fd, rights := range []string{"\x02\x00\x00\x08", "\x40\x00\x00\x08", "\x40\x00\x00\x08"} {
		i.want(Success, "fd_fdstat_get", uint64(fd), 1)
		i.wantBytes(1, "?\x02"+zeros(7)+rights+zeros(12)+"?")
		i.want(Success, "fd_filestat_get", uint64(fd), 65)
		i.wantBytes(65, "?"+zeros(16)+"\x02"+zeros(7)+"\x01"+zeros(39)+"?")
	}
	for _, name := range []string{"fd_fdstat_get", "fd_filestat_get"} {
		i.want(Badf, name, 3, 1)
		i.want(Fault, name, stdin, end-23)
	}
}

// TestDescriptors calls what works on a descriptor alone.
func TestDescriptors(t *testing.T) {
	i := newInstance(t)
	for name, want := range map[string]Errno{
		"fd_close": Success, "fd_sync": Success, "fd_datasync": Success,
		"fd_seek": Spipe, "fd_tell": Spipe, "fd_pread": Spipe, "fd_pwrite": Spipe, "fd_allocate": Spipe,
		"fd_advise": Success, "fd_fdstat_set_rights": Nosys, "fd_filestat_set_size": Inval, "fd_filestat_set_times": Nosys,
		"fd_readdir": Notdir, "fd_prestat_get": Badf, "fd_prestat_dir_name": Badf, "fd_fdstat_set_flags": Success,
		"path_open": Notdir, "path_filestat_get": Notdir, "path_unlink_file": Notdir, "path_rename": Notdir,
		"sock_accept": Notsock, "sock_recv": Notsock, "sock_send": Notsock, "sock_shutdown": Notsock,
	} {
		params := make([]uint64, len(i.ExportedFunction(name).Definition().ParamTypes()))
		for fd := range uint64(streams) {
			params[0] = fd
			i.want(want, name, params...)
		}
		for _, fd := range []uint64{3, 4, 1 << 31, 1<<32 - 1} {
			params[0] = fd
			i.want(Badf, name, params...)
		}
	}
	i.want(Notdir, "path_symlink", 3, 0, stdin, 0, 0)
	i.want(Badf, "path_symlink", 0, 0, 3, 0, 0)

	i.want(Success, "fd_renumber", stdout, stdout)
	i.want(Notsup, "fd_renumber", stdout, stderr)
	i.want(Badf, "fd_renumber", stdout, 3)
	i.want(Badf, "fd_renumber", 3, stdout)
	i.want(Inval, "fd_advise", stdin, 0, 0, 6)
	i.want(Success, "fd_fdstat_set_flags", stdout, 1|4)
	i.want(Inval, "fd_fdstat_set_flags", stdout, 2)

	i.want(Success, "fd_close", stdout)
	iovs, count := i.vectors(0, 1)
	i.want(Success, "fd_write", stdout, iovs, count, 0) // it stays open
}
