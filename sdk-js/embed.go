// Package sdkjs holds the JavaScript SDK, for projects that `sluice new` writes.
package sdkjs

import "embed"

// Source is the package sluice-js, without what only its own tests and the build of its engine need.
//
//go:embed abi.d.ts abi.js build engine/LICENSES engine/engine.wasm package.json runtime
var Source embed.FS
