module github.com/sluicehttp/sluice

go 1.25.0

toolchain go1.26.8

require (
	github.com/creack/pty v1.1.24 // host: terminals that compilers print to
	github.com/fsnotify/fsnotify v1.10.1 // host: files that change while they are served
	github.com/pelletier/go-toml/v2 v2.4.3 // host: the configuration file
	github.com/spf13/cobra v1.10.2 // host: commands
	github.com/spf13/pflag v1.0.9 // host: flags
	github.com/tetratelabs/wazero v1.12.0 // engine/internal: the WebAssembly runtime
	golang.org/x/sys v0.44.0 // engine/internal/transport: epoll; engine/internal/wasmruntime: memory outside the Go heap, limits of compilers; host: terminals, in a test
)

require github.com/inconshreveable/mousetrap v1.1.0 // indirect
