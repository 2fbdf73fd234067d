/* The JavaScript engine of handlers: QuickJS-NG with the binary interface of handlers around it, in one module. The build tool
 * (../build) has it evaluate a handler's code and keeps the memory that this leaves behind; only that differs from one built
 * handler to another, never the code.
 *
 * All of it is one translation unit, the library first: strings, arrays and positions are then read where they lie, which the
 * library's interface would have copied. Its version is pinned in Cargo.toml; ./build.sh engine builds engine.wasm.
 *
 * In reading order: library.h is the library, heap.h its memory, text.h strings, fields.h what is sent, heads.h what was
 * received, sha256.h a loop that is too slow in JavaScript, natives.h what the runtime calls (natives.d.ts), events.h what the
 * host calls, and build.h what the build tool calls. */

#include "library.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wasi/api.h>

#include "../../sdk-c/sluice_abi.h"

/* The one runtime and context. They are made by the build tool and live as long as the module. */
static JSRuntime *runtime;
static JSContext *context;

/* Whether the handler is built, so that what is called is meant for the host. */
static bool built;

#include "heap.h"
#include "text.h"
#include "fields.h"
#include "heads.h"
#include "sha256.h"
#include "natives.h"
#include "events.h"
#include "build.h"
