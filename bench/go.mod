module github.com/sluicehttp/sluice/bench

go 1.25.0

toolchain go1.26.8

replace github.com/sluicehttp/sluice => ../

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0 // load: latencies
	github.com/sluicehttp/sluice v0.0.0-00010101000000-000000000000 // server: what is measured
	github.com/spf13/cobra v1.10.2 // commands
	github.com/spf13/pflag v1.0.9 // server: flags
	github.com/valyala/fasthttp v1.69.0 // server: a rival
	golang.org/x/sys v0.44.0 // measure: processor clocks of other processes; load: sleeping precisely
	gonum.org/v1/plot v0.17.0 // report: plots
)

require (
	codeberg.org/go-fonts/liberation v0.5.0 // indirect
	codeberg.org/go-latex/latex v0.2.0 // indirect
	codeberg.org/go-pdf/fpdf v0.11.1 // indirect
	git.sr.ht/~sbinet/gg v0.7.0 // indirect
	github.com/ajstarks/svgo v0.0.0-20211024235047-1546f124cd8b // indirect
	github.com/andybalholm/brotli v1.2.0 // indirect
	github.com/golang/freetype v0.0.0-20170609003504-e2365dfdc4a0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/klauspost/compress v1.18.2 // indirect
	github.com/tetratelabs/wazero v1.12.0 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	golang.org/x/image v0.30.0 // indirect
	golang.org/x/text v0.32.0 // indirect
)
