module github.com/sluicehttp/sluice/bench

go 1.25.0

toolchain go1.26.8

replace github.com/sluicehttp/sluice => ../

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0
	github.com/sluicehttp/sluice v0.0.0-00010101000000-000000000000
	github.com/spf13/cobra v1.10.2
	github.com/spf13/pflag v1.0.9
	github.com/valyala/fasthttp v1.69.0
	golang.org/x/sys v0.44.0
)

require (
	github.com/andybalholm/brotli v1.2.0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/klauspost/compress v1.18.2 // indirect
	github.com/tetratelabs/wazero v1.12.0 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
)
