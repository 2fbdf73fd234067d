/* What the host calls: the exports of the binary interface. */

/* ----- Errors that nobody caught ----- */

/* Gives an error as text: what it says, then its stack. */
static JSValue error_text(JSValueConst error) {
  JSValue text = JS_ToString(context, error);
  if (JS_IsException(text)) {
    JS_FreeValue(context, JS_GetException(context));
    text = JS_NewAtomString(context, "an error that cannot be turned into text");
  }
  if (!JS_IsError(error)) return text;
  const JSValue stack = JS_GetPropertyStr(context, error, "stack");
  if (!JS_IsString(stack)) {
    JS_FreeValue(context, stack);
    return text;
  }
  return JS_ConcatString(context, JS_ConcatString(context, text, JS_NewAtomString(context, "\n")), stack);
}

/* Prints the present exception and ends the instance: the host answers 500 and logs why. */
static _Noreturn void event_fail(void) {
  const JSValue args[] = {js_int32(2), error_text(JS_GetException(context))};
  native_write(2, (const uint8_t *)"Uncaught ", 9);
  native_print(context, JS_UNDEFINED, 2, (JSValueConst *)args);
  __builtin_trap();
}

/* ----- Jobs and rejections ----- */

typedef struct rejection {
  JSValue promise;
  JSValue reason;
} rejection_t;

/* The rejected promises that nobody handles yet. */
static rejection_t *rejections;
static size_t rejection_count, rejection_room;

static void rejection_free(rejection_t *rejection) {
  JS_FreeValue(context, rejection->promise);
  JS_FreeValue(context, rejection->reason);
}

/* Hears of a promise that was rejected without a handler, or that got one after all. */
static void rejection_track(JSContext *ctx, JSValueConst promise, JSValueConst reason, bool handled, void *opaque) {
  if (handled) {
    for (size_t i = 0; i < rejection_count; i++) {
      if (JS_VALUE_GET_PTR(rejections[i].promise) != JS_VALUE_GET_PTR(promise)) continue;
      rejection_free(&rejections[i]);
      memmove(&rejections[i], &rejections[i + 1], (--rejection_count - i) * sizeof *rejections);
      return;
    }
    return;
  }
  if (rejection_count == rejection_room) {
    rejection_t *more = js_realloc_rt(runtime, rejections, (rejection_room + 8) * sizeof *more);
    if (more == NULL) return; /* it goes unreported */
    rejections = more;
    rejection_room += 8;
  }
  rejections[rejection_count++] = (rejection_t){JS_DupValue(ctx, promise), JS_DupValue(ctx, reason)};
}

/* Runs jobs until there are none. False with an exception when one failed, which only the runtime's own can. */
static bool jobs_run(void) {
  JSContext *ran;
  int status;
  while ((status = JS_ExecutePendingJob(runtime, &ran)) > 0) continue;
  return status == 0;
}

/* Has the runtime told of one rejection. */
static bool rejection_report(JSValueConst reason) {
  if (JS_IsUndefined(rejection_reporter)) {
    JS_Throw(context, JS_DupValue(context, reason));
    return false;
  }
  const JSValue result = JS_Call(context, rejection_reporter, JS_UNDEFINED, 1, &reason);
  JS_FreeValue(context, result);
  return !JS_IsException(result);
}

/* Runs jobs and tells of rejections until there is nothing of either. */
static bool jobs_settle(void) {
  if (!jobs_run()) return false;
  while (rejection_count > 0) {
    rejection_t rejection = rejections[0];
    memmove(rejections, rejections + 1, --rejection_count * sizeof *rejections);
    const bool ok = rejection_report(rejection.reason);
    rejection_free(&rejection);
    if (!ok || !jobs_run()) return false;
  }
  return true;
}

/* ----- Exports ----- */

enum { RECEIVE_ROOM = 16 << 10 };

static _Alignas(8) uint8_t first_room[RECEIVE_ROOM];
static sluice_receive_buffer_t receive_buffer = {first_room, RECEIVE_ROOM};

/* Is called once in every instance, before the host copies its image. The runtime may read the environment then. */
__attribute__((export_name("_initialize"))) void initialize(void) {
  if (JS_IsUndefined(start_callback)) return;
  const JSValue result = JS_Call(context, start_callback, JS_UNDEFINED, 0, NULL);
  if (JS_IsException(result) || !jobs_settle()) event_fail();
  JS_FreeValue(context, result);
}

sluice_subscriptions_t sluice_subscriptions(void) { return mask; }

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) {
  if (size <= receive_buffer.size) return &receive_buffer;
  uint8_t *room = malloc(size);
  if (room == NULL) return NULL;
  if (receive_buffer.base != first_room) free(receive_buffer.base);
  receive_buffer = (sluice_receive_buffer_t){room, size};
  return &receive_buffer;
}

/* Calls the listener with an event. Takes the values. */
static bool event_tell(uint32_t event, sluice_session_t session, JSValue payload, JSValue extra) {
  JSValue args[] = {js_int32((int32_t)event), js_uint32(session), payload, extra};
  JSValue result = JS_EXCEPTION;
  if (!JS_IsException(payload) && !JS_IsException(extra)) {
    result = JS_Call(context, listener, JS_UNDEFINED, countof(args), (JSValueConst *)args);
  }
  JS_FreeValue(context, payload);
  JS_FreeValue(context, extra);
  JS_FreeValue(context, result);
  return !JS_IsException(result) && jobs_settle();
}

/* Calls the listener with an event that brings a head. */
static bool event_tell_head(uint32_t event, sluice_session_t session, int32_t head, JSValue extra) {
  if (head < 0) return false;
  return event_tell(event, session, head_number(head), extra) && head_settle(head);
}

static JSValue event_bytes(sluice_bytes_t bytes) { return JS_NewUint8ArrayCopy(context, bytes.ptr, bytes.len); }

static bool event_deliver(sluice_session_t session, uint32_t event, const void *payload, size_t payload_len) {
  switch (event) {
  case SLUICE_EVENT_LINE_READY:
    if (!(mask & SLUICE_SUBSCRIPTIONS_HEADER_READY)) break;
    return head_hear_line(session, payload);
  case SLUICE_EVENT_HEADER_READY: {
    const sluice_header_t *header = payload;
    return event_tell_head(event, session, head_hear_fields(session, header->fields), JS_UNDEFINED);
  }
  case SLUICE_EVENT_DATA_READY: {
    const sluice_data_t *data = payload;
    return event_tell(event, session, event_bytes(data->content), js_uint32(data->flags));
  }
  case SLUICE_EVENT_READY: {
    if (mask & SLUICE_SUBSCRIPTIONS_DATA_READY) break;
    const sluice_message_t *message = payload;
    return event_tell_head(event, session, head_hear_message(session, message), event_bytes(message->body));
  }
  case SLUICE_EVENT_TRAILER_READY: {
    const sluice_trailer_t *trailer = payload;
    return event_tell(event, session, head_fields(trailer->fields), JS_UNDEFINED);
  }
  case SLUICE_EVENT_CLOSED: {
    const sluice_closed_t *closed = payload;
    return event_tell(event, session, js_int32(closed->side), js_int32(closed->reason));
  }
  }
  return event_tell(event, session, JS_UNDEFINED, JS_UNDEFINED);
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  if (!event_deliver(session, event, payload, payload_len)) event_fail();
  heap_settle();
}
