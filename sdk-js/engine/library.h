/* QuickJS-NG, made part of this translation unit.
 *
 * It keeps no limit of the stack where __wasi__ is defined, and would trap. Here the stack lies at the bottom of the memory as
 * with any other linker, so the library is told nothing of WASI once its headers have been read. */

#define _GNU_SOURCE
#define NDEBUG

#include "cutils.h"

/* The library takes this for a machine without jumps to computed addresses, which wasm is, and without atomic operations. With
 * such jumps its interpreter would take half as much again of the host's stack for each call in a script. */
#define EMSCRIPTEN 1

/* For the same reason the function that interprets is compiled for size: its frame grows with its code. */
#include <quickjs.h>
static JSValue JS_CallInternal(JSContext *caller_ctx, JSValueConst func_obj, JSValueConst this_obj, JSValueConst new_target,
                               int argc, JSValueConst *argv, int flags) __attribute__((minsize));

#undef __wasi__
#include "quickjs.c"
#define __wasi__ 1

/* What the library needs beside its main file. */
#include "dtoa.c"
#include "libregexp.c"
#include "libunicode.c"
