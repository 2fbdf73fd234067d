module github.com/sluicehttp/sluice/bench

go 1.26.0

toolchain go1.26.8

replace github.com/sluicehttp/sluice => ../

require (
	github.com/sluicehttp/sluice v0.0.0-00010101000000-000000000000
	golang.org/x/sys v0.49.0
)

require github.com/tetratelabs/wazero v1.12.0 // indirect
