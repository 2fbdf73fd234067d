package wasi

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// FuzzFunctions calls every function with any parameters, over a memory with any content. It gives an errno or ends the
// call in one of the ways there are, in bounded time, and writes only where it may and where it has told so.
func FuzzFunctions(f *testing.F) {
	seed(f)
	i := newInstance(f)
	f.Fuzz(func(t *testing.T, function uint8, params, memory []byte) {
		i.t, i.r = t, newRecorder()
		i.r.budget = 1 << 20
		called := &functions[int(function)%len(functions)]
		before := i.prepare(memory)
		values := decodeParams(called, params)

		began := time.Now()
		_, err := i.call(called.name, values...)
		took := time.Since(began)

		var exit *ExitError
		if err != nil && !errors.Is(err, errEnded) && !(called.do == nil && errors.As(err, &exit)) {
			t.Errorf("%s%v: %v", called.name, values, err)
		}
		if took > 10*time.Second { // thousands of times what it takes, on a busy machine too
			t.Errorf("%s%v took %v", called.name, values, took)
		}
		i.checkWrites(before, allowedWrites(called.name, values), fmt.Sprint(called.name, values))
		i.checkWrites(before, i.r.wrote, fmt.Sprint(called.name, values, " without telling"))
	})
}

// span is a part of memory.
type span struct{ start, size uint64 }

// allowedWrites is where a function may write, from its description.
func allowedWrites(name string, p []uint64) []span {
	switch name {
	case "args_sizes_get", "environ_sizes_get":
		return []span{{p[0], 4}, {p[1], 4}}
	case "args_get":
		return []span{{p[0], 2 * 4}, {p[1], 2 + 3}}
	case "environ_get":
		return []span{{p[0], 2 * 4}, {p[1], 4 + 5}}
	case "clock_res_get":
		return []span{{p[1], 8}}
	case "clock_time_get":
		return []span{{p[2], 8}}
	case "fd_fdstat_get":
		return []span{{p[1], 24}}
	case "fd_filestat_get":
		return []span{{p[1], 64}}
	case "fd_read", "fd_write":
		return []span{{p[3], 4}}
	case "poll_oneoff":
		return []span{{p[1], 32 * p[2]}, {p[3], 4}}
	case "random_get":
		return []span{{p[0], p[1]}}
	}
	return nil
}

// prepare fills the memory with the first 512 bytes of what was given, again and again, and gives a copy. More would only
// give the fuzzer more to make smaller.
func (i *instance) prepare(content []byte) []byte {
	memory, _ := i.Memory().Read(0, end)
	content = content[:min(len(content), 512)]
	if len(content) == 0 {
		content = []byte{0}
	}
	for n := copy(memory, content); n < len(memory); n *= 2 {
		copy(memory[n:], memory[:n])
	}
	return slices.Clone(memory)
}

// checkWrites looks for differences outside of what is allowed.
func (i *instance) checkWrites(before []byte, allowed []span, what string) {
	after, _ := i.Memory().Read(0, end)
	after = slices.Clone(after)
	for _, s := range allowed {
		if s.start+s.size <= end {
			copy(after[s.start:], before[s.start:s.start+s.size])
		}
	}
	if !bytes.Equal(before, after) {
		for at := range before {
			if before[at] != after[at] {
				i.t.Fatalf("%s wrote to address %d, where it may not", what, at)
			}
		}
	}
}

// decodeParams makes parameters of 9 bytes each, 0 where bytes are missing. The first byte says of what kind: most
// addresses and lengths that are drawn lie outside of the memory, and would end every call at the first look.
func decodeParams(f *function, encoded []byte) []uint64 {
	params := make([]uint64, len(f.params))
	for i, letter := range f.params {
		var word [9]byte
		encoded = encoded[copy(word[:], encoded):]
		v := binary.LittleEndian.Uint64(word[1:])
		switch word[0] % 4 {
		case 0:
			v %= 8 // descriptors, counts
		case 1:
			v %= end + 16 // addresses, around the end too
		case 2:
			v %= 1 << 12 // sizes
		}
		if letter == 'i' {
			v = uint64(uint32(v))
		}
		params[i] = v
	}
	return params
}

// seed adds a call of every function, and polls and vectors that are well-formed.
func seed(f *testing.F) {
	param := func(kind byte, v uint64) []byte { return binary.LittleEndian.AppendUint64([]byte{kind}, v) }
	call := func(name string, memory []byte, params ...[]byte) {
		at := slices.IndexFunc(functions[:], func(f function) bool { return f.name == name })
		f.Add(uint8(at), slices.Concat(params...), memory)
	}
	for i := range functions {
		f.Add(uint8(i), []byte{}, []byte{})
		f.Add(uint8(i), bytes.Repeat(param(1, 64), 9), []byte("\x01\x02"))
		f.Add(uint8(i), bytes.Repeat(param(3, 1<<64-1), 9), []byte("\xff"))
	}
	vectors := make([]byte, 64)
	le.PutUint32(vectors[4:], 64)
	le.PutUint32(vectors[12:], 1<<16)
	call("fd_write", vectors, param(0, 1), param(1, 0), param(0, 2), param(1, 4096))
	call("fd_write", vectors, param(0, 2), param(1, 0), param(2, 4000), param(1, 4096))
	call("fd_read", vectors, param(0, 0), param(1, 0), param(0, 2), param(1, 4096))
	for _, s := range [][]byte{onClock(0, 1000, 0), onClock(1, 1<<63, 1), onStream(1, 0), onStream(2, 1), onStream(2, 9)} {
		call("poll_oneoff", s, param(1, 0), param(1, 4096), param(0, 3), param(1, 9000))
		call("poll_oneoff", s, param(1, 0), param(1, 0), param(2, 1000), param(1, 0))
	}
	call("random_get", nil, param(1, 1), param(1, 100_000))
}

// FuzzErrnos compares errnos with wazero's implementation.
func FuzzErrnos(f *testing.F) {
	seed(f)
	ours, theirs := newInstance(f), newRival(f)
	f.Fuzz(func(t *testing.T, function uint8, params, memory []byte) {
		ours.t, ours.r, theirs.t = t, newRecorder(), t
		called := &functions[int(function)%len(functions)]
		values := decodeParams(called, params)
		if reason := incomparable(called, values); reason != "" {
			t.Skip(reason)
		}
		ours.prepare(memory)
		theirs.prepare(memory)
		got, err := ours.call(called.name, values...)
		if errors.Is(err, errEnded) {
			t.Skip("it would sleep")
		}
		want, theirErr := theirs.call(called.name, values...)
		if err != nil || theirErr != nil {
			t.Fatalf("%s%v: ours %v, theirs %v", called.name, values, err, theirErr)
		}
		if got != want {
			t.Errorf("%s%v = %d, and %d of wazero", called.name, values, got, want)
		}
	})
}

// newRival makes an instance with wazero's functions, and a process like that of a [recorder].
func newRival(t testing.TB) *instance {
	t.Helper()
	runtime := wazero.NewRuntimeWithConfig(context.Background(), wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { runtime.Close(context.Background()) })
	wasi_snapshot_preview1.MustInstantiate(t.Context(), runtime)
	out := &strings.Builder{}
	return instantiate(t, runtime, wazero.NewModuleConfig().
		WithArgs("a", "bc").WithEnv("a", "b").WithEnv("b", "cd").WithStdout(out).WithStderr(out))
}

// incomparable says why an errno of ours need not be wazero's.
func incomparable(f *function, p []uint64) string {
	switch f.name {
	case "proc_exit":
		return "wazero closes the instance"
	case "poll_oneoff":
		return "wazero knows no absolute times, waits although a stream is ready, and tells that what has not happened has"
	case "fd_close", "fd_renumber":
		return "wazero's streams close"
	case "fd_write", "fd_read":
		switch {
		case p[2] > maxVectors:
			return "ours takes so many vectors at a time, and wazero's count of their bytes overflows"
		case p[0] == stdin != (f.name == "fd_read"):
			return "wazero refuses the wrong direction only when there is something to read or write"
		case f.name == "fd_read":
			return "wazero looks at no vector behind the first that could hold something"
		}
	case "fd_fdstat_set_flags":
		switch {
		case p[1] > 1<<5-1:
			return "wazero takes flags that there are not"
		case p[0] < streams && p[1]&4 != 0:
			return "wazero's streams cannot be set to nonblock, which Go does"
		}
	}
	if f.idle != "" {
		return "wazero looks at other parameters before the descriptor, and answers otherwise for streams"
	}
	return ""
}
