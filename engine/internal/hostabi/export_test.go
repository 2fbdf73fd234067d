package hostabi

import "github.com/sluicehttp/sluice/abi"

// SkipTo has the next session be the one after.
func (c *Call) SkipTo(session abi.Session) { c.session = session }
