package wasi

import (
	"context"

	"github.com/tetratelabs/wazero/api"
)

// function is one that modules may import.
type function struct {
	name string
	// params has a letter for each parameter: i for i32, l for i64. All but proc_exit return an errno, an i32.
	params string
	// do carries it out. Nil for proc_exit.
	do func(c call) Errno
	// idle says that it does nothing here, but for standard streams.
	idle idle
	// does is what it does, for people who write handlers.
	does string
}

// idle is why a function does nothing.
type idle string

const (
	noFiles   idle = "there are no files"
	noSockets idle = "there are no sockets"
	noSignals idle = "there are no signals"
)

// functions are all functions of WASI preview 1, in the order of its description.
var functions = [...]function{
	{"args_get", "ii", argsGet, "", "The module's name and the arguments of its route."},
	{"args_sizes_get", "ii", argsSizesGet, "", "How many there are, and their size."},
	{"environ_get", "ii", environGet, "", "The environment of its route, sorted by name."},
	{"environ_sizes_get", "ii", environSizesGet, "", "How many variables there are, and their size."},
	{"clock_res_get", "ii", clockResGet, "", "1 ns for the clocks `realtime` and `monotonic`, EINVAL for others."},
	{"clock_time_get", "ili", clockTimeGet, "", "The time of day, or a time that never goes back. Always exact."},
	{"fd_advise", "illi", fdAdvise, noFiles, "Nothing, successfully, for a stream."},
	{"fd_allocate", "ill", stream(0, Spipe), noFiles, "ESPIPE for a stream."},
	{"fd_close", "i", stream(0, Success), "", "Nothing, successfully, for a stream: it stays open."},
	{"fd_datasync", "i", stream(0, Success), noFiles, "Nothing, successfully, for a stream."},
	{"fd_fdstat_get", "ii", fdFdstatGet, "", "A stream is a character device without a position, as a terminal is."},
	{"fd_fdstat_set_flags", "ii", fdFdstatSetFlags, "", "Takes `append` and `nonblock`, which change nothing; EINVAL for others."},
	{"fd_fdstat_set_rights", "ill", stream(0, Nosys), noFiles, "ENOSYS for a stream."},
	{"fd_filestat_get", "ii", fdFilestatGet, "", "A stream is a character device with one link."},
	{"fd_filestat_set_size", "il", stream(0, Inval), noFiles, "EINVAL for a stream."},
	{"fd_filestat_set_times", "illi", stream(0, Nosys), noFiles, "ENOSYS for a stream."},
	{"fd_pread", "iiili", stream(0, Spipe), noFiles, "ESPIPE for a stream."},
	{"fd_prestat_get", "ii", noDirectory, noFiles, "EBADF for a stream too: no folder is open."},
	{"fd_prestat_dir_name", "iii", noDirectory, noFiles, "EBADF for a stream too: no folder is open."},
	{"fd_pwrite", "iiili", stream(0, Spipe), noFiles, "ESPIPE for a stream."},
	{"fd_read", "iiii", fdRead, "", "Standard input has ended; EBADF for the other streams."},
	{"fd_readdir", "iiili", stream(0, Notdir), noFiles, "ENOTDIR for a stream."},
	{"fd_renumber", "ii", fdRenumber, "", "ENOTSUP, unless both are the same stream."},
	{"fd_seek", "ilii", stream(0, Spipe), noFiles, "ESPIPE for a stream."},
	{"fd_sync", "i", stream(0, Success), noFiles, "Nothing, successfully, for a stream."},
	{"fd_tell", "ii", stream(0, Spipe), noFiles, "ESPIPE for a stream."},
	{"fd_write", "iiii", fdWrite, "", "To the log, line by line, from standard output and error; at most 1,024 vectors and 1 MiB a call."},
	{"path_create_directory", "iii", stream(0, Notdir), noFiles, "ENOTDIR for a stream."},
	{"path_filestat_get", "iiiii", stream(0, Notdir), noFiles, "ENOTDIR for a stream."},
	{"path_filestat_set_times", "iiiilli", stream(0, Notdir), noFiles, "ENOTDIR for a stream."},
	{"path_link", "iiiiiii", stream(0, Notdir), noFiles, "ENOTDIR for a stream."},
	{"path_open", "iiiiillii", stream(0, Notdir), noFiles, "ENOTDIR for a stream."},
	{"path_readlink", "iiiiii", stream(0, Notdir), noFiles, "ENOTDIR for a stream."},
	{"path_remove_directory", "iii", stream(0, Notdir), noFiles, "ENOTDIR for a stream."},
	{"path_rename", "iiiiii", stream(0, Notdir), noFiles, "ENOTDIR for a stream."},
	{"path_symlink", "iiiii", stream(2, Notdir), noFiles, "ENOTDIR for a stream."},
	{"path_unlink_file", "iii", stream(0, Notdir), noFiles, "ENOTDIR for a stream."},
	{"poll_oneoff", "iiii", pollOneoff, "", "Waits for clocks, as long as the session may; streams are always ready. " +
		"At most 1,024 subscriptions."},
	{"proc_exit", "i", nil, "", "Ends the call, and the session with a failure, whatever the code."},
	{"proc_raise", "i", procRaise, noSignals, "ENOSYS."},
	{"sched_yield", "", schedYield, "", "Lets others run."},
	{"random_get", "ii", randomGet, "", "Random bytes that are fit for keys."},
	{"sock_accept", "iii", stream(0, Notsock), noSockets, "ENOTSOCK for a stream."},
	{"sock_recv", "iiiiii", stream(0, Notsock), noSockets, "ENOTSOCK for a stream."},
	{"sock_send", "iiiii", stream(0, Notsock), noSockets, "ENOTSOCK for a stream."},
	{"sock_shutdown", "ii", stream(0, Notsock), noSockets, "ENOTSOCK for a stream."},
}

func (f *function) goFunction() api.GoModuleFunc {
	if f.do == nil {
		return procExit
	}
	do := f.do
	return func(ctx context.Context, module api.Module, stack []uint64) {
		stack[0] = uint64(do(call{callerOf(ctx), module.Memory(), stack}))
	}
}

func (f *function) paramTypes() []api.ValueType {
	types := make([]api.ValueType, len(f.params))
	for i, letter := range f.params {
		types[i] = api.ValueTypeI32
		if letter == 'l' {
			types[i] = api.ValueTypeI64
		}
	}
	return types
}

func (f *function) resultTypes() []api.ValueType {
	if f.do == nil {
		return nil
	}
	return []api.ValueType{api.ValueTypeI32}
}

// Idle says why a function does nothing here for any descriptor but the standard streams, for instance "there are no files".
// It is empty for functions that do something, and for names of none.
func Idle(name string) string {
	for i := range functions {
		if functions[i].name == name {
			return string(functions[i].idle)
		}
	}
	return ""
}
