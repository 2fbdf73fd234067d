//go:build !wasip1

package sluice

import (
	"github.com/sluicehttp/sluice/sdk-go/abi"
	"github.com/sluicehttp/sluice/sdk-go/internal/host"
)

// Where there is no WebAssembly, a test plays the host, and reaches the handler this way.
func init() {
	host.Subscriptions = func() abi.Subscriptions { return abi.Subscriptions(subscribed) }
	host.OnEvent = func(session abi.Session, kind abi.Event, payload []byte) { hear(Session(session), 1<<kind, payload) }
	host.Forget = func() { subscribed, onMessage, onEvents = 0, nil, nil }
}
