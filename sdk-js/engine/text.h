/* Strings of JavaScript, which hold bytes (Latin-1) or 16-bit units, and the bytes of the wire.
 *
 * What HTTP calls bytes become characters one to one; bodies are UTF-8, as the Encoding Standard reads and writes it. */

enum { REPLACEMENT = 0xFFFD };

/* Gives the string that a value is, flat: a rope, which is a concatenation that nobody has looked at yet, is joined first. NULL
 * with an exception when the value is no string. What is returned lives until *held is freed. */
static JSString *text_flat(JSValueConst value, JSValue *held) {
  *held = JS_UNDEFINED;
  switch (JS_VALUE_GET_TAG(value)) {
  case JS_TAG_STRING:
    return JS_VALUE_GET_STRING(value);
  case JS_TAG_STRING_ROPE:
    *held = js_linearize_string_rope(context, value);
    return JS_IsException(*held) ? NULL : JS_VALUE_GET_STRING(*held);
  default:
    JS_ThrowTypeError(context, "a string is wanted");
    return NULL;
  }
}

/* Makes a string of bytes, each of which becomes a character. */
static JSValue text_of_bytes(const uint8_t *bytes, size_t size) {
  if (size == 0) return js_empty_string(runtime);
  return js_new_string8_len(context, (const char *)bytes, (int)size);
}

/* Counts the bytes below 128 that text begins with. */
static size_t text_ascii_prefix(const uint8_t *bytes, size_t size) {
  size_t at = 0;
  for (uint64_t word; at + sizeof word <= size; at += sizeof word) {
    memcpy(&word, bytes + at, sizeof word);
    if (word & UINT64_C(0x8080808080808080)) break;
  }
  while (at < size && bytes[at] < 0x80) at++;
  return at;
}

/* ----- From UTF-8 ----- */

/* Reads one character of UTF-8, of *at in bytes, which is moved behind it. What is no UTF-8 is the replacement character, one
 * for the longest part that could have begun a character (Unicode 15, section 3.9, table 3-8). */
static uint32_t text_next_character(const uint8_t *bytes, size_t size, size_t *at) {
  const uint8_t lead = bytes[(*at)++];
  if (lead < 0x80) return lead;
  if (lead < 0xC2 || lead > 0xF4) return REPLACEMENT;
  int more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
  /* The second byte's range keeps out longer forms than needed, surrogates, and what lies beyond U+10FFFF. */
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  uint32_t character = lead & (0x3F >> more);
  for (; more > 0; more--, low = 0x80, high = 0xBF) {
    if (*at == size || bytes[*at] < low || bytes[*at] > high) return REPLACEMENT;
    character = character << 6 | (bytes[(*at)++] & 0x3F);
  }
  return character;
}

/* Makes a string of UTF-8. */
static JSValue text_of_utf8(const uint8_t *bytes, size_t size) {
  const size_t ascii = text_ascii_prefix(bytes, size);
  if (ascii == size) return text_of_bytes(bytes, size);
  if (size > JS_STRING_LEN_MAX) return JS_ThrowRangeError(context, "invalid string length");
  size_t units = ascii;
  bool wide = false;
  for (size_t at = ascii; at < size;) {
    const uint32_t character = text_next_character(bytes, size, &at);
    wide |= character > 0xFF;
    units += character > 0xFFFF ? 2 : 1;
  }
  JSString *string = js_alloc_string(context, (int)units, wide);
  if (string == NULL) return JS_EXCEPTION;
  units = 0;
  for (size_t at = 0; at < size;) {
    const uint32_t character = text_next_character(bytes, size, &at);
    if (!wide) {
      str8(string)[units++] = (uint8_t)character;
    } else if (character <= 0xFFFF) {
      str16(string)[units++] = (uint16_t)character;
    } else {
      str16(string)[units++] = (uint16_t)(0xD800 + ((character - 0x10000) >> 10));
      str16(string)[units++] = (uint16_t)(0xDC00 + ((character - 0x10000) & 0x3FF));
    }
  }
  if (!wide) str8(string)[units] = 0;
  return JS_MKPTR(JS_TAG_STRING, string);
}

/* ----- To UTF-8 ----- */

/* Takes one character of a string, of *at, which is moved behind it. A surrogate without its other half is the replacement
 * character. */
static uint32_t text_character_at(JSString *string, size_t *at) {
  if (!string->is_wide_char) return str8(string)[(*at)++];
  const uint16_t *units = str16(string);
  const uint16_t unit = units[(*at)++];
  if (unit < 0xD800 || unit > 0xDFFF) return unit;
  if (unit > 0xDBFF || *at == string->len || (units[*at] & 0xFC00) != 0xDC00) return REPLACEMENT;
  return 0x10000 + ((uint32_t)(unit & 0x3FF) << 10) + (units[(*at)++] & 0x3FF);
}

static size_t text_utf8_size(JSString *string) {
  size_t size = 0;
  for (size_t at = 0; at < string->len;) {
    const uint32_t character = text_character_at(string, &at);
    size += character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
  }
  return size;
}

/* Writes a string as UTF-8 into room for text_utf8_size bytes. */
static void text_write_utf8(JSString *string, uint8_t *to) {
  for (size_t at = 0; at < string->len;) {
    const uint32_t character = text_character_at(string, &at);
    if (character < 0x80) {
      *to++ = (uint8_t)character;
      continue;
    }
    int more = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    *to++ = (uint8_t)((0xFF00 >> (more + 1)) | character >> (6 * more));
    while (more-- > 0) *to++ = (uint8_t)(0x80 | (character >> (6 * more) & 0x3F));
  }
}

/* Whether a string's characters are UTF-8 as they lie. */
static bool text_is_ascii(JSString *string) {
  return !string->is_wide_char && text_ascii_prefix(str8(string), string->len) == string->len;
}
