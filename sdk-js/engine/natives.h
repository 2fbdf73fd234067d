/* The functions of natives.d.ts, which says what each does. */

/* What the runtime gave: who hears events, who hears of rejections, and who is called at the start. */
static sluice_subscriptions_t mask;
static JSValue listener;
static JSValue rejection_reporter;
static JSValue start_callback;

/* ----- Arguments ----- */

/* Calls of the host make no sense while the handler is built: there is no session, and what is random or timely would be the
 * same in every instance. */
static bool native_serves(void) {
  if (built) return true;
  JS_ThrowTypeError(context, "this can be called only while a request is handled, not while the handler is built: "
                             "move the call from the top of the module into the handler");
  return false;
}

/* Reads a number that fits in 32 bits; most are small. */
static bool native_uint32(JSValueConst value, uint32_t *number) {
  if (JS_VALUE_GET_TAG(value) == JS_TAG_INT && JS_VALUE_GET_INT(value) >= 0) {
    *number = (uint32_t)JS_VALUE_GET_INT(value);
    return true;
  }
  if (JS_IsNumber(value)) {
    double real;
    if (JS_ToFloat64(context, &real, value) == 0 && real >= 0 && real <= UINT32_MAX && real == (uint32_t)real) {
      *number = (uint32_t)real;
      return true;
    }
  }
  JS_ThrowTypeError(context, "a whole number from 0 to 4294967295 is wanted");
  return false;
}

/* Makes the result of a call of the host, whose errno takes the lower half of a word. */
static JSValue native_errno(uint32_t errno_) { return js_int32((sluice_errno_t)errno_); }

/* ----- Answers ----- */

static JSValue native_send(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  uint32_t session, status;
  size_t count;
  if (!native_serves() || !native_uint32(argv[0], &session) || !native_uint32(argv[1], &status)) return JS_EXCEPTION;
  JSValue result = JS_EXCEPTION;
  body_t body;
  if (body_of(argv[3], &body) && fields_of(argv[2], &count)) {
    result = native_errno(sluice_send(session, status, field_table, count, body.ptr, body.len));
  }
  body_end(&body);
  return result;
}

/* The calls that take a session, a status and fields. */
typedef uint32_t head_call_t(sluice_session_t, uint32_t, const sluice_field_t *, size_t);
enum { CALL_SEND_HEAD, CALL_SET_HEAD, CALL_SEND_INFORMATIONAL };
static head_call_t *const head_calls[] = {sluice_send_head, sluice_set_head, sluice_send_informational};

static JSValue native_head_call(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv, int call) {
  uint32_t session, status;
  size_t count;
  if (!native_serves() || !native_uint32(argv[0], &session) || !native_uint32(argv[1], &status)) return JS_EXCEPTION;
  if (!fields_of(argv[2], &count)) return JS_EXCEPTION;
  return native_errno(head_calls[call](session, status, field_table, count));
}

/* The calls that take a session and fields. */
typedef uint32_t fields_call_t(sluice_session_t, const sluice_field_t *, size_t);
enum { CALL_SEND_TRAILERS, CALL_UPGRADE };
static fields_call_t *const fields_calls[] = {sluice_send_trailers, sluice_upgrade};

static JSValue native_fields_call(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv, int call) {
  uint32_t session;
  size_t count;
  if (!native_serves() || !native_uint32(argv[0], &session) || !fields_of(argv[1], &count)) return JS_EXCEPTION;
  return native_errno(fields_calls[call](session, field_table, count));
}

/* The calls that take a session alone. */
typedef uint32_t session_call_t(sluice_session_t);
enum {
  CALL_SEND_END,
  CALL_HOLD_CONTINUE,
  CALL_PAUSE,
  CALL_RESUME,
  CALL_DISCARD,
  CALL_STREAM,
  CALL_DRAIN,
  CALL_CLOSE,
};
static session_call_t *const session_calls[] = {
    sluice_send_end, sluice_hold_continue, sluice_pause, sluice_resume,
    sluice_discard,  sluice_stream,        sluice_drain, sluice_close,
};

static JSValue native_session_call(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv, int call) {
  uint32_t session;
  if (!native_serves() || !native_uint32(argv[0], &session)) return JS_EXCEPTION;
  return native_errno(session_calls[call](session));
}

static JSValue native_auto_send(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  uint32_t session;
  if (!native_serves() || !native_uint32(argv[0], &session)) return JS_EXCEPTION;
  return native_errno(sluice_auto_send(session, JS_ToBool(context, argv[1]) > 0));
}

static JSValue native_send_data(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  uint32_t session;
  if (!native_serves() || !native_uint32(argv[0], &session)) return JS_EXCEPTION;
  JSValue result = JS_EXCEPTION;
  body_t content;
  if (body_of(argv[1], &content)) result = native_errno(sluice_send_data(session, content.ptr, content.len));
  body_end(&content);
  return result;
}

/* The calls that ask how far a message has come. Their states have the same representation. */
enum { CALL_READ_STATE, CALL_WRITE_STATE };

static JSValue native_state(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv, int call) {
  uint32_t session;
  if (!native_serves() || !native_uint32(argv[0], &session)) return JS_EXCEPTION;
  uint8_t state = 0;
  const uint32_t errno_ =
      call == CALL_READ_STATE ? sluice_get_read_state(session, &state) : sluice_get_write_state(session, &state);
  return js_int32((sluice_errno_t)errno_ == SLUICE_ERRNO_SUCCESS ? state : -1);
}

/* ----- Heads ----- */

static JSValue native_method(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  const head_t *head = head_of(argv[0]);
  return head == NULL ? JS_EXCEPTION : head_method(head);
}

static JSValue native_target(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  const head_t *head = head_of(argv[0]);
  return head == NULL ? JS_EXCEPTION : text_of_bytes(head->line.target.ptr, head->line.target.len);
}

static JSValue native_version(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  const head_t *head = head_of(argv[0]);
  return head == NULL ? JS_EXCEPTION : js_int32(head->line.version);
}

static JSValue native_field(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  const head_t *head = head_of(argv[0]);
  if (head == NULL) return JS_EXCEPTION;
  JSValue held;
  JSString *name = text_flat(argv[1], &held);
  if (name == NULL) return JS_EXCEPTION;
  const JSValue value = name->is_wide_char ? JS_NULL : head_field(head, str8(name), name->len);
  JS_FreeValue(context, held);
  return value;
}

static JSValue native_fields(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  const head_t *head = head_of(argv[0]);
  return head == NULL ? JS_EXCEPTION : head_fields(head->fields);
}

static JSValue native_free_head(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  head_t *head = head_of(argv[0]);
  if (head == NULL) return JS_EXCEPTION;
  head_free(head);
  return JS_UNDEFINED;
}

/* ----- What is slow in JavaScript ----- */

/* The characters of a token (RFC 9110 section 5.6.2), a bit each. */
static const uint32_t token_characters[4] = {0, 0x03FF6CFA, 0xC7FFFFFE, 0x57FFFFFF};

/* Gives a field name in lower case; undefined when the atom is no token of ASCII characters. */
static JSValue native_field_name(JSAtom atom) {
  JSValue name = JS_AtomToString(context, atom);
  if (JS_VALUE_GET_TAG(name) != JS_TAG_STRING) return name;
  JSString *string = JS_VALUE_GET_STRING(name);
  bool plain = !string->is_wide_char && string->len > 0, upper = false;
  for (uint32_t i = 0; plain && i < string->len; i++) {
    const uint8_t c = str8(string)[i];
    plain = c < 0x80 && token_characters[c / 32] >> c % 32 & 1;
    upper |= c >= 'A' && c <= 'Z';
  }
  if (plain && !upper) return name;
  JSValue lower = JS_UNDEFINED;
  if (plain) {
    lower = text_of_bytes(str8(string), string->len);
    for (uint32_t i = 0; !JS_IsException(lower) && i < string->len; i++) {
      uint8_t *c = &str8(JS_VALUE_GET_STRING(lower))[i];
      if (*c >= 'A' && *c <= 'Z') *c += 'a' - 'A';
    }
  }
  JS_FreeValue(context, name);
  return lower;
}

/* Whether a value can be sent as it is: visible characters, with blanks only between them (RFC 9110 section 5.5). */
static bool native_is_field_value(JSValueConst value) {
  if (JS_VALUE_GET_TAG(value) != JS_TAG_STRING) return false;
  JSString *string = JS_VALUE_GET_STRING(value);
  if (string->is_wide_char) return false;
  const uint8_t *bytes = str8(string);
  const uint32_t size = string->len;
  for (uint32_t i = 0; i < size; i++) {
    if ((bytes[i] < ' ' && bytes[i] != '\t') || bytes[i] == 0x7F) return false;
  }
  return size == 0 || (bytes[0] > ' ' && bytes[size - 1] > ' ');
}

static JSValue native_plain_fields(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  JSPropertyEnum *names;
  uint32_t count;
  if (!JS_IsObject(argv[0])) return JS_UNDEFINED;
  if (JS_GetOwnPropertyNames(context, &names, &count, argv[0], JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) < 0) return JS_EXCEPTION;
  JSValue list = JS_NewArray(context);
  for (uint32_t i = 0; i < count && JS_IsObject(list); i++) {
    const JSValue name = native_field_name(names[i].atom);
    const JSValue value = JS_GetProperty(context, argv[0], names[i].atom);
    JSValue failure = JS_IsException(name) || JS_IsException(value) ? JS_EXCEPTION : JS_UNDEFINED;
    if (JS_IsString(name) && native_is_field_value(value)) {
      if (JS_SetPropertyUint32(context, list, 2 * i, name) >= 0 &&
          JS_SetPropertyUint32(context, list, 2 * i + 1, value) >= 0) {
        continue;
      }
      failure = JS_EXCEPTION;
    } else {
      JS_FreeValue(context, name);
      JS_FreeValue(context, value);
    }
    JS_FreeValue(context, list);
    list = failure;
  }
  JS_FreePropertyEnum(context, names, count);
  return list;
}

static JSValue native_fulfilled(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  if (JS_PromiseState(context, argv[0]) != JS_PROMISE_FULFILLED) return JS_UNDEFINED;
  return JS_PromiseResult(context, argv[0]);
}

/* ----- Text, the host's clock, randomness, environment and log ----- */

static JSValue native_decode(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  body_t bytes;
  JSValue text = JS_EXCEPTION;
  if (body_of(argv[0], &bytes)) text = text_of_utf8(bytes.ptr, bytes.len);
  body_end(&bytes);
  return text;
}

static JSValue native_encode(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  body_t bytes;
  JSValue array = JS_EXCEPTION;
  if (body_of(argv[0], &bytes)) array = JS_NewUint8ArrayCopy(context, bytes.ptr, bytes.len);
  body_end(&bytes);
  return array;
}

static JSValue native_random(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  if (!native_serves()) return JS_EXCEPTION;
  if (JS_GetClassID(argv[0]) != JS_CLASS_UINT8_ARRAY) return JS_ThrowTypeError(context, "a Uint8Array is wanted");
  body_t room;
  if (!body_of(argv[0], &room)) return JS_EXCEPTION;
  if (__wasi_random_get((uint8_t *)room.ptr, room.len) != 0) {
    return JS_ThrowInternalError(context, "the host gives no random bytes");
  }
  return JS_UNDEFINED;
}

static JSValue native_sha256(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  size_t state_size, size;
  uint8_t *state = JS_GetUint8Array(context, &state_size, argv[0]);
  if (state == NULL) return JS_EXCEPTION;
  const uint8_t *blocks = JS_GetUint8Array(context, &size, argv[1]);
  if (blocks == NULL && size > 0) return JS_EXCEPTION;
  if (state_size != 32 || size % SHA256_BLOCK != 0) {
    return JS_ThrowTypeError(context, "a state of 32 bytes and whole blocks are wanted");
  }
  sha256_blocks(state, blocks, size / SHA256_BLOCK);
  return JS_UNDEFINED;
}

/* Math.random, seeded by each instance for itself: the state of the library's generator is part of the image. */
static JSValue native_math_random(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  static bool seeded;
  if (!native_serves()) return JS_EXCEPTION;
  if (!seeded) {
    if (__wasi_random_get((uint8_t *)&context->random_state, sizeof context->random_state) != 0) {
      return JS_ThrowInternalError(context, "the host gives no random bytes");
    }
    if (context->random_state == 0) context->random_state = 1;
    seeded = true;
  }
  return js_math_random(ctx, this, argc, argv);
}

static JSValue native_monotonic(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  __wasi_timestamp_t nanoseconds = 0;
  if (built && __wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &nanoseconds) != 0) {
    return JS_ThrowInternalError(context, "the host has no monotonic clock");
  }
  return js_float64((double)nanoseconds / 1e6);
}

/* Appends a string of UTF-8 to an array. */
static bool native_push(JSValueConst list, uint32_t at, const uint8_t *bytes, size_t size) {
  const JSValue text = text_of_utf8(bytes, size);
  return !JS_IsException(text) && JS_SetPropertyUint32(context, list, at, text) >= 0;
}

static JSValue native_environ_list(uint8_t **entries, size_t count) {
  const JSValue list = JS_NewArray(context);
  if (JS_IsException(list)) return list;
  for (size_t i = 0; i < count; i++) {
    const char *name = (const char *)entries[i];
    const size_t size = strlen(name);
    const char *equals = memchr(name, '=', size);
    const size_t name_size = equals == NULL ? size : (size_t)(equals - name);
    const size_t value_at = equals == NULL ? size : name_size + 1;
    if (!native_push(list, 2 * i, entries[i], name_size) ||
        !native_push(list, 2 * i + 1, entries[i] + value_at, size - value_at)) {
      JS_FreeValue(context, list);
      return JS_EXCEPTION;
    }
  }
  return list;
}

static JSValue native_environ(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  if (!native_serves()) return JS_EXCEPTION;
  __wasi_size_t count = 0, size = 0;
  if (__wasi_environ_sizes_get(&count, &size) != 0) return JS_ThrowInternalError(context, "the host gives no environment");
  uint8_t **entries = js_malloc(context, count * sizeof *entries + size + 1);
  if (entries == NULL) return JS_EXCEPTION;
  JSValue list;
  if (__wasi_environ_get(entries, (uint8_t *)(entries + count)) == 0) {
    list = native_environ_list(entries, count);
  } else {
    list = JS_ThrowInternalError(context, "the host gives no environment");
  }
  js_free(context, entries);
  return list;
}

/* Writes bytes to the host's log. Nothing is to be done about an error. */
static void native_write(int stream, const uint8_t *bytes, size_t size) {
  while (size > 0) {
    const __wasi_ciovec_t piece = {bytes, size};
    __wasi_size_t written = 0;
    if (__wasi_fd_write(stream, &piece, 1, &written) != 0 || written == 0) return;
    bytes += written;
    size -= written;
  }
}

static JSValue native_print(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  uint32_t stream;
  if (!native_uint32(argv[0], &stream)) return JS_EXCEPTION;
  if (stream != 1 && stream != 2) return JS_ThrowTypeError(context, "there are the streams 1 and 2");
  body_t line;
  const bool ok = body_of(argv[1], &line);
  if (ok) {
    native_write((int)stream, line.ptr, line.len);
    if (line.len == 0 || line.ptr[line.len - 1] != '\n') native_write((int)stream, (const uint8_t *)"\n", 1);
  }
  body_end(&line);
  return ok ? JS_UNDEFINED : JS_EXCEPTION;
}

/* ----- What the runtime gives ----- */

static bool native_function(JSValueConst value) {
  if (JS_IsFunction(context, value)) return true;
  JS_ThrowTypeError(context, "a function is wanted");
  return false;
}

static JSValue native_listen(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  uint32_t events;
  if (!native_uint32(argv[0], &events) || !native_function(argv[1])) return JS_EXCEPTION;
  if (!JS_IsUndefined(listener)) return JS_ThrowTypeError(context, "there is a listener already");
  if (events & SLUICE_SUBSCRIPTIONS_HEADER_READY) events |= SLUICE_SUBSCRIPTIONS_LINE_READY;
  mask = events;
  listener = JS_DupValue(context, argv[1]);
  return JS_UNDEFINED;
}

static JSValue native_started(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  if (!native_function(argv[0])) return JS_EXCEPTION;
  set_value(context, &start_callback, JS_DupValue(context, argv[0]));
  return JS_UNDEFINED;
}

static JSValue native_rejected(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv) {
  if (!native_function(argv[0])) return JS_EXCEPTION;
  set_value(context, &rejection_reporter, JS_DupValue(context, argv[0]));
  return JS_UNDEFINED;
}

/* ----- The table ----- */

#define NATIVE_CALL(name, length, function, call) JS_CFUNC_MAGIC_DEF(name, length, function, call)

static const JSCFunctionListEntry native_functions[] = {
    JS_CFUNC_DEF("send", 4, native_send),
    NATIVE_CALL("sendHead", 3, native_head_call, CALL_SEND_HEAD),
    NATIVE_CALL("setHead", 3, native_head_call, CALL_SET_HEAD),
    JS_CFUNC_DEF("autoSend", 2, native_auto_send),
    JS_CFUNC_DEF("sendData", 2, native_send_data),
    NATIVE_CALL("sendEnd", 1, native_session_call, CALL_SEND_END),
    NATIVE_CALL("sendTrailers", 2, native_fields_call, CALL_SEND_TRAILERS),
    NATIVE_CALL("sendInformational", 3, native_head_call, CALL_SEND_INFORMATIONAL),
    NATIVE_CALL("upgrade", 2, native_fields_call, CALL_UPGRADE),
    NATIVE_CALL("holdContinue", 1, native_session_call, CALL_HOLD_CONTINUE),
    NATIVE_CALL("pause", 1, native_session_call, CALL_PAUSE),
    NATIVE_CALL("resume", 1, native_session_call, CALL_RESUME),
    NATIVE_CALL("discard", 1, native_session_call, CALL_DISCARD),
    NATIVE_CALL("stream", 1, native_session_call, CALL_STREAM),
    NATIVE_CALL("drain", 1, native_session_call, CALL_DRAIN),
    NATIVE_CALL("close", 1, native_session_call, CALL_CLOSE),
    NATIVE_CALL("readState", 1, native_state, CALL_READ_STATE),
    NATIVE_CALL("writeState", 1, native_state, CALL_WRITE_STATE),
    JS_CFUNC_DEF("method", 1, native_method),
    JS_CFUNC_DEF("target", 1, native_target),
    JS_CFUNC_DEF("version", 1, native_version),
    JS_CFUNC_DEF("field", 2, native_field),
    JS_CFUNC_DEF("fields", 1, native_fields),
    JS_CFUNC_DEF("freeHead", 1, native_free_head),
    JS_CFUNC_DEF("plainFields", 1, native_plain_fields),
    JS_CFUNC_DEF("fulfilled", 1, native_fulfilled),
    JS_CFUNC_DEF("decode", 1, native_decode),
    JS_CFUNC_DEF("encode", 1, native_encode),
    JS_CFUNC_DEF("random", 1, native_random),
    JS_CFUNC_DEF("sha256", 2, native_sha256),
    JS_CFUNC_DEF("monotonic", 0, native_monotonic),
    JS_CFUNC_DEF("environ", 0, native_environ),
    JS_CFUNC_DEF("print", 2, native_print),
    JS_CFUNC_DEF("listen", 2, native_listen),
    JS_CFUNC_DEF("started", 1, native_started),
    JS_CFUNC_DEF("rejected", 1, native_rejected),
};

/* Defines the global __sluice, and what is replaced of the library's. */
static bool natives_define(void) {
  listener = rejection_reporter = start_callback = JS_UNDEFINED;
  const JSValue global = JS_GetGlobalObject(context);
  const JSValue natives = JS_NewObject(context);
  const JSValue math = JS_GetPropertyStr(context, global, "Math");
  const bool ok =
      !JS_IsException(natives) && !JS_IsException(math) &&
      JS_SetPropertyFunctionList(context, natives, native_functions, countof(native_functions)) == 0 &&
      JS_DefinePropertyValueStr(context, math, "random", JS_NewCFunction(context, native_math_random, "random", 0),
                                JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE) >= 0 &&
      JS_DefinePropertyValueStr(context, global, "__sluice", JS_DupValue(context, natives), JS_PROP_CONFIGURABLE) >= 0;
  JS_FreeValue(context, math);
  JS_FreeValue(context, natives);
  JS_FreeValue(context, global);
  return ok;
}
