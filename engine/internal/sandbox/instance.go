package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/engine/internal/hostabi"
	"github.com/sluicehttp/sluice/engine/internal/meter"
	"github.com/sluicehttp/sluice/engine/internal/rewrite"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// pageSize is the unit in which memories grow, in bytes.
const pageSize = wasmruntime.PageSize

// pullRoom is how much of the receive buffer a pushed payload leaves to pulled ones, in bytes, if it can.
const pullRoom = 1 << 10

// instance is a handler at work. It belongs to one goroutine at a time.
type instance struct {
	pool   *Pool
	module *wasmruntime.Instance
	linear api.Memory // the module's; to ask for it costs a look at the module
	meter  *meter.Meter
	call   *hostabi.Call
	events abi.Subscriptions

	onEvent api.Function // looked up once: that costs a hundred times a call
	args    [4]uint64    // of onEvent
	spare   uint32       // bytes to leave free behind a pushed payload

	// What the rewriter has added to the module: the size of the memory that the guest knows of, whether something was done
	// that an image does not hold, which blocks of memory were written, and the guest's own mutable globals.
	pages, dirty, marks api.MutableGlobal
	globals             []global
	image               *image

	busy   bool // a session has begun and not ended
	broken bool // a call was ended in its middle: nobody knows in what state the handler is
	uses   int  // sessions so far

	processor int // that has used it last

	counted int64 // bytes of memory that the pool's account holds for it
	sleeper sleeper
	printer printer
	stdout  output
	stderr  output
}

// newInstance makes an instance that is ready for its first session: in the state of the pool's image, if that holds all
// there is to a state, otherwise in one of its own making.
func (p *Pool) newInstance() (*instance, error) {
	i := &instance{pool: p, meter: meter.New(p.tenant.party, stackLimit)}
	i.call = hostabi.NewCall(i.meter, hostabi.Limits{Response: p.limits.Response})
	i.call.Observe(p.module.loader.observer, p.route)
	i.equip()
	if p.isolation == ShareInstance {
		i.call.Share()
	} else if p.module.compiled.facts.Pulls {
		i.spare = pullRoom
	}
	if err := i.instantiate(); err != nil {
		return nil, err
	}
	if err := i.prepare(); err != nil {
		i.free()
		return nil, err
	}
	return i, nil
}

// instantiate makes the instance itself.
func (i *instance) instantiate() error {
	m := i.pool.module
	if !m.compiled.acquire() {
		return ErrClosed
	}
	module, err := m.loader.runtime.Instantiate(i.call, m.compiled.code, wazero.NewModuleConfig(), i.pool.limits.Memory)
	if err != nil {
		m.compiled.release()
		return instantiationFault(err)
	}
	m.loader.instances.Add(1)
	i.module, i.linear = module, module.Memory()
	return nil
}

// instantiationFault tells a module that cannot begin from a system that has no memory left.
func instantiationFault(err error) *Fault {
	var refused *wasmruntime.MemoryError
	if errors.As(err, &refused) {
		return &Fault{FaultExhausted, err}
	}
	return &Fault{FaultTrap, fmt.Errorf("in instantiation: %w", err)}
}

// prepare makes the instance ready for its first session.
func (i *instance) prepare() error {
	if err := i.findGlobals(); err != nil {
		return internal(err)
	}
	i.onEvent = i.module.ExportedFunction("on_event")
	i.meter.Begin(nil, i.pool.limits.Start)
	defer i.meter.End()
	image := i.pool.image
	if image != nil && image.portable {
		i.events = image.events
		i.call.Attach(i.linear, i.events)
		if !i.adopt(image) {
			return &Fault{FaultExhausted, &wasmruntime.MemoryError{Reason: i.module.MemoryRefused()}}
		}
		return nil
	}
	if err := i.fill(); err != nil {
		return err
	}
	if err := i.start(); err != nil {
		return err
	}
	if image != nil && image.events != i.events {
		return &Fault{FaultABI, fmt.Errorf("subscriptions returned %#x, and %#x when the module was loaded",
			uint32(i.events), uint32(image.events))}
	}
	i.image = i.takeImage()
	i.dirty.Set(0)
	i.unmark()
	return nil
}

// findGlobals looks up what the rewriter has added.
func (i *instance) findGlobals() error {
	mutable := func(name string) api.MutableGlobal {
		global, _ := i.module.ExportedGlobal(name).(api.MutableGlobal)
		return global
	}
	budget := mutable(rewrite.BudgetExport)
	i.pages, i.dirty, i.marks = mutable(rewrite.PagesExport), mutable(rewrite.DirtyExport), mutable(rewrite.MarksExport)
	if budget == nil || i.pages == nil || i.dirty == nil || i.marks == nil {
		return errors.New("the rewritten module lacks a global")
	}
	i.meter.Attach(budget)
	for _, g := range i.pool.module.compiled.facts.Globals {
		if g.Export == "" {
			lanes := &lanes{call: i.call, get: i.module.ExportedFunction(g.GetLanes), set: i.module.ExportedFunction(g.SetLanes)}
			i.globals = append(i.globals, lane{lanes, 0}, lane{lanes, 1})
			continue
		}
		i.globals = append(i.globals, mutable(g.Export))
	}
	return nil
}

// fill gives the instance what was separated from its code.
func (i *instance) fill() error {
	state := &i.pool.module.state
	if state.Pages > 0 {
		if !i.growTo(state.Pages) {
			return &Fault{FaultExhausted, &wasmruntime.MemoryError{Reason: i.module.MemoryRefused()}}
		}
		i.pages.Set(uint64(state.Pages))
	}
	for _, data := range state.Data {
		if !i.linear.Write(data.Offset, data.Bytes) {
			return &Fault{FaultTrap, fmt.Errorf("in instantiation: data[%d]: out of bounds memory access", data.Segment)}
		}
	}
	at, values := 0, state.Globals
	for mutable, g := range i.pool.module.compiled.facts.Globals {
		if len(values) > 0 && values[0].Mutable == mutable {
			i.globals[at].Set(values[0].Bits)
			values = values[1:]
		}
		if at++; g.Export == "" { // a vector: two lanes
			at++
		}
	}
	return nil
}

// start calls the exports that come before the first event, in the order that the interface gives.
func (i *instance) start() error {
	defer i.flush()
	for _, export := range []string{rewrite.StartExport, "_initialize"} {
		if _, err := i.run(export); err != nil {
			return err
		}
	}
	events, err := i.run("subscriptions")
	if err != nil {
		return err
	}
	i.events = abi.Subscriptions(events)
	if refusal := checkSubscriptions(i.events); refusal != nil {
		return &Fault{FaultABI, refusal}
	}
	i.call.Attach(i.linear, i.events)
	refusal, err := i.askForRoom(0)
	if err != nil {
		return err
	}
	if refusal != nil {
		return &Fault{FaultABI, refusal}
	}
	return nil
}

// readEvents are the events of a request.
const readEvents = abi.SubscriptionsLineReady | abi.SubscriptionsHeaderReady | abi.SubscriptionsDataReady |
	abi.SubscriptionsReady

func checkSubscriptions(events abi.Subscriptions) error {
	if unknown := events &^ hostabi.AllSubscriptions; unknown != 0 {
		return fmt.Errorf("subscriptions returned %#x, of which %#x names no event of %s",
			uint32(events), uint32(unknown), abi.HandlerImportModule)
	}
	if events&readEvents == 0 {
		return fmt.Errorf("subscriptions returned %#x, no event of a request: the handler would never hear of one",
			uint32(events))
	}
	return nil
}

// run calls an export with up to one argument and one result, if it is there.
func (i *instance) run(export string, args ...uint64) (uint32, error) {
	function := i.module.ExportedFunction(export)
	if function == nil {
		return 0, nil
	}
	stack := append(args, 0)
	err := function.CallWithStack(i.call, stack)
	i.meter.Pause()
	if err != nil {
		return 0, i.fault(export, err)
	}
	return uint32(stack[0]), nil // the upper half may hold anything
}

// askForRoom has the handler give a receive buffer of so many bytes. It returns why there is no such buffer, or with err
// why the call failed.
func (i *instance) askForRoom(need uint32) (refusal, err error) {
	address, err := i.run("receive_buffer", uint64(need))
	if err != nil {
		return nil, err
	}
	return i.call.SetReceiveBuffer(address, need), nil
}

// serve has the handler answer an exchange.
func (i *instance) serve(x exchange.Exchange) error {
	i.uses++
	i.busy = true
	i.sleeper.left = i.sleeper.limit
	s := i.call.Begin(x)
	i.meter.Begin(s, i.pool.limits.CPU)
	defer i.end(s)
	err := i.listen(s, x)
	i.busy = false
	return err
}

// listen has the handler hear every event until the last, or until something fails.
func (i *instance) listen(s *hostabi.Session, x exchange.Exchange) error {
	pace := pacer{gap: i.pool.eventGap}
	for {
		if err := pace.pace(x); err != nil {
			return err
		}
		if err := s.Next(i.spare); err != nil {
			if err == exchange.ErrEnd {
				return nil
			}
			return err
		}
		if err := i.deliver(s); err != nil {
			return err
		}
	}
}

// worn reports whether the instance must not have another session.
func (i *instance) worn() bool {
	return i.busy || i.broken || i.call.Spent() || i.pool.maxReuse > 0 && i.uses >= i.pool.maxReuse
}

func (i *instance) end(s *hostabi.Session) {
	fuel, cpu := i.meter.End()
	i.pool.charge(fuel, cpu)
	s.End()
	i.flush()
	if i.pool.log.Enabled(context.Background(), slog.LevelDebug) {
		i.pool.log.Debug("session ended", "fuel", fuel, "cpu", cpu, "memory", i.linear.Size())
	}
}

// deliver calls on_event with the present event.
func (i *instance) deliver(s *hostabi.Session) error {
	payload, err := i.place(s)
	if err != nil {
		return err
	}
	i.args = [4]uint64{uint64(s.ID()), uint64(s.Event()), uint64(payload.Ptr), uint64(payload.Len)}
	err = i.onEvent.CallWithStack(i.call, i.args[:])
	i.meter.Pause()
	if err != nil {
		return i.fault("on_event", err)
	}
	return nil
}

// place writes the payload of the present event to the receive buffer, to a larger one if need be.
func (i *instance) place(s *hostabi.Session) (abi.Bytes, error) {
	payload, err := s.Place(i.spare)
	if err != nil {
		return i.placeInMore(s, err)
	}
	return payload, nil
}

// placeInMore asks the handler for a larger buffer because a payload could not be placed.
func (i *instance) placeInMore(s *hostabi.Session, err error) (payload abi.Bytes, _ error) {
	var tooLarge *hostabi.TooLarge
	if !errors.As(err, &tooLarge) {
		return payload, internal(err)
	}
	s.Hold()
	refusal, err := i.askForRoom(uint32(min(tooLarge.Need+uint64(i.spare), math.MaxUint32)))
	if err != nil {
		return payload, err
	}
	if refusal == nil {
		return s.Place(i.spare)
	}
	// The payload may fit nevertheless, if nothing is left to those that are pulled.
	if payload, err = s.Place(0); err != nil {
		err = fmt.Errorf("%w: %w", err, refusal)
	}
	return payload, err
}

// Do implements [exchange.Task]: the instance is made clean for the next session, or given up.
func (i *instance) Do() { i.pool.put(i) }

// Unbind implements [exchange.Bound].
func (i *instance) Unbind() { i.pool.put(i) }

// free ends the instance. No call may be running in it.
func (i *instance) free() {
	_ = i.module.Close(context.Background()) // closes no files, so it cannot fail
	i.pool.module.loader.instances.Add(-1)
	i.pool.module.compiled.release()
}

// stackLimit is how much stack the calls of a handler may nest to, in bytes as the rewriter estimates them, which is up to
// twice too little and as a rule twice too much. It lies on the Go heap, outside of every other limit. Interpreters need it:
// each call in a script takes some 16 KiB of theirs.
const stackLimit = 4 << 20
