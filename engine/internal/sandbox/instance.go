package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/engine/internal/hostabi"
	"github.com/sluicehttp/sluice/engine/internal/wasmruntime"
)

// pullRoom is how much of the receive buffer a pushed payload leaves to pulled ones, in bytes, if it can.
const pullRoom = 1 << 10

// ErrClosed says that a pool, or the module that it is of, was closed.
var ErrClosed = errors.New("the handler is closed")

// instance is a handler at work. It belongs to one goroutine at a time.
type instance struct {
	module        api.Module
	compiled      *compiled
	call          *hostabi.Call
	subscriptions abi.Subscriptions
	onEvent       api.Function // looked up once: that costs a hundred times a call
	args          [4]uint64    // of onEvent
	spare         uint32       // bytes to leave free behind a pushed payload
	touched       bool         // the handler has run in the session, and has not finished it
	counted       int64        // bytes of memory that the pool's account holds for it
	sleeper       sleeper
	stdout        output
	stderr        output
}

// newInstance makes an instance that is ready for its first session. What the handler prints goes to log; it may sleep for
// maxSleep, first until it is ready and then in each session.
func (m *Module) newInstance(log *slog.Logger, maxSleep time.Duration) (*instance, error) {
	if !m.compiled.acquire() {
		return nil, ErrClosed
	}
	m.loader.instances.Add(1)
	i := &instance{
		compiled: m.compiled,
		call:     hostabi.NewCall(),
		stdout:   output{log: log, stream: "stdout"},
		stderr:   output{log: log, stream: "stderr"},
	}
	i.sleeper = sleeper{call: i.call, limit: maxSleep, left: maxSleep}
	if m.pulls {
		i.spare = pullRoom
	}
	config := wasiConfig().WithStdout(&i.stdout).WithStderr(&i.stderr).WithNanosleep(i.sleeper.sleep)
	module, err := m.loader.runtime.Instantiate(i.call, m.compiled.code, config, m.loader.checker.maxMemory)
	if err != nil {
		m.loader.instances.Add(-1)
		m.compiled.release()
		return nil, instantiationFault(err)
	}
	i.module = module
	if err = i.start(); err != nil {
		i.close()
		return nil, err
	}
	if m.subscriptions != 0 && m.subscriptions != i.subscriptions {
		i.close()
		return nil, &Fault{FaultABI, fmt.Errorf("subscriptions returned %#x, and %#x when the module was loaded",
			i.subscriptions, m.subscriptions)}
	}
	return i, nil
}

// instantiationFault tells a start function that failed from a system that has no memory left.
func instantiationFault(err error) *Fault {
	var refused *wasmruntime.MemoryError
	if errors.As(err, &refused) {
		return &Fault{FaultExhausted, err}
	}
	return faultOf("instantiation", err)
}

// start calls the exports that come before the first event, in the order that the interface gives.
func (i *instance) start() error {
	defer i.flush()
	if _, err := i.run("_initialize"); err != nil {
		return err
	}
	events, err := i.run("subscriptions")
	if err != nil {
		return err
	}
	i.subscriptions = abi.Subscriptions(events)
	if refusal := checkSubscriptions(i.subscriptions); refusal != nil {
		return &Fault{FaultABI, refusal}
	}
	i.call.Attach(i.module.Memory(), i.subscriptions)
	refusal, err := i.askForRoom(0)
	if err != nil {
		return err
	}
	if refusal != nil {
		return &Fault{FaultABI, refusal}
	}
	i.onEvent = i.module.ExportedFunction("on_event")
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
	if err := function.CallWithStack(i.call, stack); err != nil {
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

// serve has the handler answer an exchange: it hears every event until the last, or until something fails.
func (i *instance) serve(x exchange.Exchange) error {
	i.touched = false
	i.sleeper.left = i.sleeper.limit
	i.call.Begin(x)
	defer i.end()
	for {
		if err := i.call.Next(i.spare); err != nil {
			if !errors.Is(err, exchange.ErrEnd) {
				return err
			}
			i.touched = false
			return nil
		}
		if err := i.deliver(); err != nil {
			return err
		}
	}
}

func (i *instance) end() {
	i.call.End()
	i.flush()
}

// deliver calls on_event with the present event.
func (i *instance) deliver() error {
	payload, err := i.place()
	if err != nil {
		return err
	}
	i.touched = true
	i.args = [4]uint64{uint64(i.call.Session()), uint64(i.call.Event()), uint64(payload.Ptr), uint64(payload.Len)}
	if err = i.onEvent.CallWithStack(i.call, i.args[:]); err != nil {
		return i.fault("on_event", err)
	}
	return nil
}

// place writes the payload of the present event to the receive buffer, to a larger one if need be.
func (i *instance) place() (abi.Bytes, error) {
	payload, err := i.call.Place(i.spare)
	if err != nil {
		return i.placeInMore(err)
	}
	return payload, nil
}

// placeInMore asks the handler for a larger buffer because a payload could not be placed.
func (i *instance) placeInMore(err error) (payload abi.Bytes, _ error) {
	var tooLarge *hostabi.TooLarge
	if !errors.As(err, &tooLarge) {
		return payload, internal(err)
	}
	refusal, err := i.askForRoom(uint32(min(tooLarge.Need+uint64(i.spare), math.MaxUint32)))
	if err != nil {
		return payload, err
	}
	if refusal == nil {
		return i.call.Place(i.spare)
	}
	// The payload may fit nevertheless, if nothing is left to those that are pulled.
	if payload, err = i.call.Place(0); err != nil {
		err = fmt.Errorf("%w: %w", err, refusal)
	}
	return payload, err
}

// fault is what a failed call of an export means: what an import ended it for, or a fault.
func (i *instance) fault(export string, err error) error {
	i.touched = true
	switch aborted := i.call.Aborted(); {
	case aborted == nil, errors.Is(aborted, errOverslept):
		return faultOf(export, err)
	case errors.Is(aborted, hostabi.ErrFields):
		return internal(aborted)
	default:
		return aborted
	}
}

// flush prints what the handler has printed without ending the line.
func (i *instance) flush() {
	i.stdout.flush()
	i.stderr.flush()
}

// close ends the instance. No call may be running in it.
func (i *instance) close() {
	_ = i.module.Close(context.Background()) // closes no files, so it cannot fail
	i.compiled.loader.instances.Add(-1)
	i.compiled.release()
}
