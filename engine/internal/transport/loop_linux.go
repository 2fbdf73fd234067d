package transport

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A loop watches the sockets of many connections, and whoever leads it serves them: a goroutine that learns that a socket
// has become readable reads from it, has the handler answer and writes, itself. So a request costs no switch between
// goroutines, and no read that finds nothing; a connection that waits for a request has no goroutine and no stack.
//
// What is served may have to wait: for the rest of a body, for room in a socket, for a lane. Then it passes the lead on to
// another goroutine and goes on as one of its own, until its connection waits for a request again. Code below [conn]
// therefore waits where it likes, so long as it calls [conn.yield] first; and if it cannot know, the reaper takes the lead
// away from it.
//
// A loop goes round: it learns which sockets are ready, serves them one after the other, and writes what they have postponed.

// lead is the turn of a goroutine that leads a loop.
type lead struct {
	loop *loop
	turn uint64
	// began is when the round did, a moment of the clock.
	began int64
	last  bool // no other socket is to be served in this round
	steps int  // requests and reads since the connection was taken up
}

// maxSteps is how many requests and reads of one connection a loop waits for: those of peers that pipeline moderately. Who sends
// without an end must not keep it from others.
const maxSteps = 32

// more reports whether others are to be served before what is postponed now would be written.
func (l lead) more() bool { return l.loop != nil && !l.last }

// roundBegan is when the round began, a moment of the clock; 0 for those who do not lead.
func (l lead) roundBegan() int64 {
	if l.loop == nil || l.loop.turn.Load() != l.turn {
		return 0
	}
	return l.began
}

// postpone has a connection be served again at the end of the round. It reports false when the turn is over.
func (l lead) postpone(c *conn) bool {
	l.loop.mu.Lock()
	defer l.loop.mu.Unlock()
	if l.loop.turn.Load() != l.turn {
		return false
	}
	l.loop.postponed = append(l.loop.postponed, c)
	return true
}

// batch is how many sockets a loop learns about at a time: more would wait long, and wear out the caches.
const batch = 32

// loop is one loop. There are as many as processors.
type loop struct {
	clock  *clock
	number int // its place among all
	epoll  int
	// alarm is an eventfd that ends a wait.
	alarm int

	mu sync.Mutex
	// turn is the leader's. Whoever leads has to give up when it is another's.
	turn atomic.Uint64
	// serving says that the leader has taken an event and not come back, served how many were taken, and seen how many had been
	// when the reaper looked.
	serving      bool
	served, seen uint64
	// events are those of which the leader has learnt, of which some were taken. Only the leader writes them.
	events       [batch]unix.EpollEvent
	taken, count int
	// began is when it learnt of them, a moment of the clock.
	began int64
	// postponed are the connections that come at the end of the round, of which some were written.
	postponed []*conn
	written   int
	// followers are goroutines that wait to lead: their stacks have grown to what serving takes.
	followers []chan uint64
	// sockets are those that are watched, by their place; free are places without one.
	sockets []*polled
	free    []int32
	closing bool
}

// loops are the loops of a server.
type loops struct{ all []*loop }

// open makes so many loops, unless they are there.
func (l *loops) open(count int, clock *clock) error {
	for len(l.all) < count {
		one, err := newLoop(clock, len(l.all))
		if err != nil {
			return err
		}
		l.all = append(l.all, one)
		go one.run(0)
	}
	return nil
}

// unstick takes the lead from those who have had the same event since the last call.
func (l *loops) unstick() {
	for _, one := range l.all {
		one.unstick()
	}
}

// close ends each loop once its last socket is closed.
func (l *loops) close() {
	for _, one := range l.all {
		one.close()
	}
}

func newLoop(clock *clock, number int) (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	alarm, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epoll)
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	l := &loop{clock: clock, number: number, epoll: epoll, alarm: alarm}
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, alarm, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: noPlace}); err != nil {
		unix.Close(alarm)
		unix.Close(epoll)
		return nil, fmt.Errorf("epoll_ctl: %w", err)
	}
	return l, nil
}

// noPlace stands for the alarm among the places of sockets.
const noPlace = -1

// maxFollowers is how many goroutines wait to lead a loop.
const maxFollowers = 16

// run leads a loop again and again, and waits for its next turn in between.
func (l *loop) run(turn uint64) {
	next := make(chan uint64, 1)
	for more := true; more; turn, more = <-next {
		l.lead(turn)
		if !l.follow(next) {
			return
		}
	}
}

// follow has a goroutine learn of its next turn, unless enough wait for theirs. The channel is closed when the loop ends.
func (l *loop) follow(next chan uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.followers) == maxFollowers || l.ended() {
		return false
	}
	l.followers = append(l.followers, next)
	return true
}

// lead serves what the loop learns of, as long as the turn lasts.
func (l *loop) lead(turn uint64) {
	for {
		c, lasts := l.take(turn)
		switch {
		case c != nil:
			c.serve()
		case !lasts:
			return
		case !l.wait():
			l.end()
			return
		}
	}
}

// take gives the next connection to be served: nil at the end of the round. lasts is false when the turn is over.
func (l *loop) take(turn uint64) (next *conn, lasts bool) {
	l.mu.Lock()
	if l.turn.Load() != turn {
		l.mu.Unlock()
		return nil, false
	}
	if next = l.takeReady(); next == nil {
		next = l.takePostponed()
	}
	if l.serving = next != nil; l.serving {
		l.served++
		next.lead = lead{loop: l, turn: turn, began: l.began, last: l.taken == l.count}
	}
	l.mu.Unlock()
	return next, true
}

// takeReady finds a connection that has something to do, and that nobody serves.
func (l *loop) takeReady() *conn {
	for l.taken < l.count {
		event := &l.events[l.taken]
		l.taken++
		if event.Fd == noPlace {
			l.silence()
			continue
		}
		// The place may be another's by now.
		if socket := l.sockets[event.Fd]; socket != nil && socket.age == event.Pad && socket.ready(readiness(event.Events)) {
			return socket.conn
		}
	}
	return nil
}

func (l *loop) takePostponed() *conn {
	if l.written == len(l.postponed) {
		l.postponed, l.written = l.postponed[:0], 0
		return nil
	}
	l.written++
	return l.postponed[l.written-1]
}

// wait waits until there are events. It reports false when there will be none.
func (l *loop) wait() bool {
	n := l.poll(0)
	if n == 0 {
		// Whoever else is ready to run does so first: the operating system does not know of them.
		runtime.Gosched()
		if n = l.poll(0); n == 0 {
			l.mu.Lock()
			ended := l.ended()
			l.mu.Unlock()
			if ended {
				return false
			}
			n = l.poll(-1)
		}
	}
	l.mu.Lock()
	l.taken, l.count, l.began = 0, n, l.clock.now()
	l.mu.Unlock()
	return true
}

// poll asks for events, and waits for them so many milliseconds, or for as long as it takes: -1.
func (l *loop) poll(milliseconds int) int {
	var n uintptr
	var err syscall.Errno
	if milliseconds == 0 { // it does not wait, so the scheduler need not know
		n, _, err = syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epoll), uintptr(unsafe.Pointer(&l.events)), batch, 0, 0, 0)
	} else {
		n, _, err = syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epoll), uintptr(unsafe.Pointer(&l.events)), batch, uintptr(milliseconds), 0, 0)
	}
	if err != 0 {
		return 0 // a signal
	}
	return int(n)
}

// pass ends a turn and has a new goroutine lead.
func (l *loop) pass(turn uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turn.Load() == turn {
		l.passOn()
	}
}

// passOn is called with the lock, and not while the leader waits.
func (l *loop) passOn() {
	l.serving = false
	turn := l.turn.Add(1)
	if last := len(l.followers) - 1; last >= 0 {
		l.followers[last] <- turn
		l.followers = l.followers[:last]
		return
	}
	go l.run(turn)
}

func (l *loop) unstick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.serving && l.served == l.seen {
		l.passOn()
	}
	l.seen = l.served
}

// watch begins to watch a socket. Whether it can or not, the socket is to be closed some time.
func (l *loop) watch(s *polled) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last := len(l.free) - 1; last >= 0 {
		s.place = l.free[last]
		l.free = l.free[:last]
		l.sockets[s.place] = s
	} else {
		s.place = int32(len(l.sockets))
		l.sockets = append(l.sockets, s)
	}
	return l.control(unix.EPOLL_CTL_ADD, s, unix.EPOLLIN)
}

// watchWriting has a socket say when it becomes writable, too.
func (l *loop) watchWriting(s *polled) error {
	return l.control(unix.EPOLL_CTL_MOD, s, unix.EPOLLIN|unix.EPOLLOUT)
}

// control tells the operating system what to watch. It tells of each change once.
func (l *loop) control(operation int, s *polled, events uint32) error {
	event := unix.EpollEvent{Events: events | unix.EPOLLRDHUP | unix.EPOLLET&(1<<32-1), Fd: s.place, Pad: s.age}
	if err := unix.EpollCtl(l.epoll, operation, s.fd, &event); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

// forget ends the watch of a socket that is about to be closed.
func (l *loop) forget(s *polled) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.place != noPlace { // it was never watched
		l.sockets[s.place] = nil
		l.free = append(l.free, s.place)
	}
	if l.ended() {
		l.ring()
	}
}

func (l *loop) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing = true
	l.ring()
}

// ring has the leader look whether the loop is to end.
func (l *loop) ring() {
	one := [8]byte{0: 1}
	_, _ = unix.Write(l.alarm, one[:])
}

func (l *loop) silence() {
	var rings [8]byte
	_, _ = unix.Read(l.alarm, rings[:])
}

// ended reports whether there will be no events any more. Called with the lock.
func (l *loop) ended() bool { return l.closing && len(l.free) == len(l.sockets) }

func (l *loop) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, next := range l.followers {
		close(next)
	}
	l.followers = nil
	unix.Close(l.alarm)
	unix.Close(l.epoll)
}

// step notes a request or a read, and yields when there were many.
func (c *conn) step() {
	if c.lead.steps++; c.lead.steps > maxSteps {
		c.yield()
	}
}

// yield passes the lead on, if the connection's goroutine has it: it is about to wait, or to work for long.
func (c *conn) yield() {
	if c.lead.loop != nil {
		c.lead.loop.pass(c.lead.turn)
		c.lead = lead{}
	}
}
