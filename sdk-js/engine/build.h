/* What the build tool calls, in this order: in one instance build_begin, build_compile, build_file and build_map, build_code;
 * in another build_begin, build_evaluate and build_end. The two are apart so that nothing of the compiler's work stays in the
 * memory that is kept, and so that the compiler may nest as deeply as it likes: the tool gives it a larger stack. The exports
 * are dropped from handlers.
 *
 * Text goes in through build_room, and comes out through build_result. */

#define BUILD_EXPORT(name) __attribute__((export_name(#name))) name

/* How much of the stack, in bytes, is kept free below what JavaScript may take. What it may take, some 36 KiB, is reached when
 * about a hundred functions have called one another: before the host's own limit, so that there is a RangeError and no trap. */
enum { STACK_RESERVE = 28 << 10 };

typedef enum build_status {
  BUILD_DONE,
  BUILD_THREW,   /* build_result is the error */
  BUILD_PENDING, /* the code waits for a promise that nothing will settle; build_result is where */
  BUILD_SILENT,  /* nobody listens to events */
} build_status_t;

static sluice_bytes_t build_output;
static JSValue build_module;

void *BUILD_EXPORT(build_room)(size_t size) { return malloc(size); }

const sluice_bytes_t *BUILD_EXPORT(build_result)(void) { return &build_output; }

static build_status_t build_throw(void) {
  body_t text;
  const JSValue error = error_text(JS_GetException(context));
  body_of(error, &text); /* stays: the instance has no future */
  build_output = (sluice_bytes_t){text.ptr, text.len};
  return BUILD_THREW;
}

/* How long a module may take to be evaluated, in nanoseconds. */
#define BUILD_TIME (10 * UINT64_C(1000000000))

static __wasi_timestamp_t build_deadline;

static int build_interrupt(JSRuntime *rt, void *opaque) {
  __wasi_timestamp_t now;
  if (__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &now) != 0) return false;
  if (build_deadline == 0) build_deadline = now + BUILD_TIME;
  return now > build_deadline;
}

/* Everything of ECMAScript, and atob, btoa, queueMicrotask and DOMException; without the library's performance, whose origin
 * would be the build. */
static bool build_intrinsics(void) {
  return JS_AddIntrinsicBaseObjects(context) == 0 && JS_AddIntrinsicDate(context) == 0 &&
         JS_AddIntrinsicEval(context) == 0 && JS_AddIntrinsicRegExp(context) == 0 && JS_AddIntrinsicJSON(context) == 0 &&
         JS_AddIntrinsicProxy(context) == 0 && JS_AddIntrinsicMapSet(context) == 0 &&
         JS_AddIntrinsicTypedArrays(context) == 0 && JS_AddIntrinsicPromise(context) == 0 &&
         JS_AddIntrinsicWeakRef(context) == 0 && JS_AddIntrinsicDOMException(context) == 0 &&
         JS_AddIntrinsicAToB(context) == 0;
}

void __wasm_call_ctors(void);

/* Makes runtime and context. The stack reaches down to an address: 0 unless the tool has moved it. */
build_status_t BUILD_EXPORT(build_begin)(uintptr_t stack) {
  __wasm_call_ctors(); /* named here so that the linker does not have every export call it */
  runtime = JS_NewRuntime2(&heap_functions, NULL);
  JS_SetGCThreshold(runtime, SIZE_MAX);
  JS_SetInterruptHandler(runtime, build_interrupt, NULL);
  JS_SetHostPromiseRejectionTracker(runtime, rejection_track, NULL);
  runtime->stack_limit = stack + STACK_RESERVE;
  context = JS_NewContextRaw(runtime);
  if (!build_intrinsics() || !natives_define()) return build_throw();
  head_prepare();
  return BUILD_DONE;
}

/* ----- Compiling ----- */

/* Compiles a module. The text ends with a zero byte behind its size. */
build_status_t BUILD_EXPORT(build_compile)(const char *text, size_t size, const char *name) {
  build_module = JS_Eval(context, text, size, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
  return JS_IsException(build_module) ? build_throw() : BUILD_DONE;
}

/* Where a position of the bundle lies in the author's code. Lines and columns count from 1. */
typedef struct mapping {
  int32_t line, column;
  uint32_t file;
  int32_t source_line, source_column;
} mapping_t;

static const mapping_t *mappings;
static size_t mapping_count;
static JSAtom *mapping_files;
static size_t mapping_file_count;

/* Names the next of the files that mappings count from 0. */
void BUILD_EXPORT(build_file)(const char *name, size_t size) {
  mapping_files = js_realloc(context, mapping_files, (mapping_file_count + 1) * sizeof *mapping_files);
  mapping_files[mapping_file_count++] = JS_NewAtomLen(context, name, size);
}

/* Finds the last mapping at or before a position on its line; NULL when there is none. */
static const mapping_t *mapping_find(int32_t line, int32_t column) {
  size_t low = 0, high = mapping_count;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const mapping_t *m = &mappings[middle];
    if (m->line < line || (m->line == line && m->column <= column)) low = middle + 1;
    else high = middle;
  }
  return low > 0 && mappings[low - 1].line == line ? &mappings[low - 1] : NULL;
}

/* Reads the next entry of a table of positions (compute_pc2line_info in the library writes it). */
static const uint8_t *positions_next(const uint8_t *at, const uint8_t *end, uint32_t *pc, int32_t *line, int32_t *column) {
  const uint8_t op = *at++;
  uint32_t more;
  int32_t delta;
  if (op == 0) {
    at += get_leb128(&more, at, end);
    at += get_sleb128(&delta, at, end);
    *pc += more;
    *line += delta;
  } else {
    *pc += (op - PC2LINE_OP_FIRST) / PC2LINE_RANGE;
    *line += (op - PC2LINE_OP_FIRST) % PC2LINE_RANGE + PC2LINE_BASE;
  }
  at += get_sleb128(&delta, at, end);
  *column += delta;
  return at;
}

/* Rewrites a function's positions to where they lie in the author's file. A function lies in one file as a rule; what was put
 * into it from another keeps the position before it. */
static void build_map_positions(JSFunctionBytecode *function) {
  const mapping_t *start = mapping_find(function->line_num, function->col_num);
  if (start == NULL) return;
  DynBuf table;
  js_dbuf_init(context, &table);
  const uint8_t *at = function->pc2line_buf, *end = at + function->pc2line_len;
  uint32_t pc = 0, last_pc = 0;
  int32_t line = function->line_num, column = function->col_num;
  int32_t last_line = start->source_line, last_column = start->source_column;
  while (at < end) {
    at = positions_next(at, end, &pc, &line, &column);
    const mapping_t *m = mapping_find(line, column);
    if (m == NULL || m->file != start->file) continue;
    dbuf_putc(&table, 0);
    dbuf_put_leb128(&table, pc - last_pc);
    dbuf_put_sleb128(&table, m->source_line - last_line);
    dbuf_put_sleb128(&table, m->source_column - last_column);
    last_pc = pc;
    last_line = m->source_line;
    last_column = m->source_column;
  }
  js_free(context, function->pc2line_buf);
  function->pc2line_buf = table.buf;
  function->pc2line_len = (int)table.size;
  function->line_num = start->source_line;
  function->col_num = start->source_column;
  JS_FreeAtom(context, function->filename);
  function->filename = JS_DupAtom(context, mapping_files[start->file]);
}

/* Maps the functions inside of a function. */
static void build_map_functions(JSFunctionBytecode *function) {
  for (int i = 0; i < function->cpool_count; i++) {
    if (JS_VALUE_GET_TAG(function->cpool[i]) != JS_TAG_FUNCTION_BYTECODE) continue;
    JSFunctionBytecode *inner = JS_VALUE_GET_PTR(function->cpool[i]);
    build_map_functions(inner);
    build_map_positions(inner);
  }
}

/* Has errors name the author's files and lines. The module's own level is left as it is, because it holds code of all files: it
 * runs only while the handler is built, when the tool maps it. The mappings are sorted. */
void BUILD_EXPORT(build_map)(const mapping_t *table, size_t count) {
  mappings = table;
  mapping_count = count;
  const JSModuleDef *module = JS_VALUE_GET_PTR(build_module);
  build_map_functions(JS_VALUE_GET_PTR(module->func_obj));
}

/* Gives the compiled module. Source text is left out: it would be part of every image. */
build_status_t BUILD_EXPORT(build_code)(void) {
  build_output.ptr = JS_WriteObject(context, &build_output.len, build_module,
                                    JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE);
  return build_output.ptr == NULL ? build_throw() : BUILD_DONE;
}

/* ----- Evaluating ----- */

/* The promises that were made. They are kept as long as the module is evaluated: who waits for one that nobody else knows would
 * be gone before it can be told where it waits. */
static JSValue *build_promises;
static size_t build_promise_count, build_promise_room;

static void build_keep_promise(JSContext *ctx, JSPromiseHookType type, JSValueConst promise, JSValueConst parent,
                               void *opaque) {
  if (type != JS_PROMISE_HOOK_INIT) return;
  if (build_promise_count == build_promise_room) {
    const size_t room = 2 * build_promise_room + 64;
    JSValue *more = js_realloc_rt(runtime, build_promises, room * sizeof *more);
    if (more == NULL) return;
    build_promises = more;
    build_promise_room = room;
  }
  build_promises[build_promise_count++] = JS_DupValue(ctx, promise);
}

static void build_let_promises_go(void) {
  JS_SetPromiseHook(runtime, NULL, NULL);
  for (size_t i = 0; i < build_promise_count; i++) JS_FreeValue(context, build_promises[i]);
  js_free_rt(runtime, build_promises);
  build_promises = NULL;
  build_promise_count = build_promise_room = 0;
}

/* Says where async functions wait. */
static build_status_t build_pending(void) {
  DynBuf places;
  js_dbuf_init(context, &places);
  struct list_head *link;
  list_for_each(link, &runtime->gc_obj_list) {
    JSGCObjectHeader *object = list_entry(link, JSGCObjectHeader, link);
    if (JS_GC_TYPE(object) != JS_GC_OBJ_TYPE_ASYNC_FUNCTION || !((JSAsyncFunctionData *)object)->is_active) continue;
    const JSStackFrame *frame = &((JSAsyncFunctionData *)object)->func_state.frame;
    if (frame->cur_pc == NULL) continue;
    JSFunctionBytecode *function = JS_VALUE_GET_OBJ(frame->cur_func)->u.func.function_bytecode;
    int column;
    const int line = find_line_num(context, function, frame->cur_pc - function->byte_code_buf - 1, &column);
    const char *file = JS_AtomToCString(context, function->filename);
    dbuf_printf(&places, "    at await (%s:%d:%d)\n", file, line, column);
    JS_FreeCString(context, file);
  }
  build_output = (sluice_bytes_t){places.buf, places.size};
  return BUILD_PENDING;
}

/* Evaluates what build_code gave, and frees it. */
build_status_t BUILD_EXPORT(build_evaluate)(uint8_t *code, size_t size) {
  const JSValue module = JS_ReadObject(context, code, size, JS_READ_OBJ_BYTECODE);
  memset(code, 0, size);
  free(code);
  if (JS_IsException(module) || JS_ResolveModule(context, module) < 0) return build_throw();
  JS_SetPromiseHook(runtime, build_keep_promise, NULL);
  const JSValue promise = JS_EvalFunction(context, module);
  if (JS_IsException(promise) || !jobs_run()) return build_throw();
  switch (JS_PromiseState(context, promise)) {
  case JS_PROMISE_REJECTED:
    JS_Throw(context, JS_PromiseResult(context, promise));
    return build_throw();
  case JS_PROMISE_PENDING:
    return build_pending();
  default:
    break;
  }
  JS_FreeValue(context, promise);
  build_let_promises_go();
  if (rejection_count > 0) {
    JS_Throw(context, JS_DupValue(context, rejections[0].reason));
    return build_throw();
  }
  return JS_IsUndefined(listener) ? BUILD_SILENT : BUILD_DONE;
}

/* Makes the memory ready to be kept: the stack is dead then, from its end to its bottom. */
void BUILD_EXPORT(build_end)(void) {
  JS_SetInterruptHandler(runtime, NULL, NULL);
  build_deadline = 0;
  JS_RunGC(runtime);
  heap_settle();
  built = true;
}
