package wasi

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// Where polls in tests lie in memory.
const (
	pollIn, pollOut, pollCount = 1 << 10, 1 << 12, 8
)

func onClock(id uint32, timeout uint64, flags uint16) []byte {
	b := make([]byte, subscriptionSize)
	le.PutUint32(b[16:], id)
	le.PutUint64(b[24:], timeout)
	le.PutUint16(b[40:], flags)
	return b
}

func onStream(kind byte, fd uint32) []byte {
	b := make([]byte, subscriptionSize)
	b[8] = kind
	le.PutUint32(b[16:], fd)
	return b
}

// poll polls, each subscription with its index as userdata.
func (i *instance) poll(subscriptions ...[]byte) (Errno, error) {
	for n, s := range subscriptions {
		s := slices.Clone(s)
		le.PutUint64(s, uint64(n))
		i.Memory().Write(uint32(pollIn+n*subscriptionSize), s)
	}
	return i.call("poll_oneoff", pollIn, pollOut, uint64(len(subscriptions)), pollCount)
}

// event is what a poll tells.
type event struct {
	userdata uint64
	errno    Errno
	kind     byte
}

func (i *instance) events() (list []event) {
	count, _ := i.Memory().ReadUint32Le(pollCount)
	for n := range count {
		b, _ := i.Memory().Read(pollOut+n*eventSize, eventSize)
		list = append(list, event{le.Uint64(b), Errno(le.Uint16(b[8:])), b[10]})
	}
	return list
}

func TestPoll(t *testing.T) {
	hour := uint64(time.Hour)
	realtime := uint64(time.Now().UnixNano())
	for _, test := range []struct {
		name  string
		in    [][]byte
		want  []event
		slept bool
	}{
		{"a clock", [][]byte{onClock(clockMonotonic, 1000, 0)}, []event{{0, Success, 0}}, true},
		{"no time", [][]byte{onClock(clockRealtime, 0, 0)}, []event{{0, Success, 0}}, false},
		{"the shorter of two", [][]byte{onClock(clockMonotonic, hour, 0), onClock(clockRealtime, 1000, 0)},
			[]event{{1, Success, 0}}, true},
		{"both of two", [][]byte{onClock(clockMonotonic, 1000, 0), onClock(clockMonotonic, 1000, 0)},
			[]event{{0, Success, 0}, {1, Success, 0}}, true},
		{"a time that has passed", [][]byte{onClock(clockRealtime, realtime, 1)}, []event{{0, Success, 0}}, false},
		{"the start of the clock", [][]byte{onClock(clockMonotonic, 0, 1)}, []event{{0, Success, 0}}, false},
		{"reading", [][]byte{onStream(1, stdin)}, []event{{0, Success, 1}}, false},
		{"writing", [][]byte{onStream(2, stdout), onStream(2, stderr)}, []event{{0, Success, 2}, {1, Success, 2}}, false},
		{"writing or an hour", [][]byte{onClock(clockMonotonic, hour, 0), onStream(2, stdout)}, []event{{1, Success, 2}}, false},
		{"the wrong way", [][]byte{onStream(1, stdout), onStream(2, stdin)}, []event{{0, Badf, 1}, {1, Badf, 2}}, false},
		{"a file", [][]byte{onStream(1, 3), onStream(2, math.MaxUint32), onClock(0, hour, 0)},
			[]event{{0, Badf, 1}, {1, Badf, 2}}, false},
		{"other clocks", [][]byte{onClock(2, hour, 0), onClock(math.MaxUint32, hour, 1)},
			[]event{{0, Inval, 0}, {1, Inval, 0}}, false},
		{"other flags", [][]byte{onClock(0, hour, 2)}, []event{{0, Inval, 0}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := newInstance(t)
			i.fill('?')
			errno, err := i.poll(test.in...)
			if got := i.events(); errno != Success || err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %v (errno %d, %v), want %v", got, errno, err, test.want)
			}
			if slept := len(i.r.slept) > 0; slept != test.slept {
				t.Errorf("slept %v", i.r.slept)
			}
		})
	}
}

// TestPollWritesWholeEvents looks at every byte of an event.
func TestPollWritesWholeEvents(t *testing.T) {
	i := newInstance(t)
	i.fill('?')
	if _, err := i.poll(onClock(clockMonotonic, 0, 2), onStream(1, 3)); err != nil {
		t.Fatal(err)
	}
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	i.wantBytes(pollOut, "?"+zeros(8)+"\x1c\x00"+"\x00"+zeros(21)+"\x01"+zeros(7)+"\x08\x00"+"\x01"+zeros(21)+"?")
	i.wantBytes(pollCount, "?\x02\x00\x00\x00?")
}

// TestPollSleepsAsLongAsAsked has the caller end the call, and looks at how long it was to sleep.
func TestPollSleepsAsLongAsAsked(t *testing.T) {
	now := uint64(time.Now().UnixNano())
	hour := uint64(time.Hour)
	for _, test := range []struct {
		name      string
		in        []byte
		low, high time.Duration
	}{
		{"relative", onClock(clockMonotonic, hour, 0), time.Hour, time.Hour},
		{"relative, realtime", onClock(clockRealtime, hour, 0), time.Hour, time.Hour},
		{"as long as durations get", onClock(clockMonotonic, math.MaxInt64, 0), math.MaxInt64, math.MaxInt64},
		{"longer", onClock(clockMonotonic, math.MaxInt64+1, 0), math.MaxInt64, math.MaxInt64},
		{"for ever", onClock(clockMonotonic, math.MaxUint64, 0), math.MaxInt64, math.MaxInt64},
		{"absolute", onClock(clockRealtime, now+hour, 1), 59 * time.Minute, time.Hour},
		{"absolute, monotonic", onClock(clockMonotonic, uint64(time.Since(started))+hour, 1), 59 * time.Minute, time.Hour},
		{"the end of time", onClock(clockRealtime, math.MaxUint64, 1), math.MaxInt64, math.MaxInt64},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := newInstance(t)
			if _, err := i.poll(test.in); !errors.Is(err, errEnded) {
				t.Errorf("got error %v, want the end of the call", err)
			}
			if len(i.r.slept) != 1 || i.r.slept[0] < test.low || i.r.slept[0] > test.high {
				t.Errorf("slept %v, want %v to %v", i.r.slept, test.low, test.high)
			}
		})
	}
}

func TestPollErrors(t *testing.T) {
	i := newInstance(t)
	i.want(Inval, "poll_oneoff", pollIn, pollOut, 0, pollCount)
	i.want(Fault, "poll_oneoff", end-47, pollOut, 1, pollCount)
	i.want(Fault, "poll_oneoff", pollIn, end-31, 1, pollCount)
	i.want(Fault, "poll_oneoff", pollIn, pollOut, 1, end-3)
	i.want(Fault, "poll_oneoff", 0, 0, math.MaxUint32, 0)
	i.want(Fault, "poll_oneoff", 0, 0, 1<<28+1, 0) // whose sizes do not fit in 32 bits, and are small in what does
	i.want(Inval, "poll_oneoff", 0, 0, maxSubscriptions+1, 0)
	if errno, err := i.poll(onStream(3, 0)); errno != Inval || err != nil {
		t.Errorf("another kind: %d, %v", errno, err)
	}
}
