/* The heads of requests: start line and fields, from the moment they are heard until the runtime lets go of them.
 *
 * While an event is delivered, what it brings lies in the receive buffer, and is read there. Only what outlives the event is
 * copied: a start line, which comes ahead of its fields, and the head of a request that is still at work when the event ends.
 * */

typedef struct head {
  enum { HEAD_FREE, HEAD_LINE, HEAD_WHOLE } state;
  bool borrowed; /* it lies in the receive buffer */
  sluice_session_t session;
  sluice_line_t line;
  sluice_fields_t fields;
  void *copy; /* what holds it otherwise */
} head_t;

static head_t first_heads[4];
static head_t *heads = first_heads;
static uint32_t head_room = sizeof first_heads / sizeof *first_heads;

/* ----- A head's life ----- */

/* Finds a free place. -1 with an exception when there is no memory. What else an instance hears of meanwhile may come between a
 * start line and its fields, so each is kept by its session. */
static int32_t head_new(sluice_session_t session) {
  for (uint32_t i = 0; i < head_room; i++) {
    if (heads[i].state != HEAD_FREE) continue;
    heads[i].session = session;
    return (int32_t)i;
  }
  head_t *more = js_mallocz(context, 2 * head_room * sizeof *more);
  if (more == NULL) return -1;
  memcpy(more, heads, head_room * sizeof *more);
  if (heads != first_heads) js_free(context, heads);
  heads = more;
  head_room *= 2;
  return head_new(session);
}

static void head_free(head_t *head) {
  js_free(context, head->copy);
  *head = (head_t){.state = HEAD_FREE};
}

static uint8_t *head_take(sluice_bytes_t *bytes, uint8_t *to) {
  memcpy(to, bytes->ptr, bytes->len);
  bytes->ptr = to;
  return to + bytes->len;
}

/* Copies a head out of the receive buffer. False with an exception when there is no memory. */
static bool head_keep(head_t *head) {
  const size_t count = head->fields.len;
  size_t size = count * sizeof(sluice_field_t) + head->line.method.len + head->line.target.len;
  for (size_t i = 0; i < count; i++) size += head->fields.ptr[i].name.len + head->fields.ptr[i].value.len;
  sluice_field_t *table = js_malloc(context, size);
  if (table == NULL) return false;
  uint8_t *to = (uint8_t *)(table + count);
  to = head_take(&head->line.method, to);
  to = head_take(&head->line.target, to);
  for (size_t i = 0; i < count; i++) {
    table[i] = head->fields.ptr[i];
    to = head_take(&table[i].name, to);
    to = head_take(&table[i].value, to);
  }
  head->fields.ptr = table;
  js_free(context, head->copy);
  head->copy = table;
  head->borrowed = false;
  return true;
}

/* Keeps a start line until its fields come. */
static bool head_hear_line(sluice_session_t session, const sluice_line_t *line) {
  const int32_t at = head_new(session);
  if (at < 0) return false;
  heads[at].state = HEAD_LINE;
  heads[at].line = *line;
  return head_keep(&heads[at]);
}

/* Joins fields to the start line that waits for them. */
static int32_t head_hear_fields(sluice_session_t session, sluice_fields_t fields) {
  for (uint32_t i = 0; i < head_room; i++) {
    if (heads[i].state != HEAD_LINE || heads[i].session != session) continue;
    heads[i].state = HEAD_WHOLE;
    heads[i].fields = fields;
    heads[i].borrowed = true;
    return (int32_t)i;
  }
  JS_ThrowInternalError(context, "fields came without a start line");
  return -1;
}

/* Takes the head of a whole message. */
static int32_t head_hear_message(sluice_session_t session, const sluice_message_t *message) {
  const int32_t at = head_new(session);
  if (at < 0) return at;
  heads[at].state = HEAD_WHOLE;
  heads[at].line = message->line;
  heads[at].fields = message->fields;
  heads[at].borrowed = true;
  return at;
}

/* Copies a head that outlives its event. */
static bool head_settle(int32_t at) { return !heads[at].borrowed || head_keep(&heads[at]); }

/* ----- Its parts ----- */

/* The number by which the runtime knows a head: never 0. */
static JSValue head_number(int32_t at) { return js_int32(at + 1); }

/* Finds the head that a number names. NULL with an exception when there is none. */
static head_t *head_of(JSValueConst number) {
  if (JS_VALUE_GET_TAG(number) == JS_TAG_INT) {
    const uint32_t at = (uint32_t)JS_VALUE_GET_INT(number) - 1;
    if (at < head_room && heads[at].state == HEAD_WHOLE) return &heads[at];
  }
  JS_ThrowTypeError(context, "there is no such head");
  return NULL;
}

/* Methods whose strings are made once (RFC 9110 section 9.3, RFC 5789). */
static const char *const common_methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"};
enum { COMMON_METHODS = sizeof common_methods / sizeof *common_methods };
static JSValue method_strings[COMMON_METHODS];

static void head_prepare(void) {
  for (size_t i = 0; i < COMMON_METHODS; i++) method_strings[i] = JS_NewAtomString(context, common_methods[i]);
}

static JSValue head_method(const head_t *head) {
  const sluice_bytes_t method = head->line.method;
  for (size_t i = 0; i < COMMON_METHODS; i++) {
    if (strlen(common_methods[i]) == method.len && memcmp(common_methods[i], method.ptr, method.len) == 0) {
      return JS_DupValue(context, method_strings[i]);
    }
  }
  return text_of_bytes(method.ptr, method.len);
}

static uint8_t head_lower(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte; }

/* Whether a field has a name, without regard to case (RFC 9110 section 5.1). */
static bool head_field_has_name(const sluice_field_t *field, const uint8_t *name, size_t size) {
  if (field->name.len != size) return false;
  for (size_t i = 0; i < size; i++) {
    if (head_lower(field->name.ptr[i]) != head_lower(name[i])) return false;
  }
  return true;
}

/* Gives the values of a name, joined (RFC 9110 section 5.3); null when there is none. */
static JSValue head_field(const head_t *head, const uint8_t *name, size_t name_size) {
  const sluice_field_t *first = NULL;
  size_t found = 0, size = 0;
  for (size_t i = 0; i < head->fields.len; i++) {
    const sluice_field_t *field = &head->fields.ptr[i];
    if (!head_field_has_name(field, name, name_size)) continue;
    if (found++ == 0) first = field;
    size += field->value.len;
  }
  if (found == 0) return JS_NULL;
  if (found == 1) return text_of_bytes(first->value.ptr, first->value.len);
  JSString *joined = js_alloc_string(context, (int)(size + 2 * (found - 1)), false);
  if (joined == NULL) return JS_EXCEPTION;
  uint8_t *to = str8(joined);
  for (const sluice_field_t *field = first; found > 0; field++) {
    if (!head_field_has_name(field, name, name_size)) continue;
    memcpy(to, field->value.ptr, field->value.len);
    to += field->value.len;
    if (--found > 0) *to++ = ',', *to++ = ' ';
  }
  *to = 0;
  return JS_MKPTR(JS_TAG_STRING, joined);
}

static JSValue head_lower_string(sluice_bytes_t name) {
  const JSValue value = text_of_bytes(name.ptr, name.len);
  if (JS_IsException(value) || name.len == 0) return value;
  uint8_t *bytes = str8(JS_VALUE_GET_STRING(value));
  for (size_t i = 0; i < name.len; i++) bytes[i] = head_lower(bytes[i]);
  return value;
}

/* Makes an array of names, in lower case, and values in turn. */
static JSValue head_fields(sluice_fields_t fields) {
  const JSValue list = JS_NewArray(context);
  if (JS_IsException(list) || fields.len == 0) return list;
  JSObject *array = JS_VALUE_GET_OBJ(list);
  if (expand_fast_array(context, array, 2 * fields.len) < 0) goto fail;
  for (size_t i = 0; i < 2 * fields.len; i++) {
    const sluice_field_t *field = &fields.ptr[i / 2];
    const JSValue part =
        i % 2 == 0 ? head_lower_string(field->name) : text_of_bytes(field->value.ptr, field->value.len);
    if (JS_IsException(part)) goto fail;
    array->u.array.u.values[i] = part;
    array->u.array.count = i + 1;
  }
  set_value(context, &array->prop[0].u.value, js_int32((int32_t)(2 * fields.len))); /* its length */
  return list;
fail:
  JS_FreeValue(context, list);
  return JS_EXCEPTION;
}
