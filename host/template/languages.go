package template

import (
	"github.com/sluicehttp/sluice/examples"
	sdkas "github.com/sluicehttp/sluice/sdk-as"
	sdkc "github.com/sluicehttp/sluice/sdk-c"
	sdkgo "github.com/sluicehttp/sluice/sdk-go"
	sdkrust "github.com/sluicehttp/sluice/sdk-rust"
	sdkzig "github.com/sluicehttp/sluice/sdk-zig"
)

// languages are in the order in which people are told of them.
var languages = []Language{
	{
		Name: "rust", Title: "Rust", Aliases: []string{"rs"},
		Tools: "Rust with the target wasm32-unknown-unknown (`rustup target add wasm32-unknown-unknown`; on Debian:" +
			" `apt-get install cargo libstd-rust-dev-wasm32 lld`)",
		Main:    "src/lib.rs",
		Build:   "cargo build --release",
		Handler: "target/wasm32-unknown-unknown/release/CRATE.wasm",
		Watch:   []string{"src", "Cargo.toml", ".cargo", "sluice-sdk"},
		Ignore:  []string{"target/"},
		parts: []part{
			{
				from: examples.Source, root: "rust/hello/Cargo.toml", to: "Cargo.toml",
				adjust: []string{`name = "hello"`, `name = "NAME"`, `path = "../../../sdk-rust"`, `path = "` + sdkFolder + `"`},
			},
			{from: examples.Source, root: "rust/hello/.cargo", to: ".cargo"},
			{from: examples.Source, root: "rust/hello/src", to: "src"},
			{from: sdkrust.Source, root: ".", to: sdkFolder},
		},
	},
	{
		Name: "go", Title: "Go", Aliases: []string{"golang"},
		Tools: "Go 1.25 or newer",
		Main:  "main.go",
		Build: "go build -buildmode=c-shared -trimpath -ldflags=-s -o handler.wasm .",
		BuildEnv: []Variable{
			{"GOOS", "wasip1"},
			{"GOARCH", "wasm"},
		},
		Handler: "handler.wasm",
		Watch:   []string{"."},
		Ignore:  []string{"handler.wasm"},
		parts: []part{
			{from: examples.Source, root: "go/hello/main.go", to: "main.go"},
			{from: sdkgo.Source, root: ".", to: sdkFolder + "/sdk-go"},
			{from: files, root: "files/go"},
		},
	},
	{
		Name: "c", Title: "C",
		Tools: "clang and lld (on Debian: `apt-get install clang lld`)",
		Main:  "handler.c",
		Build: "clang --target=wasm32 -std=c11 -Wall -Wextra -O2 -ffreestanding -nostdlib -I sluice-sdk" +
			" -Wl,--no-entry,--strip-all,--stack-first,-z,stack-size=16384 -o handler.wasm handler.c",
		Handler: "handler.wasm",
		Watch:   []string{"."},
		Ignore:  []string{"handler.wasm"},
		parts: []part{
			{from: examples.Source, root: "c/hello/handler.c", to: "handler.c"},
			{from: sdkc.Source, root: ".", to: sdkFolder},
		},
	},
	{
		Name: "zig", Title: "Zig",
		Tools: "Zig 0.15",
		Main:  "handler.zig",
		Build: "zig build-exe -target wasm32-freestanding -O ReleaseSmall -fno-entry -rdynamic --dep sluice" +
			" -Mroot=handler.zig -Msluice=sluice-sdk/sluice.zig -femit-bin=handler.wasm",
		Handler: "handler.wasm",
		Watch:   []string{"."},
		Ignore:  []string{".zig-cache/", "handler.wasm"},
		parts: []part{
			{from: examples.Source, root: "zig/hello/handler.zig", to: "handler.zig"},
			{from: sdkzig.Source, root: ".", to: sdkFolder},
		},
	},
	{
		Name: "as", Title: "AssemblyScript", Aliases: []string{"assemblyscript", "asc"},
		Tools:      "Node.js 20 or newer with npm",
		Main:       "handler.ts",
		Build:      "npm run --silent build",
		Handler:    "handler.wasm",
		Setup:      "npm install --no-audit --no-fund",
		SetupMakes: "node_modules/.package-lock.json",
		Watch:      []string{"."},
		Ignore:     []string{"node_modules/", "handler.wasm"},
		parts: []part{
			{
				from: examples.Source, root: "assemblyscript/hello/handler.ts", to: "handler.ts",
				adjust: []string{"../../../sdk-as/assembly", "./" + sdkFolder + "/assembly"},
			},
			{from: sdkas.Source, root: "assembly", to: sdkFolder + "/assembly"},
			{from: files, root: "files/as"},
		},
	},
}
