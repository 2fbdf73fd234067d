package template

import (
	"github.com/sluicehttp/sluice/examples"
	sdkas "github.com/sluicehttp/sluice/sdk-as"
	sdkc "github.com/sluicehttp/sluice/sdk-c"
	sdkgo "github.com/sluicehttp/sluice/sdk-go"
	sdkjs "github.com/sluicehttp/sluice/sdk-js"
	sdkrust "github.com/sluicehttp/sluice/sdk-rust"
	sdkzig "github.com/sluicehttp/sluice/sdk-zig"
)

// What projects with npm share. A compiler is run as a script of the project, because npx would fetch one from elsewhere when
// it is not installed. Nothing that is installed needs a script of its own.
const (
	npmTools     = "Node.js 20 or newer with npm"
	npmSetup     = "npm install --ignore-scripts --no-audit --no-fund --loglevel=error"
	npmInstalled = "node_modules/.package-lock.json" // written last
	npmBuild     = "npm run --silent build"
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
		Name: "js", Title: "JavaScript", Aliases: []string{"javascript", "node", "mjs"},
		Tools: npmTools, Main: "handler.js",
		Build: npmBuild, Handler: "handler.wasm", Setup: npmSetup, SetupMakes: npmInstalled,
		Watch: []string{"."}, Ignore: []string{"node_modules/", "handler.wasm"},
		parts: []part{
			{from: examples.Source, root: "js/hello/handler.js", to: "handler.js"},
			{from: files, root: "files/js"},
			{from: sdkjs.Source, root: ".", to: sdkFolder, edit: installable},
		},
	},
	{
		Name: "ts", Title: "TypeScript", Aliases: []string{"typescript"},
		Tools: npmTools, Main: "handler.ts",
		Build: npmBuild, Handler: "handler.wasm", Setup: npmSetup, SetupMakes: npmInstalled,
		Watch: []string{"."}, Ignore: []string{"node_modules/", "handler.wasm"},
		parts: []part{
			{
				from: examples.Source, root: "js/hello/handler.js", to: "handler.ts",
				adjust: []string{
					"handler.js", "handler.ts",
					"fetch(request) {", "fetch(request: Request): Response {",
					"\n};\n", "\n} satisfies Handler;\n",
				},
			},
			{from: files, root: "files/ts"},
			{from: sdkjs.Source, root: ".", to: sdkFolder, edit: installable},
		},
	},
	{
		Name: "go", Title: "Go", Aliases: []string{"golang"},
		Tools: "Go 1.24 or newer", Main: "main.go",
		Build:    "go build -buildmode=c-shared -trimpath -ldflags=-s -o handler.wasm .",
		BuildEnv: []Variable{{"GOOS", "wasip1"}, {"GOARCH", "wasm"}},
		Handler:  "handler.wasm", Watch: []string{"."}, Ignore: []string{"handler.wasm"},
		parts: []part{
			{from: examples.Source, root: "go/hello/main.go", to: "main.go"},
			{from: sdkgo.Source, root: ".", to: sdkFolder + "/sdk-go"},
			{from: files, root: "files/go"},
		},
	},
	{
		Name: "c", Title: "C",
		Tools: "clang and lld (on Debian: `apt-get install clang lld`)", Main: "handler.c",
		Build: "clang --target=wasm32 -std=c11 -Wall -Wextra -O2 -ffreestanding -nostdlib -I sluice-sdk" +
			" -Wl,--no-entry,--strip-all,--stack-first,-z,stack-size=16384 -o handler.wasm handler.c",
		Handler: "handler.wasm", Watch: []string{"."}, Ignore: []string{"handler.wasm"},
		parts: []part{
			{from: examples.Source, root: "c/hello/handler.c", to: "handler.c"},
			{from: sdkc.Source, root: ".", to: sdkFolder},
		},
	},
	{
		Name: "cpp", Title: "C++", Aliases: []string{"cxx", "cc"},
		Tools: "clang and lld (on Debian: `apt-get install clang lld`)", Main: "handler.cpp",
		Build: "clang++ --target=wasm32 -std=c++17 -fno-exceptions -fno-rtti -Wall -Wextra -O2 -ffreestanding -nostdlib" +
			" -I sluice-sdk -Wl,--no-entry,--strip-all,--stack-first,-z,stack-size=16384 -o handler.wasm handler.cpp",
		Handler: "handler.wasm", Watch: []string{"."}, Ignore: []string{"handler.wasm"},
		parts: []part{
			{from: examples.Source, root: "cpp/hello/handler.cpp", to: "handler.cpp"},
			{from: sdkc.Source, root: ".", to: sdkFolder},
		},
	},
	{
		Name: "zig", Title: "Zig",
		Tools: "Zig 0.15", Main: "handler.zig",
		Build: "zig build-exe -target wasm32-freestanding -O ReleaseSmall --stack 32768 -fstrip -fno-entry -rdynamic --dep sluice" +
			" -Mroot=handler.zig -Msluice=sluice-sdk/sluice.zig -femit-bin=handler.wasm",
		Handler: "handler.wasm", Watch: []string{"."}, Ignore: []string{".zig-cache/", "handler.wasm"},
		parts: []part{
			{from: examples.Source, root: "zig/hello/handler.zig", to: "handler.zig"},
			{from: sdkzig.Source, root: ".", to: sdkFolder},
		},
	},
	{
		Name: "as", Title: "AssemblyScript", Aliases: []string{"assemblyscript", "asc"},
		Tools: npmTools, Main: "handler.ts",
		Build: npmBuild, Handler: "handler.wasm", Setup: npmSetup, SetupMakes: npmInstalled,
		Watch: []string{"."}, Ignore: []string{"node_modules/", "handler.wasm"},
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
