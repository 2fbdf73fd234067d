/* What is sent: fields and bodies, handed to the host where they lie in the strings and arrays of JavaScript as often as that
 * can be. */

/* ----- Fields ----- */

enum { FIELD_ROOM = 64 };

static sluice_field_t first_field_table[FIELD_ROOM];
static sluice_field_t *field_table = first_field_table;
static size_t field_room = FIELD_ROOM;

static bool fields_make_room(size_t count) {
  if (count <= field_room) return true;
  sluice_field_t *table = js_malloc(context, count * sizeof *table);
  if (table == NULL) return false;
  if (field_table != first_field_table) js_free(context, field_table);
  field_table = table;
  field_room = count;
  return true;
}

/* Puts a string of bytes in the place of one that is a rope, or holds them in 16-bit units. */
static bool fields_narrow(JSValue *place) {
  JSValue held;
  JSString *string = text_flat(*place, &held);
  if (string == NULL) return false;
  JSValue narrow = JS_DupValue(context, JS_MKPTR(JS_TAG_STRING, string));
  if (string->is_wide_char) {
    JS_FreeValue(context, narrow);
    JSString *copy = js_alloc_string(context, string->len, false);
    for (uint32_t i = 0; copy != NULL && i < string->len; i++) {
      const uint16_t unit = str16(string)[i];
      if (unit > 0xFF) {
        js_free_string(runtime, copy);
        JS_ThrowTypeError(context, "a field has a character above U+00FF");
        copy = NULL;
        break;
      }
      str8(copy)[i] = (uint8_t)unit;
    }
    if (copy != NULL) str8(copy)[copy->len] = 0;
    narrow = copy == NULL ? JS_EXCEPTION : JS_MKPTR(JS_TAG_STRING, copy);
  }
  JS_FreeValue(context, held);
  if (JS_IsException(narrow)) return false;
  JS_FreeValue(context, *place);
  *place = narrow;
  return true;
}

static bool fields_bytes(JSValue *place, sluice_bytes_t *bytes) {
  if (JS_VALUE_GET_TAG(*place) != JS_TAG_STRING || JS_VALUE_GET_STRING(*place)->is_wide_char) {
    if (!fields_narrow(place)) return false;
  }
  JSString *string = JS_VALUE_GET_STRING(*place);
  bytes->ptr = str8(string);
  bytes->len = string->len;
  return true;
}

/* Describes an array of names and values in turn in field_table. False with an exception when it is something else. */
static bool fields_of(JSValueConst list, size_t *count) {
  JSValue *values;
  uint32_t length;
  if (!js_get_fast_array(context, list, &values, &length) || length % 2 != 0) {
    JS_ThrowTypeError(context, "fields are an array of names and values in turn");
    return false;
  }
  *count = length / 2;
  if (!fields_make_room(*count)) return false;
  for (size_t i = 0; i < *count; i++) {
    if (!fields_bytes(&values[2 * i], &field_table[i].name)) return false;
    if (!fields_bytes(&values[2 * i + 1], &field_table[i].value)) return false;
  }
  return true;
}

/* ----- Bodies ----- */

/* The bytes of a value, and what keeps them until body_end. */
typedef struct body {
  const uint8_t *ptr;
  size_t len;
  JSValue held;
  void *encoded;
} body_t;

static bool body_of_buffer(const JSArrayBuffer *buffer, size_t offset, size_t length, body_t *body) {
  if (buffer->detached || offset > (size_t)buffer->byte_length || length > (size_t)buffer->byte_length - offset) {
    JS_ThrowTypeError(context, "the body's buffer is detached or out of bounds");
    return false;
  }
  body->ptr = buffer->data + offset;
  body->len = length;
  return true;
}

static bool body_of_object(JSObject *object, body_t *body) {
  if (object->class_id == JS_CLASS_UINT8_ARRAY) {
    const JSTypedArray *array = object->u.typed_array;
    return body_of_buffer(array->buffer->u.array_buffer, array->offset, object->u.array.count, body);
  }
  if (object->class_id == JS_CLASS_ARRAY_BUFFER) {
    const JSArrayBuffer *buffer = object->u.array_buffer;
    return body_of_buffer(buffer, 0, buffer->byte_length, body);
  }
  JS_ThrowTypeError(context, "a body is a string, a Uint8Array or an ArrayBuffer");
  return false;
}

static bool body_of_string(JSValueConst value, body_t *body) {
  JSString *string = text_flat(value, &body->held);
  if (string == NULL) return false;
  if (text_is_ascii(string)) {
    body->ptr = str8(string);
    body->len = string->len;
    return true;
  }
  body->len = text_utf8_size(string);
  body->ptr = body->encoded = js_malloc(context, body->len);
  if (body->ptr == NULL) return false;
  text_write_utf8(string, body->encoded);
  return true;
}

static void body_end(body_t *body) {
  JS_FreeValue(context, body->held);
  js_free(context, body->encoded);
}

/* Finds the bytes of a value. False with an exception when it has none; body_end is called in any case. */
static bool body_of(JSValueConst value, body_t *body) {
  *body = (body_t){.held = JS_UNDEFINED};
  switch (JS_VALUE_GET_TAG(value)) {
  case JS_TAG_UNDEFINED:
    return true;
  case JS_TAG_OBJECT:
    return body_of_object(JS_VALUE_GET_OBJ(value), body);
  default:
    return body_of_string(value, body);
  }
}
