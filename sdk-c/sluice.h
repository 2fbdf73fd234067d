/* Handlers for Sluice in C and C++: this header, and sluice_abi.h beside it, which it includes.
 *
 *   #include "sluice.h"
 *
 *   static void handle(sluice_request_t *request, sluice_response_t *response) {
 *     static uint8_t room[16 << 10];
 *     sluice_buffer_t text = sluice_buffer(room, sizeof room);
 *     sluice_put(&text, "You asked for ");
 *     sluice_put_bytes(&text, request->path);
 *     sluice_put(&text, "\n");
 *     sluice_reply_text(response, 200, sluice_written(&text));
 *   }
 *
 *   SLUICE_HANDLE(handle);
 *
 *   clang --target=wasm32 -O2 -ffreestanding -nostdlib -I sdk-c -Wl,--no-entry -o hello.wasm hello.c
 *
 * There are two levels. At the event level a handler hears events and answers with the calls of sluice_abi.h, and this
 * header adds a receive buffer, literals and copies: begin with SLUICE_HANDLER. At the message level a function is given a
 * request and a response, and reads and writes in the blocking style: begin with SLUICE_HANDLE or SLUICE_HANDLE_WHOLE.
 *
 * Everything is C11 and C++11, begins with sluice_ or SLUICE_, needs no library, allocates nothing, and costs nothing in the
 * module while it is not used. What fails gives back a sluice_errno_t; sluice_strerror says what to do about it. Strings
 * that the host or a parser gives are sluice_bytes_t, which no zero ends. Most are borrowed: each function says for how long.
 *
 * The documented interface comes first, what it is made of after it. */

#ifndef SLUICE_H
#define SLUICE_H

#include "sluice_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ===== Bytes ===== */

/* Initializers of a sluice_bytes_t and of a sluice_field_t from literals, for static tables:
 *
 *   static const sluice_field_t fields[] = {SLUICE_FIELD("cache-control", "no-store")}; */
#define SLUICE_TEXT(literal) {(const uint8_t *)("" literal), sizeof(literal) - 1}
#define SLUICE_FIELD(name, value) {SLUICE_TEXT(name), SLUICE_TEXT(value)}

/* The address and the length of a literal, for calls that take them as two arguments. */
#define SLUICE_LITERAL(literal) (const uint8_t *)("" literal), sizeof(literal) - 1

/* No bytes at all: what is not there. What is there and empty has an address. */
#define SLUICE_NOTHING sluice_bytes(NULL, 0)

/* Makes bytes of an address and a length, and of a text that a zero ends. */
static inline sluice_bytes_t sluice_bytes(const void *ptr, size_t len);
static inline sluice_bytes_t sluice_text(const char *text);

/* Compares with a text: byte by byte, and with A to Z like a to z, as names of fields are compared. */
static inline bool sluice_equal(sluice_bytes_t bytes, const char *text);
static inline bool sluice_equal_fold(sluice_bytes_t bytes, const char *text);
static inline bool sluice_same(sluice_bytes_t a, sluice_bytes_t b);
static inline bool sluice_begins_with(sluice_bytes_t bytes, const char *text);

/* Gives the bytes without spaces and tabs around them. */
static inline sluice_bytes_t sluice_trim(sluice_bytes_t bytes);

/* Reads a whole number in decimal digits, behind a minus or not. False when it is none, or does not fit. */
static inline bool sluice_integer(sluice_bytes_t bytes, int64_t *number);

/* Whether the bytes are UTF-8 (RFC 3629): no surrogates, nothing longer than need be. */
static inline bool sluice_is_utf8(sluice_bytes_t bytes);

/* Copies bytes that do not overlap. */
static inline void sluice_copy(void *to, const void *from, size_t len);

/* ===== Arenas: room for what has to outlive an event ===== */

typedef struct sluice_arena {
  uint8_t *base; /* aligned to 8 */
  size_t size;
  size_t used;
} sluice_arena_t;

/* Defines an arena of a number of bytes. It is empty in every clean instance; `name.used = 0` empties it. */
#define SLUICE_ARENA(name, bytes)                                      \
  static uint8_t name##_room[bytes] __attribute__((aligned(8)));       \
  static sluice_arena_t name = {name##_room, sizeof name##_room, 0}

/* Takes room, aligned to 8. NULL when there is not so much. */
static inline void *sluice_take(sluice_arena_t *arena, size_t size);

/* Copies into an arena what an event lends: bytes; fields with their names and values. `too_big` when the arena is full;
 * nothing is taken then. */
static inline sluice_errno_t sluice_keep(sluice_arena_t *arena, sluice_bytes_t bytes, sluice_bytes_t *kept);
static inline sluice_errno_t sluice_keep_fields(sluice_arena_t *arena, sluice_fields_t fields, sluice_fields_t *kept);

/* ===== Buffers: text that is put together in room of a fixed size ===== */

typedef struct sluice_buffer {
  uint8_t *ptr;
  size_t len; /* what was put */
  size_t cap;
  bool full; /* something did not fit; it and all that followed was left out */
} sluice_buffer_t;

static inline sluice_buffer_t sluice_buffer(void *room, size_t size);

/* What was put. Panics when something did not fit, so that no half text goes out: look at `full` where that may happen. */
#define sluice_written(buffer) sluice_written_at(buffer, __FILE__, __LINE__)
static inline sluice_bytes_t sluice_written_at(const sluice_buffer_t *buffer, const char *file, uint32_t line);

static inline void sluice_put(sluice_buffer_t *buffer, const char *text);
static inline void sluice_put_bytes(sluice_buffer_t *buffer, sluice_bytes_t bytes);
static inline void sluice_put_char(sluice_buffer_t *buffer, char c);
static inline void sluice_put_integer(sluice_buffer_t *buffer, int64_t number);
/* Puts text that is safe in HTML, between tags and in quoted attributes. */
static inline void sluice_put_html(sluice_buffer_t *buffer, sluice_bytes_t text);

/* ===== The log, and giving up ===== */

/* Prints a line to the log of the host. */
static inline void sluice_log(const char *text);
static inline void sluice_log_bytes(sluice_bytes_t text);

/* Says what an errno means, and what to do. */
static inline const char *sluice_strerror(uint32_t error);

/* Gives up: prints file, line and a text to the log of the host, and traps. The request is answered 500, or its connection
 * cut when an answer has begun. Other requests do not notice. */
#define sluice_panic(text) sluice_panic_at(__FILE__, __LINE__, text, NULL)
__attribute__((noreturn)) static inline void sluice_panic_at(
    const char *file, uint32_t line, const char *text, const char *detail);

/* Gives up unless something holds. */
#define SLUICE_CHECK(condition) \
  ((condition) ? (void)0 : sluice_panic_at(__FILE__, __LINE__, "this does not hold: " #condition, NULL))

/* Gives up when a call fails, unless it fails because the peer is gone, which is nobody's mistake. */
#define SLUICE_MUST(call) sluice_must_at(__FILE__, __LINE__, #call, call)
static inline void sluice_must_at(const char *file, uint32_t line, const char *call, uint32_t error);

/* ===== The event level ===== */

/* The size of the receive buffer in bytes, at least 4096. A head that does not fit is answered 431, and a whole request 413,
 * without the handler; pieces of a body are at most as large. Define it before the header is included to have another. */
#ifndef SLUICE_RECEIVE_SIZE
#define SLUICE_RECEIVE_SIZE (64 << 10)
#endif

/* Defines a receive buffer, and which events the handler hears: a set of SLUICE_SUBSCRIPTIONS_. What it does with them is in
 * sluice_on_event, which the handler defines:
 *
 *   SLUICE_HANDLER(SLUICE_SUBSCRIPTIONS_READY);
 *
 *   void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
 *     const sluice_message_t *message = (const sluice_message_t *)payload;
 *     ...
 *   } */
#define SLUICE_HANDLER(events)                                                                     \
  static uint8_t sluice_room[SLUICE_RECEIVE_SIZE] __attribute__((aligned(8)));                     \
  const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) {                            \
    static const sluice_receive_buffer_t buffer = {sluice_room, sizeof sluice_room};               \
    return size <= buffer.size ? &buffer : NULL;                                                   \
  }                                                                                                \
  sluice_subscriptions_t sluice_subscriptions(void) { return events; }                             \
  SLUICE_STATIC_ASSERT(sizeof sluice_room >= 4096, "SLUICE_RECEIVE_SIZE is less than 4096 bytes")

/* ===== The message level ===== */

/* How many fields sluice_set_header and sluice_add_header take, and those of a reply with them. */
#ifndef SLUICE_MAX_FIELDS
#define SLUICE_MAX_FIELDS 16
#endif

/* Room for the fields of a request while its body is read, in bytes: they and 16 for each. The largest that a host sends
 * unless it is configured otherwise fit. */
#ifndef SLUICE_HEAD_SIZE
#define SLUICE_HEAD_SIZE (36 << 10)
#endif

/* A request. Its bytes are borrowed until the handler returns, unless a function says otherwise. */
typedef struct sluice_request {
  sluice_session_t session; /* for the calls of sluice_abi.h */
  sluice_version_t version;
  sluice_bytes_t method; /* case kept */
  sluice_bytes_t target; /* as sent */
  sluice_bytes_t path;   /* of the target, not decoded, without the query */
  sluice_bytes_t query;  /* what follows the question mark, not decoded; nothing when there is none */

  /* What follows belongs to the functions below. */
  sluice_fields_t fields;
  sluice_fields_t trailers;
  sluice_bytes_t body;  /* of a request that came whole */
  uint8_t has;          /* what was pulled from the host: a set of SLUICE_HAS_ */
  sluice_errno_t error; /* of the first pull that failed; it fails again with the same */
} sluice_request_t;

/* A response. */
typedef struct sluice_response {
  sluice_session_t session; /* for the calls of sluice_abi.h */

  /* What follows belongs to the functions below. */
  bool complete;
  sluice_errno_t error; /* of the last call that failed */
  size_t fields_len;
  sluice_field_t fields[SLUICE_MAX_FIELDS];
} sluice_response_t;

typedef void (*sluice_handle_t)(sluice_request_t *, sluice_response_t *);

/* Has a function answer every request. It is called when the head of a request is there, and may wait for the body, and for
 * room for the answer, for as long as the limits of the host allow. When it returns the answer must be complete; one that
 * is not is a mistake and ends like a panic, unless the peer is gone. The rest of a body that was not read is thrown away.
 *
 * It needs an instance with one session at a time (isolation "request" or "connection"). */
#define SLUICE_HANDLE(handle)                                                                                            \
  SLUICE_HANDLER(SLUICE_SUBSCRIPTIONS_LINE_READY | SLUICE_SUBSCRIPTIONS_HEADER_READY | SLUICE_SUBSCRIPTIONS_DATA_READY | \
                 SLUICE_SUBSCRIPTIONS_TRAILER_READY | SLUICE_SUBSCRIPTIONS_READY);                                       \
  void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {           \
    (void)payload_len;                                                                                                   \
    sluice_hear(session, event, payload, handle, __FILE__, __LINE__);                                                    \
  }                                                                                                                      \
  SLUICE_STATIC_ASSERT(sizeof(sluice_handle_t) > 0, "") /* takes the semicolon */

/* The same, but the function is called when a request has come whole: cheaper when bodies are small, and good for instances
 * with many sessions. A request that does not fit into the receive buffer is answered 413 without the handler. There are no
 * trailers. */
#define SLUICE_HANDLE_WHOLE(handle)                                                                            \
  SLUICE_HANDLER(SLUICE_SUBSCRIPTIONS_READY);                                                                  \
  void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) { \
    (void)event, (void)payload_len;                                                                            \
    sluice_hear_whole(session, payload, handle, __FILE__, __LINE__);                                           \
  }                                                                                                            \
  SLUICE_STATIC_ASSERT(sizeof(sluice_handle_t) > 0, "")

/* ----- Reading a request ----- */

/* Gives the fields of the head, in the order in which they were sent; none when the peer is gone. */
static inline sluice_fields_t sluice_headers(sluice_request_t *request);

/* Gives the value of the first field with a name, whatever its case; nothing when there is none. */
static inline sluice_bytes_t sluice_header(sluice_request_t *request, const char *name);

/* Gives the next field with a name: `at` is 0 at first and then counts on. NULL when there is no further one. */
static inline const sluice_field_t *sluice_find_field(sluice_fields_t fields, const char *name, size_t *at);

/* Gives the value of a cookie (RFC 6265 section 4.2), as sent but for quotes around it; nothing when there is none. */
static inline sluice_bytes_t sluice_cookie(sluice_request_t *request, const char *name);

/* Decodes the first variable of the query with a name into a buffer. Nothing when there is none, or when the buffer is too
 * small; one of the size of the query never is. */
static inline sluice_bytes_t sluice_query_var(sluice_request_t *request, const char *name, void *buf, size_t cap);

/* Takes the next pair off a query or a form (application/x-www-form-urlencoded), both parts not decoded. False at the end. */
static inline bool sluice_next_pair(sluice_bytes_t *form, sluice_bytes_t *name, sluice_bytes_t *value);

/* Does for a form what sluice_query_var does for a query. */
static inline sluice_bytes_t sluice_form_var(sluice_bytes_t form, const char *name, void *buf, size_t cap);

/* Decodes a part of a query or of a form into a buffer: %20 and + become spaces. A percent sign without two digits stays.
 * Nothing when the buffer is too small; one of the size of the part never is. A path is decoded with `plus` false: there +
 * means itself. */
static inline sluice_bytes_t sluice_decode(sluice_bytes_t part, bool plus, void *buf, size_t cap);

/* Waits for the next piece of the body: no bytes at its end. It is borrowed until the next call. `closed` when the peer is
 * gone, `too_big` when the fields need more than SLUICE_HEAD_SIZE. */
static inline sluice_errno_t sluice_read(sluice_request_t *request, sluice_bytes_t *piece);

/* Gives the body whole. It waits for it and collects it in a buffer, except where the request came whole. `too_big` when the
 * buffer is too small, `closed`. */
static inline sluice_errno_t sluice_body(sluice_request_t *request, void *buf, size_t cap, sluice_bytes_t *body);

/* The same for text: `invalid` when it is not UTF-8. */
static inline sluice_errno_t sluice_body_text(sluice_request_t *request, void *buf, size_t cap, sluice_bytes_t *text);

/* Gives the trailers, once the body was read to its end. */
static inline sluice_fields_t sluice_trailers(sluice_request_t *request);

/* ----- Writing a response ----- */

/* Sets a field of the head, in place of those with the same name, or adds one. Name and value are borrowed until the head is
 * sent, or kept by sluice_begin. `too_big` beyond SLUICE_MAX_FIELDS. */
static inline sluice_errno_t sluice_set_header(sluice_response_t *response, const char *name, sluice_bytes_t value);
static inline sluice_errno_t sluice_add_header(sluice_response_t *response, const char *name, sluice_bytes_t value);

/* Answers at once: a status from 200 to 999, fields besides those that were set, a body. Fails like sluice_send. */
static inline sluice_errno_t sluice_reply(sluice_response_t *response, uint32_t status, const sluice_field_t *fields,
                                          size_t fields_len, const void *body, size_t body_len);

/* The same with a Content-Type: text and HTML in UTF-8, JSON. */
static inline sluice_errno_t sluice_reply_text(sluice_response_t *response, uint32_t status, sluice_bytes_t text);
static inline sluice_errno_t sluice_reply_html(sluice_response_t *response, uint32_t status, sluice_bytes_t html);
static inline sluice_errno_t sluice_reply_json(sluice_response_t *response, uint32_t status, sluice_bytes_t json);

/* Begins an answer whose body is written in pieces. The head goes out with the first of them, so that a peer that waits for
 * 100 (Continue) is told to go on when its body is read before. `invalid` for the status, `state` when a head was sent. */
static inline sluice_errno_t sluice_begin(
    sluice_response_t *response, uint32_t status, const sluice_field_t *fields, size_t fields_len);

/* Writes a piece of the body and waits for room before. `too_big` beyond an announced Content-Length, `invalid` for a field
 * that may not be sent, `state` after the end, `closed`. */
static inline sluice_errno_t sluice_write(sluice_response_t *response, const void *piece, size_t len);

/* Ends an answer, without and with trailers, which reach a peer that gets the body in chunks. `invalid` when fewer bytes were
 * written than Content-Length announced, or for a field that may not be a trailer. */
static inline sluice_errno_t sluice_end(sluice_response_t *response);
static inline sluice_errno_t sluice_end_with(sluice_response_t *response, sluice_fields_t trailers);

/* ----- JSON (RFC 8259) ----- */

/* Writes JSON into a buffer, compact, with the commas where they belong:
 *
 *   sluice_json_t json = sluice_json(&buffer);
 *   sluice_json_open(&json, '{');
 *   sluice_json_key(&json, "id");
 *   sluice_json_integer(&json, 7);
 *   sluice_json_close(&json, '}'); */
typedef struct sluice_json {
  sluice_buffer_t *buffer;
  bool comma; /* one belongs in front of what comes next */
} sluice_json_t;

static inline sluice_json_t sluice_json(sluice_buffer_t *buffer);
static inline void sluice_json_open(sluice_json_t *json, char bracket);
static inline void sluice_json_close(sluice_json_t *json, char bracket);
static inline void sluice_json_key(sluice_json_t *json, const char *name);
/* What is no UTF-8 becomes U+FFFD. */
static inline void sluice_json_string(sluice_json_t *json, sluice_bytes_t text);
static inline void sluice_json_integer(sluice_json_t *json, int64_t number);
static inline void sluice_json_bool(sluice_json_t *json, bool value);
static inline void sluice_json_null(sluice_json_t *json);

/* What a piece of JSON is. */
typedef enum sluice_json_kind {
  SLUICE_JSON_END,          /* the document is over */
  SLUICE_JSON_BROKEN,       /* it is no JSON, or nested deeper than SLUICE_JSON_DEPTH */
  SLUICE_JSON_OBJECT,       /* { */
  SLUICE_JSON_OBJECT_END,   /* } */
  SLUICE_JSON_ARRAY,        /* [ */
  SLUICE_JSON_ARRAY_END,    /* ] */
  SLUICE_JSON_KEY,          /* the text between the quotes, not decoded */
  SLUICE_JSON_STRING,       /* the same */
  SLUICE_JSON_NUMBER,       /* as written; sluice_integer reads it when it is a whole one */
  SLUICE_JSON_TRUE,
  SLUICE_JSON_FALSE,
  SLUICE_JSON_NULL
} sluice_json_kind_t;

#define SLUICE_JSON_DEPTH 64

typedef struct sluice_json_reader {
  const uint8_t *at, *end;
  uint64_t objects;    /* bit n: the bracket at depth n is one of an object */
  uint8_t depth, wait; /* what is waited for: one of SLUICE_JSON_WAIT_ */
} sluice_json_reader_t;

/* Reads a document piece by piece. What was read is JSON so far; only SLUICE_JSON_END says that all of it is. */
static inline sluice_json_reader_t sluice_json_reader(sluice_bytes_t document);
static inline sluice_json_kind_t sluice_json_next(sluice_json_reader_t *reader, sluice_bytes_t *text);

/* A value: a text as sluice_json_next gives it, and for an object or an array all of it with its brackets. */
typedef struct sluice_json_value {
  sluice_json_kind_t kind; /* SLUICE_JSON_END when there is none */
  sluice_bytes_t text;
} sluice_json_value_t;

/* Finds a member of an object, the last one with that name. `invalid` when the document is no JSON, or no object. */
static inline sluice_errno_t sluice_json_member(sluice_bytes_t document, const char *name, sluice_json_value_t *value);

/* Decodes the text of a string or a key into a buffer. Half a pair of surrogates becomes U+FFFD. Nothing when the buffer is
 * too small; one of the size of the text never is. */
static inline sluice_bytes_t sluice_json_decode(sluice_bytes_t text, void *buf, size_t cap);

/* ----- Forms with files: multipart/form-data (RFC 7578) ----- */

/* A part. Names are as sent between their quotes. */
typedef struct sluice_part {
  sluice_bytes_t name;     /* nothing when there is no further part */
  sluice_bytes_t filename; /* nothing when it is no file */
  sluice_bytes_t type;     /* Content-Type; nothing when it has none */
  sluice_bytes_t content;  /* of a body that is there whole */
} sluice_part_t;

/* Gives the boundary that a Content-Type names; nothing when it is not multipart/form-data, or names none. */
static inline sluice_bytes_t sluice_boundary(sluice_bytes_t content_type);

/* Finds the next part of a body that is there whole. `offset` is 0 at first and then counts on. `invalid` when the body is
 * broken: it has no boundary, a part has no name or does not end. */
static inline sluice_errno_t sluice_next_part(
    sluice_bytes_t body, sluice_bytes_t boundary, size_t *offset, sluice_part_t *part);

/* Reads the parts of a request's body while it comes in. */
typedef struct sluice_multipart {
  sluice_request_t *request;
  sluice_bytes_t piece;      /* what of the body was read and does not fit into the window yet */
  uint8_t *window;
  size_t begin, end, size;   /* the bytes in the window that were not given yet, and its size */
  uint8_t delimiter[4 + 70]; /* what parts are separated by: CRLF, --, the boundary */
  size_t delimiter_len;
  uint8_t overlap; /* how many bytes at the front belong to the head of the part as well */
  bool in_part;
} sluice_multipart_t;

/* Begins with a window of at least 512 bytes, into which the head of a part has to fit. `invalid` when the request has no
 * such body. */
static inline sluice_errno_t sluice_open_multipart(
    sluice_multipart_t *multipart, sluice_request_t *request, void *window, size_t size);

/* Waits for the next part, past the rest of the present one. Its bytes are borrowed until the next call for this body.
 * `invalid` when the body is broken, `too_big` when its head does not fit into the window, and as sluice_read. */
static inline sluice_errno_t sluice_read_part(sluice_multipart_t *multipart, sluice_part_t *part);

/* Waits for the next piece of the present part: no bytes at its end. It is borrowed until the next call for this body. */
static inline sluice_errno_t sluice_read_content(sluice_multipart_t *multipart, sluice_bytes_t *piece);

/* ===== What it is made of ===== */

/* ----- Bytes ----- */

static inline sluice_bytes_t sluice_bytes(const void *ptr, size_t len) {
  sluice_bytes_t bytes;
  bytes.ptr = (const uint8_t *)ptr;
  bytes.len = len;
  return bytes;
}

static inline sluice_bytes_t sluice_text(const char *text) {
  size_t len = 0;
  while (text[len] != 0) len++;
  return sluice_bytes(text, len);
}

static inline uint8_t sluice_fold(uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c; }

static inline bool sluice_equal(sluice_bytes_t bytes, const char *text) {
  size_t i = 0;
  while (i < bytes.len && text[i] != 0 && bytes.ptr[i] == (uint8_t)text[i]) i++;
  return i == bytes.len && text[i] == 0;
}

static inline bool sluice_equal_fold(sluice_bytes_t bytes, const char *text) {
  size_t i = 0;
  while (i < bytes.len && text[i] != 0 && sluice_fold(bytes.ptr[i]) == sluice_fold((uint8_t)text[i])) i++;
  return i == bytes.len && text[i] == 0;
}

static inline bool sluice_same(sluice_bytes_t a, sluice_bytes_t b) {
  if (a.len != b.len) return false;
  for (size_t i = 0; i < a.len; i++) {
    if (a.ptr[i] != b.ptr[i]) return false;
  }
  return true;
}

static inline bool sluice_begins_with(sluice_bytes_t bytes, const char *text) {
  size_t i = 0;
  while (i < bytes.len && text[i] != 0 && bytes.ptr[i] == (uint8_t)text[i]) i++;
  return text[i] == 0;
}

/* The bytes from one place to another, which is not before it. */
static inline sluice_bytes_t sluice_slice(sluice_bytes_t bytes, size_t from, size_t to) {
  return sluice_bytes(bytes.ptr + from, to - from);
}

/* The place of the first such byte from a place on; the length when there is none. */
static inline size_t sluice_index(sluice_bytes_t bytes, size_t from, char c) {
  while (from < bytes.len && bytes.ptr[from] != (uint8_t)c) from++;
  return from;
}

/* Takes what lies before the first such byte off the front, and the byte. */
static inline sluice_bytes_t sluice_cut(sluice_bytes_t *rest, char c) {
  const size_t at = sluice_index(*rest, 0, c);
  const sluice_bytes_t front = sluice_slice(*rest, 0, at);
  *rest = sluice_slice(*rest, at < rest->len ? at + 1 : at, rest->len);
  return front;
}

static inline bool sluice_is_blank(uint8_t c) { return c == ' ' || c == '\t'; }

static inline sluice_bytes_t sluice_trim(sluice_bytes_t bytes) {
  while (bytes.len > 0 && sluice_is_blank(bytes.ptr[0])) bytes.ptr++, bytes.len--;
  while (bytes.len > 0 && sluice_is_blank(bytes.ptr[bytes.len - 1])) bytes.len--;
  return bytes;
}

static inline bool sluice_integer(sluice_bytes_t bytes, int64_t *number) {
  const bool negative = bytes.len > 0 && bytes.ptr[0] == '-';
  const uint64_t most = (uint64_t)INT64_MAX + negative;
  uint64_t value = 0;
  if (bytes.len == negative) return false;
  for (size_t i = negative; i < bytes.len; i++) {
    const uint64_t digit = (uint64_t)bytes.ptr[i] - '0';
    if (digit > 9 || value > (most - digit) / 10) return false;
    value = 10 * value + digit;
  }
  *number = negative ? (int64_t)(0 - value) : (int64_t)value;
  return true;
}

/* The length in bytes of the character at the front, 0 when it is no UTF-8. */
static inline size_t sluice_utf8_len(sluice_bytes_t text) {
  static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
  const uint8_t first = text.ptr[0];
  const size_t len = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
  if (len < 2) return len;
  if (text.len < len) return 0;
  uint32_t value = first & (0x7fu >> len);
  for (size_t i = 1; i < len; i++) {
    if ((text.ptr[i] & 0xc0) != 0x80) return 0;
    value = value << 6 | (text.ptr[i] & 0x3fu);
  }
  return value < least[len] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000) ? 0 : len;
}

static inline bool sluice_is_utf8(sluice_bytes_t bytes) {
  while (bytes.len > 0) {
    const size_t len = sluice_utf8_len(bytes);
    if (len == 0) return false;
    bytes = sluice_slice(bytes, len, bytes.len);
  }
  return true;
}

/* Where the machine has an instruction for it that is used; a call of memcpy there may be no library for. */
static inline void sluice_copy(void *to, const void *from, size_t len) {
#if defined(__wasm_bulk_memory__) || !defined(__wasm__)
  if (len > 0) __builtin_memcpy(to, from, len);
#else
  uint8_t *t = (uint8_t *)to;
  const uint8_t *f = (const uint8_t *)from;
  for (; len >= 8; t += 8, f += 8, len -= 8) {
    uint64_t word;
    __builtin_memcpy(&word, f, 8);
    __builtin_memcpy(t, &word, 8);
  }
  for (; len > 0; len--) *t++ = *f++;
#endif
}

/* Moves bytes to the front of where they lie. */
static inline void sluice_move_down(uint8_t *to, const uint8_t *from, size_t len) {
  for (size_t i = 0; i < len; i++) to[i] = from[i];
}

/* ----- Arenas ----- */

static inline void *sluice_take(sluice_arena_t *arena, size_t size) {
  const size_t used = (arena->used + 7) & ~(size_t)7;
  if (used > arena->size || size > arena->size - used) return NULL;
  arena->used = used + size;
  return arena->base + used;
}

static inline sluice_errno_t sluice_keep(sluice_arena_t *arena, sluice_bytes_t bytes, sluice_bytes_t *kept) {
  void *room = sluice_take(arena, bytes.len);
  if (room == NULL) return SLUICE_ERRNO_TOO_BIG;
  sluice_copy(room, bytes.ptr, bytes.len);
  *kept = sluice_bytes(room, bytes.len);
  return SLUICE_ERRNO_SUCCESS;
}

static inline sluice_bytes_t sluice_append_copy(uint8_t **to, sluice_bytes_t bytes) {
  sluice_copy(*to, bytes.ptr, bytes.len);
  *to += bytes.len;
  return sluice_bytes(*to - bytes.len, bytes.len);
}

static inline sluice_errno_t sluice_keep_fields(sluice_arena_t *arena, sluice_fields_t fields, sluice_fields_t *kept) {
  size_t size = fields.len * sizeof(sluice_field_t);
  for (size_t i = 0; i < fields.len; i++) size += fields.ptr[i].name.len + fields.ptr[i].value.len;
  sluice_field_t *table = (sluice_field_t *)sluice_take(arena, size);
  if (table == NULL) return SLUICE_ERRNO_TOO_BIG;
  uint8_t *to = (uint8_t *)(table + fields.len);
  for (size_t i = 0; i < fields.len; i++) {
    table[i].name = sluice_append_copy(&to, fields.ptr[i].name);
    table[i].value = sluice_append_copy(&to, fields.ptr[i].value);
  }
  kept->ptr = table;
  kept->len = fields.len;
  return SLUICE_ERRNO_SUCCESS;
}

/* ----- Buffers ----- */

static inline sluice_buffer_t sluice_buffer(void *room, size_t size) {
  sluice_buffer_t buffer;
  buffer.ptr = (uint8_t *)room;
  buffer.len = 0;
  buffer.cap = size;
  buffer.full = false;
  return buffer;
}

static inline sluice_bytes_t sluice_written_at(const sluice_buffer_t *buffer, const char *file, uint32_t line) {
  if (buffer->full) sluice_panic_at(file, line, "the buffer is too small", "make it larger, or look at `full` before");
  return sluice_bytes(buffer->ptr, buffer->len);
}

static inline void sluice_put_bytes(sluice_buffer_t *buffer, sluice_bytes_t bytes) {
  buffer->full = buffer->full || bytes.len > buffer->cap - buffer->len;
  if (buffer->full) return;
  sluice_copy(buffer->ptr + buffer->len, bytes.ptr, bytes.len);
  buffer->len += bytes.len;
}

static inline void sluice_put(sluice_buffer_t *buffer, const char *text) { sluice_put_bytes(buffer, sluice_text(text)); }

static inline void sluice_put_char(sluice_buffer_t *buffer, char c) { sluice_put_bytes(buffer, sluice_bytes(&c, 1)); }

static inline void sluice_put_integer(sluice_buffer_t *buffer, int64_t number) {
  uint8_t digits[20];
  size_t at = sizeof digits;
  uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
  do digits[--at] = (uint8_t)('0' + rest % 10);
  while (rest /= 10);
  if (number < 0) digits[--at] = '-';
  sluice_put_bytes(buffer, sluice_bytes(digits + at, sizeof digits - at));
}

static inline void sluice_put_html(sluice_buffer_t *buffer, sluice_bytes_t text) {
  for (size_t i = 0; i < text.len; i++) {
    switch (text.ptr[i]) {
    case '&': sluice_put(buffer, "&amp;"); break;
    case '<': sluice_put(buffer, "&lt;"); break;
    case '>': sluice_put(buffer, "&gt;"); break;
    case '"': sluice_put(buffer, "&quot;"); break;
    case '\'': sluice_put(buffer, "&#39;"); break;
    default: sluice_put_char(buffer, (char)text.ptr[i]);
    }
  }
}

/* ----- The log, and giving up ----- */

/* Of WASI preview 1: prints the parts of a line to a stream, 2 for the log. Imported by modules that print. */
#ifdef __wasm__
__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write")))
#endif
uint32_t
sluice_fd_write(uint32_t stream, const sluice_bytes_t *parts, size_t parts_len, size_t *written);

static inline void sluice_print(const sluice_bytes_t *parts, size_t parts_len) {
  size_t written;
  (void)sluice_fd_write(2, parts, parts_len, &written); /* what the host drops, it tells by itself */
}

static inline void sluice_log_bytes(sluice_bytes_t text) {
  const sluice_bytes_t parts[] = {text, SLUICE_TEXT("\n")};
  sluice_print(parts, 2);
}

static inline void sluice_log(const char *text) { sluice_log_bytes(sluice_text(text)); }

__attribute__((noreturn)) static inline void sluice_panic_at(
    const char *file, uint32_t line, const char *text, const char *detail) {
  uint8_t room[11];
  sluice_buffer_t number = sluice_buffer(room, sizeof room);
  sluice_put_integer(&number, line);
  const sluice_bytes_t parts[] = {
      sluice_text(file), SLUICE_TEXT(":"), sluice_bytes(room, number.len), SLUICE_TEXT(": "), sluice_text(text),
      sluice_text(detail ? ": " : ""), sluice_text(detail ? detail : ""), SLUICE_TEXT("\n"),
  };
  sluice_print(parts, sizeof parts / sizeof *parts);
  __builtin_trap();
}

static inline void sluice_must_at(const char *file, uint32_t line, const char *call, uint32_t error) {
  if (error != SLUICE_ERRNO_SUCCESS && error != SLUICE_ERRNO_CLOSED)
    sluice_panic_at(file, line, call, sluice_strerror(error));
}

static inline const char *sluice_strerror(uint32_t error) {
  switch (error) {
  case SLUICE_ERRNO_SUCCESS: return "success";
  case SLUICE_ERRNO_AGAIN: return "again: there is no room now; wait for DATA_DONE or call sluice_wait_writable, then repeat";
  case SLUICE_ERRNO_INVALID:
    return "invalid: HTTP does not allow a status, a name, a value or a length; look at what the call was given";
  case SLUICE_ERRNO_FAULT: return "fault: a pointer with its length reaches outside of the memory; look at the lengths";
  case SLUICE_ERRNO_STATE:
    return "state: too late or too early for this call; an answer has one head, and nothing follows its end";
  case SLUICE_ERRNO_NO_SESSION: return "no_session: the session is over; forget it when CLOSED or the last event comes";
  case SLUICE_ERRNO_CLOSED: return "closed: the peer is gone; stop, there is nobody to answer";
  case SLUICE_ERRNO_TOO_BIG:
    return "too_big: larger than what was announced, than a limit or than the buffer; send less, or make room";
  case SLUICE_ERRNO_UNSUPPORTED:
    return "unsupported: not in an instance that serves many sessions; use the event level, or isolation \"request\"";
  }
  return "an errno that this header does not know; was it made for an older host?";
}

/* ----- The message level ----- */

enum {
  SLUICE_HAS_HEADERS = 1, /* the fields */
  SLUICE_HAS_KEPT = 2,    /* the fields, where no event overwrites them */
  SLUICE_HAS_WHOLE = 4,   /* the body, which was not given yet */
  SLUICE_HAS_ALL = 8      /* the body to its end */
};

static inline void sluice_hear(sluice_session_t session, uint32_t event, const uint8_t *payload, sluice_handle_t handle,
                               const char *file, uint32_t line);
static inline void sluice_hear_whole(
    sluice_session_t session, const uint8_t *payload, sluice_handle_t handle, const char *file, uint32_t line);
static inline void sluice_answer(sluice_request_t *request, sluice_handle_t handle, const char *file, uint32_t line);
static inline void sluice_set_line(sluice_request_t *request, const sluice_line_t *line);
static inline sluice_errno_t sluice_pull(sluice_request_t *request, sluice_delivery_t *next);
static inline sluice_errno_t sluice_keep_headers(sluice_request_t *request);

/* Calls the handler with the first event of a session, whose payload stays where it is until the handler returns. What was
 * not pulled until then comes here, too. */
static inline void sluice_hear(sluice_session_t session, uint32_t event, const uint8_t *payload, sluice_handle_t handle,
                               const char *file, uint32_t line) {
  sluice_request_t request;
  if (event == SLUICE_EVENT_DATA_READY) sluice_discard(session);
  if (event != SLUICE_EVENT_LINE_READY) return;
  request.session = session;
  request.has = 0;
  sluice_set_line(&request, (const sluice_line_t *)payload);
  sluice_answer(&request, handle, file, line);
}

static inline void sluice_hear_whole(
    sluice_session_t session, const uint8_t *payload, sluice_handle_t handle, const char *file, uint32_t line) {
  const sluice_message_t *message = (const sluice_message_t *)payload;
  sluice_request_t request;
  request.session = session;
  request.has = SLUICE_HAS_HEADERS | SLUICE_HAS_KEPT | SLUICE_HAS_WHOLE;
  sluice_set_line(&request, &message->line);
  request.fields = message->fields;
  request.body = message->body;
  sluice_answer(&request, handle, file, line);
}

static inline void sluice_answer(sluice_request_t *request, sluice_handle_t handle, const char *file, uint32_t line) {
  sluice_response_t response;
  response.session = request->session;
  response.complete = false;
  response.error = SLUICE_ERRNO_SUCCESS;
  response.fields_len = 0;
  handle(request, &response);
  if (response.complete || response.error == SLUICE_ERRNO_CLOSED || request->error == SLUICE_ERRNO_CLOSED) return;
  const sluice_errno_t error = response.error != SLUICE_ERRNO_SUCCESS ? response.error : request->error;
  sluice_panic_at(file, line, "the handler returned before its answer was complete",
                  error == SLUICE_ERRNO_SUCCESS ? "call sluice_reply or sluice_end" : sluice_strerror(error));
}

/* Takes a start line apart. A target in absolute form names an authority before its path (RFC 9112 section 3.2.2). */
static inline void sluice_set_line(sluice_request_t *request, const sluice_line_t *line) {
  request->method = line->method;
  request->target = line->target;
  request->version = line->version;
  request->error = SLUICE_ERRNO_SUCCESS;
  request->fields.ptr = request->trailers.ptr = NULL;
  request->fields.len = request->trailers.len = 0;
  sluice_bytes_t rest = line->target;
  if (rest.len > 0 && rest.ptr[0] != '/') {
    const size_t colon = sluice_index(rest, 0, ':');
    if (sluice_begins_with(sluice_slice(rest, colon, rest.len), "://")) {
      size_t at = colon + 3;
      while (at < rest.len && rest.ptr[at] != '/' && rest.ptr[at] != '?') at++;
      rest = sluice_slice(rest, at, rest.len);
    }
  }
  const size_t mark = sluice_index(rest, 0, '?');
  request->query = mark < rest.len ? sluice_slice(rest, mark + 1, rest.len) : SLUICE_NOTHING;
  request->path = mark == 0 ? sluice_bytes("/", 1) : sluice_slice(rest, 0, mark);
}

/* Waits for the next event of a request. */
static inline sluice_errno_t sluice_pull(sluice_request_t *request, sluice_delivery_t *next) {
  if (request->error == SLUICE_ERRNO_SUCCESS)
    request->error = (sluice_errno_t)sluice_next_event(request->session, next);
  return request->error;
}

static inline sluice_fields_t sluice_headers(sluice_request_t *request) {
  sluice_delivery_t next;
  if (!(request->has & SLUICE_HAS_HEADERS) && sluice_pull(request, &next) == SLUICE_ERRNO_SUCCESS) {
    request->has |= SLUICE_HAS_HEADERS;
    request->fields = ((const sluice_header_t *)next.payload.ptr)->fields;
  }
  return request->fields;
}

/* Copies the fields out of the receive buffer before the next event comes there. */
static inline sluice_errno_t sluice_keep_headers(sluice_request_t *request) {
  static uint8_t room[SLUICE_HEAD_SIZE] __attribute__((aligned(8)));
  if (request->has & SLUICE_HAS_KEPT) return SLUICE_ERRNO_SUCCESS;
  const sluice_fields_t fields = sluice_headers(request);
  if (request->error != SLUICE_ERRNO_SUCCESS) return request->error;
  sluice_arena_t arena = {room, sizeof room, 0};
  request->error = sluice_keep_fields(&arena, fields, &request->fields);
  request->has |= SLUICE_HAS_KEPT;
  return request->error;
}

static inline const sluice_field_t *sluice_find_field(sluice_fields_t fields, const char *name, size_t *at) {
  while (*at < fields.len) {
    const sluice_field_t *field = &fields.ptr[(*at)++];
    if (sluice_equal_fold(field->name, name)) return field;
  }
  return NULL;
}

static inline sluice_bytes_t sluice_header(sluice_request_t *request, const char *name) {
  size_t at = 0;
  const sluice_field_t *field = sluice_find_field(sluice_headers(request), name, &at);
  return field != NULL ? field->value : SLUICE_NOTHING;
}

static inline sluice_bytes_t sluice_unquote(sluice_bytes_t text) {
  const bool quoted = text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"';
  return quoted ? sluice_slice(text, 1, text.len - 1) : text;
}

static inline sluice_bytes_t sluice_cookie(sluice_request_t *request, const char *name) {
  const sluice_field_t *field;
  for (size_t at = 0; (field = sluice_find_field(sluice_headers(request), "cookie", &at)) != NULL;) {
    for (sluice_bytes_t rest = field->value; rest.len > 0;) {
      sluice_bytes_t value = sluice_cut(&rest, ';');
      const sluice_bytes_t found = sluice_trim(sluice_cut(&value, '='));
      if (sluice_equal(found, name)) return sluice_unquote(sluice_trim(value));
    }
  }
  return SLUICE_NOTHING;
}

/* The value of a hexadecimal digit, or more than 15. */
static inline uint32_t sluice_hex(uint8_t c) {
  const uint32_t digit = (uint32_t)c - '0', letter = (uint32_t)sluice_fold(c) - 'a';
  return digit < 10 ? digit : letter < 6 ? letter + 10 : 16;
}

/* Takes the next character off the front, decoded. */
static inline uint8_t sluice_decode_one(sluice_bytes_t *rest, bool plus) {
  const uint8_t c = rest->ptr[0];
  size_t len = 1;
  uint8_t decoded = plus && c == '+' ? ' ' : c;
  if (c == '%' && rest->len >= 3 && sluice_hex(rest->ptr[1]) < 16 && sluice_hex(rest->ptr[2]) < 16) {
    decoded = (uint8_t)(sluice_hex(rest->ptr[1]) << 4 | sluice_hex(rest->ptr[2]));
    len = 3;
  }
  *rest = sluice_slice(*rest, len, rest->len);
  return decoded;
}

static inline sluice_bytes_t sluice_decode(sluice_bytes_t part, bool plus, void *buf, size_t cap) {
  uint8_t *to = (uint8_t *)buf;
  size_t len = 0;
  while (part.len > 0) {
    const uint8_t c = sluice_decode_one(&part, plus);
    if (len < cap) to[len] = c;
    len++;
  }
  return len <= cap ? sluice_bytes(to, len) : SLUICE_NOTHING;
}

static inline bool sluice_decodes_to(sluice_bytes_t part, const char *text) {
  while (part.len > 0 && *text != 0) {
    if (sluice_decode_one(&part, true) != (uint8_t)*text++) return false;
  }
  return part.len == 0 && *text == 0;
}

static inline bool sluice_next_pair(sluice_bytes_t *form, sluice_bytes_t *name, sluice_bytes_t *value) {
  while (form->len > 0) {
    *value = sluice_cut(form, '&');
    if (value->len == 0) continue;
    *name = sluice_cut(value, '=');
    return true;
  }
  return false;
}

static inline sluice_bytes_t sluice_form_var(sluice_bytes_t form, const char *name, void *buf, size_t cap) {
  sluice_bytes_t found, value;
  while (sluice_next_pair(&form, &found, &value)) {
    if (sluice_decodes_to(found, name)) return sluice_decode(value, true, buf, cap);
  }
  return SLUICE_NOTHING;
}

static inline sluice_bytes_t sluice_query_var(sluice_request_t *request, const char *name, void *buf, size_t cap) {
  return sluice_form_var(request->query, name, buf, cap);
}

static inline sluice_errno_t sluice_read(sluice_request_t *request, sluice_bytes_t *piece) {
  sluice_delivery_t next;
  *piece = sluice_bytes("", 0);
  if (request->has & SLUICE_HAS_ALL) return SLUICE_ERRNO_SUCCESS;
  if (request->has & SLUICE_HAS_WHOLE) {
    *piece = request->body;
    request->has |= SLUICE_HAS_ALL;
    return SLUICE_ERRNO_SUCCESS;
  }
  if (sluice_keep_headers(request) != SLUICE_ERRNO_SUCCESS) return request->error;
  if (sluice_pull(request, &next) != SLUICE_ERRNO_SUCCESS) return request->error;
  switch (next.event) {
  case SLUICE_EVENT_DATA_READY:
    *piece = ((const sluice_data_t *)next.payload.ptr)->content;
    return SLUICE_ERRNO_SUCCESS;
  case SLUICE_EVENT_TRAILER_READY: /* READY follows. It stays where it is, so that the trailers do, too. */
    request->trailers = ((const sluice_trailer_t *)next.payload.ptr)->fields;
    break;
  }
  request->has |= SLUICE_HAS_ALL;
  return SLUICE_ERRNO_SUCCESS;
}

static inline sluice_errno_t sluice_body(sluice_request_t *request, void *buf, size_t cap, sluice_bytes_t *body) {
  sluice_buffer_t all = sluice_buffer(buf, cap);
  sluice_bytes_t piece;
  if (request->has & SLUICE_HAS_WHOLE) return sluice_read(request, body);
  for (;;) {
    const sluice_errno_t error = sluice_read(request, &piece);
    if (error != SLUICE_ERRNO_SUCCESS) return error;
    if (piece.len == 0) break;
    sluice_put_bytes(&all, piece);
    if (all.full) return SLUICE_ERRNO_TOO_BIG;
  }
  *body = sluice_bytes(buf, all.len);
  return SLUICE_ERRNO_SUCCESS;
}

static inline sluice_errno_t sluice_body_text(sluice_request_t *request, void *buf, size_t cap, sluice_bytes_t *text) {
  const sluice_errno_t error = sluice_body(request, buf, cap, text);
  if (error != SLUICE_ERRNO_SUCCESS) return error;
  return sluice_is_utf8(*text) ? SLUICE_ERRNO_SUCCESS : SLUICE_ERRNO_INVALID;
}

static inline sluice_fields_t sluice_trailers(sluice_request_t *request) { return request->trailers; }

/* ----- Writing a response ----- */

/* Notes how a call went. */
static inline sluice_errno_t sluice_noted(sluice_response_t *response, uint32_t error) {
  if (error != SLUICE_ERRNO_SUCCESS) response->error = (sluice_errno_t)error;
  return (sluice_errno_t)error;
}

static inline sluice_errno_t sluice_add_field(sluice_response_t *response, sluice_field_t field) {
  if (response->fields_len == SLUICE_MAX_FIELDS) return sluice_noted(response, SLUICE_ERRNO_TOO_BIG);
  response->fields[response->fields_len++] = field;
  return SLUICE_ERRNO_SUCCESS;
}

static inline sluice_errno_t sluice_add_header(sluice_response_t *response, const char *name, sluice_bytes_t value) {
  sluice_field_t field;
  field.name = sluice_text(name);
  field.value = value;
  return sluice_add_field(response, field);
}

static inline sluice_errno_t sluice_set_header(sluice_response_t *response, const char *name, sluice_bytes_t value) {
  size_t kept = 0;
  for (size_t i = 0; i < response->fields_len; i++) {
    if (!sluice_equal_fold(response->fields[i].name, name)) response->fields[kept++] = response->fields[i];
  }
  response->fields_len = kept;
  return sluice_add_header(response, name, value);
}

/* Gives the fields of a head: those of a call, behind those that were set. */
static inline sluice_errno_t sluice_join_fields(
    sluice_response_t *response, const sluice_field_t *fields, size_t fields_len, sluice_fields_t *all) {
  all->ptr = fields;
  all->len = fields_len;
  if (response->fields_len == 0) return SLUICE_ERRNO_SUCCESS;
  for (size_t i = 0; i < fields_len; i++) {
    const sluice_errno_t error = sluice_add_field(response, fields[i]);
    if (error != SLUICE_ERRNO_SUCCESS) return error;
  }
  all->ptr = response->fields;
  all->len = response->fields_len;
  response->fields_len = 0; /* they are borrowed no longer than this call */
  return SLUICE_ERRNO_SUCCESS;
}

static inline sluice_errno_t sluice_reply(sluice_response_t *response, uint32_t status, const sluice_field_t *fields,
                                          size_t fields_len, const void *body, size_t body_len) {
  sluice_fields_t all;
  if (sluice_join_fields(response, fields, fields_len, &all) != SLUICE_ERRNO_SUCCESS) return response->error;
  const uint32_t error = sluice_send(response->session, status, all.ptr, all.len, (const uint8_t *)body, body_len);
  response->complete = response->complete || error == SLUICE_ERRNO_SUCCESS;
  return sluice_noted(response, error);
}

static inline sluice_errno_t sluice_reply_text(sluice_response_t *response, uint32_t status, sluice_bytes_t text) {
  static const sluice_field_t type = SLUICE_FIELD("content-type", "text/plain; charset=utf-8");
  return sluice_reply(response, status, &type, 1, text.ptr, text.len);
}

static inline sluice_errno_t sluice_reply_html(sluice_response_t *response, uint32_t status, sluice_bytes_t html) {
  static const sluice_field_t type = SLUICE_FIELD("content-type", "text/html; charset=utf-8");
  return sluice_reply(response, status, &type, 1, html.ptr, html.len);
}

static inline sluice_errno_t sluice_reply_json(sluice_response_t *response, uint32_t status, sluice_bytes_t json) {
  static const sluice_field_t type = SLUICE_FIELD("content-type", "application/json");
  return sluice_reply(response, status, &type, 1, json.ptr, json.len);
}

static inline sluice_errno_t sluice_begin(
    sluice_response_t *response, uint32_t status, const sluice_field_t *fields, size_t fields_len) {
  sluice_fields_t all;
  if (sluice_join_fields(response, fields, fields_len, &all) != SLUICE_ERRNO_SUCCESS) return response->error;
  return sluice_noted(response, sluice_set_head(response->session, status, all.ptr, all.len));
}

static inline sluice_errno_t sluice_write(sluice_response_t *response, const void *piece, size_t len) {
  for (;;) {
    uint32_t error = sluice_send_data(response->session, (const uint8_t *)piece, len);
    if (error == SLUICE_ERRNO_AGAIN) error = sluice_wait_writable(response->session);
    else return sluice_noted(response, error);
    if (error != SLUICE_ERRNO_SUCCESS) return sluice_noted(response, error);
  }
}

static inline sluice_errno_t sluice_end(sluice_response_t *response) {
  const uint32_t error = sluice_send_end(response->session);
  response->complete = response->complete || error == SLUICE_ERRNO_SUCCESS;
  return sluice_noted(response, error);
}

static inline sluice_errno_t sluice_end_with(sluice_response_t *response, sluice_fields_t trailers) {
  if (trailers.len == 0) return sluice_end(response);
  const uint32_t error = sluice_send_trailers(response->session, trailers.ptr, trailers.len);
  response->complete = response->complete || error == SLUICE_ERRNO_SUCCESS;
  return sluice_noted(response, error);
}

/* ----- JSON ----- */

static inline sluice_json_t sluice_json(sluice_buffer_t *buffer) {
  sluice_json_t json;
  json.buffer = buffer;
  json.comma = false;
  return json;
}

/* Puts what belongs in front of a value or a key. */
static inline void sluice_json_before(sluice_json_t *json) {
  if (json->comma) sluice_put_char(json->buffer, ',');
  json->comma = true;
}

static inline void sluice_json_open(sluice_json_t *json, char bracket) {
  sluice_json_before(json);
  sluice_put_char(json->buffer, bracket);
  json->comma = false;
}

static inline void sluice_json_close(sluice_json_t *json, char bracket) {
  sluice_put_char(json->buffer, bracket);
  json->comma = true;
}

static inline void sluice_json_key(sluice_json_t *json, const char *name) {
  sluice_json_string(json, sluice_text(name));
  sluice_put_char(json->buffer, ':');
  json->comma = false;
}

static inline void sluice_json_escape(sluice_buffer_t *buffer, uint8_t c) {
  static const char digits[] = "0123456789abcdef";
  switch (c) {
  case '"': sluice_put(buffer, "\\\""); break;
  case '\\': sluice_put(buffer, "\\\\"); break;
  case '\n': sluice_put(buffer, "\\n"); break;
  case '\r': sluice_put(buffer, "\\r"); break;
  case '\t': sluice_put(buffer, "\\t"); break;
  default:
    sluice_put(buffer, "\\u00");
    sluice_put_char(buffer, digits[c >> 4]);
    sluice_put_char(buffer, digits[c & 15]);
  }
}

static inline void sluice_json_string(sluice_json_t *json, sluice_bytes_t text) {
  sluice_json_before(json);
  sluice_put_char(json->buffer, '"');
  while (text.len > 0) {
    const size_t len = sluice_utf8_len(text);
    const uint8_t c = text.ptr[0];
    if (len == 0) sluice_put(json->buffer, "\xef\xbf\xbd");
    else if (c < ' ' || c == '"' || c == '\\') sluice_json_escape(json->buffer, c);
    else sluice_put_bytes(json->buffer, sluice_slice(text, 0, len));
    text = sluice_slice(text, len == 0 ? 1 : len, text.len);
  }
  sluice_put_char(json->buffer, '"');
}

static inline void sluice_json_integer(sluice_json_t *json, int64_t number) {
  sluice_json_before(json);
  sluice_put_integer(json->buffer, number);
}

static inline void sluice_json_bool(sluice_json_t *json, bool value) {
  sluice_json_before(json);
  sluice_put(json->buffer, value ? "true" : "false");
}

static inline void sluice_json_null(sluice_json_t *json) {
  sluice_json_before(json);
  sluice_put(json->buffer, "null");
}

/* What a reader waits for. */
enum {
  SLUICE_JSON_WAIT_VALUE,
  SLUICE_JSON_WAIT_FIRST_VALUE, /* or the end of the array */
  SLUICE_JSON_WAIT_KEY,
  SLUICE_JSON_WAIT_FIRST_KEY, /* or the end of the object */
  SLUICE_JSON_WAIT_COMMA,     /* or the end of the object or the array; at depth 0 the end of the document */
  SLUICE_JSON_WAIT_NOTHING    /* the document is broken */
};

static inline sluice_json_reader_t sluice_json_reader(sluice_bytes_t document) {
  sluice_json_reader_t reader;
  reader.at = document.ptr;
  reader.end = document.ptr + document.len;
  reader.objects = 0;
  reader.depth = 0;
  reader.wait = SLUICE_JSON_WAIT_VALUE;
  return reader;
}

static inline sluice_json_kind_t sluice_json_step(sluice_json_reader_t *r, sluice_bytes_t *text);
static inline sluice_json_kind_t sluice_json_value(sluice_json_reader_t *r);
static inline sluice_json_kind_t sluice_json_enter(sluice_json_reader_t *r, bool object);
static inline sluice_json_kind_t sluice_json_leave(sluice_json_reader_t *r, bool object);
static inline sluice_json_kind_t sluice_json_read_key(sluice_json_reader_t *r, sluice_bytes_t *text);
static inline sluice_json_kind_t sluice_json_word(sluice_json_reader_t *r, const char *word, sluice_json_kind_t kind);
static inline bool sluice_json_read_string(sluice_json_reader_t *r);
static inline bool sluice_json_read_number(sluice_json_reader_t *r);

static inline void sluice_json_skip_space(sluice_json_reader_t *r) {
  while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) r->at++;
}

/* The next byte, 0 at the end, where no document has one. */
static inline uint8_t sluice_json_peek(const sluice_json_reader_t *r) { return r->at < r->end ? *r->at : 0; }

static inline sluice_json_kind_t sluice_json_next(sluice_json_reader_t *reader, sluice_bytes_t *text) {
  *text = SLUICE_NOTHING;
  const sluice_json_kind_t kind = sluice_json_step(reader, text);
  if (kind == SLUICE_JSON_BROKEN) reader->wait = SLUICE_JSON_WAIT_NOTHING;
  return kind;
}

static inline sluice_json_kind_t sluice_json_step(sluice_json_reader_t *r, sluice_bytes_t *text) {
  sluice_json_skip_space(r);
  if (r->wait == SLUICE_JSON_WAIT_COMMA && r->depth == 0) return r->at == r->end ? SLUICE_JSON_END : SLUICE_JSON_BROKEN;
  const bool in_object = r->depth > 0 && (r->objects >> (r->depth - 1) & 1);
  const uint8_t c = sluice_json_peek(r);
  if (c == '}' && in_object && (r->wait == SLUICE_JSON_WAIT_COMMA || r->wait == SLUICE_JSON_WAIT_FIRST_KEY))
    return sluice_json_leave(r, true);
  if (c == ']' && !in_object && (r->wait == SLUICE_JSON_WAIT_COMMA || r->wait == SLUICE_JSON_WAIT_FIRST_VALUE))
    return sluice_json_leave(r, false);
  if (r->wait == SLUICE_JSON_WAIT_COMMA) {
    if (c != ',') return SLUICE_JSON_BROKEN;
    r->at++;
    r->wait = in_object ? SLUICE_JSON_WAIT_KEY : SLUICE_JSON_WAIT_VALUE;
    sluice_json_skip_space(r);
  }
  if (r->wait == SLUICE_JSON_WAIT_KEY || r->wait == SLUICE_JSON_WAIT_FIRST_KEY) return sluice_json_read_key(r, text);
  if (r->wait == SLUICE_JSON_WAIT_NOTHING) return SLUICE_JSON_BROKEN;
  const uint8_t *from = r->at;
  const sluice_json_kind_t kind = sluice_json_value(r);
  *text = sluice_bytes(from, (size_t)(r->at - from));
  if (kind == SLUICE_JSON_STRING) *text = sluice_slice(*text, 1, text->len - 1);
  return kind;
}

static inline sluice_json_kind_t sluice_json_value(sluice_json_reader_t *r) {
  const uint8_t c = sluice_json_peek(r);
  if (c == '{') return sluice_json_enter(r, true);
  if (c == '[') return sluice_json_enter(r, false);
  r->wait = SLUICE_JSON_WAIT_COMMA;
  switch (c) {
  case '"': return sluice_json_read_string(r) ? SLUICE_JSON_STRING : SLUICE_JSON_BROKEN;
  case 't': return sluice_json_word(r, "true", SLUICE_JSON_TRUE);
  case 'f': return sluice_json_word(r, "false", SLUICE_JSON_FALSE);
  case 'n': return sluice_json_word(r, "null", SLUICE_JSON_NULL);
  }
  return sluice_json_read_number(r) ? SLUICE_JSON_NUMBER : SLUICE_JSON_BROKEN;
}

static inline sluice_json_kind_t sluice_json_enter(sluice_json_reader_t *r, bool object) {
  if (r->depth == SLUICE_JSON_DEPTH) return SLUICE_JSON_BROKEN;
  const uint64_t bit = UINT64_C(1) << r->depth++;
  r->objects = object ? r->objects | bit : r->objects & ~bit;
  r->wait = object ? SLUICE_JSON_WAIT_FIRST_KEY : SLUICE_JSON_WAIT_FIRST_VALUE;
  r->at++;
  return object ? SLUICE_JSON_OBJECT : SLUICE_JSON_ARRAY;
}

static inline sluice_json_kind_t sluice_json_leave(sluice_json_reader_t *r, bool object) {
  r->depth--;
  r->wait = SLUICE_JSON_WAIT_COMMA;
  r->at++;
  return object ? SLUICE_JSON_OBJECT_END : SLUICE_JSON_ARRAY_END;
}

static inline sluice_json_kind_t sluice_json_read_key(sluice_json_reader_t *r, sluice_bytes_t *text) {
  const uint8_t *from = r->at + 1;
  if (sluice_json_peek(r) != '"' || !sluice_json_read_string(r)) return SLUICE_JSON_BROKEN;
  *text = sluice_bytes(from, (size_t)(r->at - from) - 1);
  sluice_json_skip_space(r);
  if (sluice_json_peek(r) != ':') return SLUICE_JSON_BROKEN;
  r->at++;
  r->wait = SLUICE_JSON_WAIT_VALUE;
  return SLUICE_JSON_KEY;
}

static inline sluice_json_kind_t sluice_json_word(sluice_json_reader_t *r, const char *word, sluice_json_kind_t kind) {
  while (*word != 0) {
    if (sluice_json_peek(r) != (uint8_t)*word++) return SLUICE_JSON_BROKEN;
    r->at++;
  }
  return kind;
}

/* Reads from quote to quote. */
static inline bool sluice_json_read_string(sluice_json_reader_t *r) {
  for (r->at++; r->at < r->end;) {
    const uint8_t c = *r->at;
    if (c == '"') return r->at++, true;
    if (c < ' ') return false;
    if (c != '\\') {
      const size_t len = sluice_utf8_len(sluice_bytes(r->at, (size_t)(r->end - r->at)));
      if (len == 0) return false;
      r->at += len;
      continue;
    }
    r->at++;
    const uint8_t escaped = sluice_json_peek(r);
    if (sluice_index(sluice_text("\"\\/bfnrtu"), 0, (char)escaped) == 9) return false;
    r->at++;
    for (int i = 0; escaped == 'u' && i < 4; i++) {
      if (sluice_hex(sluice_json_peek(r)) > 15) return false;
      r->at++;
    }
  }
  return false;
}

static inline bool sluice_json_read_digits(sluice_json_reader_t *r) {
  const uint8_t *from = r->at;
  while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
  return r->at > from;
}

static inline bool sluice_json_read_number(sluice_json_reader_t *r) {
  if (sluice_json_peek(r) == '-') r->at++;
  if (sluice_json_peek(r) == '0') r->at++;
  else if (!sluice_json_read_digits(r)) return false;
  if (sluice_json_peek(r) == '.') {
    r->at++;
    if (!sluice_json_read_digits(r)) return false;
  }
  if (sluice_fold(sluice_json_peek(r)) == 'e') {
    r->at++;
    if (sluice_json_peek(r) == '+' || sluice_json_peek(r) == '-') r->at++;
    if (!sluice_json_read_digits(r)) return false;
  }
  return true;
}

/* The four digits behind \u. */
static inline uint32_t sluice_json_unit(const uint8_t *digits) {
  uint32_t unit = 0;
  for (int i = 0; i < 4; i++) unit = unit << 4 | sluice_hex(digits[i]);
  return unit;
}

/* Takes a character behind \u off the front, a pair of surrogates together. */
static inline uint32_t sluice_json_decode_unit(sluice_bytes_t *rest) {
  uint32_t value = sluice_json_unit(rest->ptr + 2);
  *rest = sluice_slice(*rest, 6, rest->len);
  if (value < 0xd800 || value > 0xdfff) return value;
  const bool paired = value < 0xdc00 && rest->len >= 6 && rest->ptr[0] == '\\' && rest->ptr[1] == 'u';
  const uint32_t low = paired ? sluice_json_unit(rest->ptr + 2) - 0xdc00 : 0x400;
  if (low > 0x3ff) return 0xfffd;
  *rest = sluice_slice(*rest, 6, rest->len);
  return 0x10000 + ((value - 0xd800) << 10) + low;
}

static inline size_t sluice_put_utf8(uint8_t to[4], uint32_t value) {
  if (value < 0x80) return to[0] = (uint8_t)value, 1;
  const size_t len = value < 0x800 ? 2 : value < 0x10000 ? 3 : 4;
  for (size_t i = len; --i > 0; value >>= 6) to[i] = (uint8_t)(0x80 | (value & 0x3f));
  to[0] = (uint8_t)(0xf00u >> len | value);
  return len;
}

/* Takes the next character off the front of a text that was read, decoded to UTF-8. */
static inline size_t sluice_json_decode_one(sluice_bytes_t *rest, uint8_t to[4]) {
  static const char escapes[] = "bfnrt", meant[] = "\b\f\n\r\t";
  to[0] = rest->ptr[0];
  if (to[0] != '\\' || rest->len < 2) {
    *rest = sluice_slice(*rest, 1, rest->len);
    return 1;
  }
  if (rest->ptr[1] == 'u' && rest->len >= 6) return sluice_put_utf8(to, sluice_json_decode_unit(rest));
  const size_t at = sluice_index(sluice_bytes(escapes, 5), 0, (char)rest->ptr[1]);
  to[0] = at < 5 ? (uint8_t)meant[at] : rest->ptr[1];
  *rest = sluice_slice(*rest, 2, rest->len);
  return 1;
}

static inline sluice_bytes_t sluice_json_decode(sluice_bytes_t text, void *buf, size_t cap) {
  uint8_t *to = (uint8_t *)buf;
  size_t len = 0;
  while (text.len > 0) {
    uint8_t character[4];
    const size_t more = sluice_json_decode_one(&text, character);
    for (size_t i = 0; i < more; i++, len++) {
      if (len < cap) to[len] = character[i];
    }
  }
  return len <= cap ? sluice_bytes(to, len) : SLUICE_NOTHING;
}

static inline bool sluice_json_decodes_to(sluice_bytes_t text, const char *want) {
  while (text.len > 0) {
    uint8_t character[4];
    const size_t more = sluice_json_decode_one(&text, character);
    for (size_t i = 0; i < more; i++) {
      if (*want == 0 || character[i] != (uint8_t)*want++) return false;
    }
  }
  return *want == 0;
}

/* Reads past the rest of a value that has begun with a piece of some kind, and gives all of it. */
static inline bool sluice_json_rest(sluice_json_reader_t *reader, sluice_json_value_t *value) {
  if (value->kind != SLUICE_JSON_OBJECT && value->kind != SLUICE_JSON_ARRAY) return value->kind != SLUICE_JSON_BROKEN;
  const uint8_t outside = (uint8_t)(reader->depth - 1);
  sluice_bytes_t ignored;
  while (reader->depth > outside) {
    if (sluice_json_next(reader, &ignored) == SLUICE_JSON_BROKEN) return false;
  }
  value->text.len = (size_t)(reader->at - value->text.ptr);
  return true;
}

static inline sluice_errno_t sluice_json_member(sluice_bytes_t document, const char *name, sluice_json_value_t *value) {
  sluice_json_reader_t reader = sluice_json_reader(document);
  sluice_json_value_t member;
  sluice_bytes_t text;
  value->kind = SLUICE_JSON_END;
  value->text = SLUICE_NOTHING;
  if (sluice_json_next(&reader, &text) != SLUICE_JSON_OBJECT) return SLUICE_ERRNO_INVALID;
  while (sluice_json_next(&reader, &text) == SLUICE_JSON_KEY) {
    member.kind = sluice_json_next(&reader, &member.text);
    if (!sluice_json_rest(&reader, &member)) return SLUICE_ERRNO_INVALID;
    if (sluice_json_decodes_to(text, name)) *value = member;
  }
  return sluice_json_next(&reader, &text) == SLUICE_JSON_END ? SLUICE_ERRNO_SUCCESS : SLUICE_ERRNO_INVALID;
}

/* ----- Forms with files ----- */

static inline sluice_bytes_t sluice_next_parameter(sluice_bytes_t *rest, sluice_bytes_t *name);
static inline bool sluice_part_head(sluice_bytes_t head, sluice_part_t *part);
static inline sluice_errno_t sluice_take_head(sluice_bytes_t at, size_t *len, sluice_part_t *part);

/* The place of a sequence of bytes from a place on; the length when it is not there. */
static inline size_t sluice_find(sluice_bytes_t bytes, size_t from, sluice_bytes_t what) {
  for (; bytes.len - from >= what.len; from++) {
    from = sluice_index(bytes, from, (char)what.ptr[0]);
    if (bytes.len - from < what.len) break;
    if (sluice_same(sluice_slice(bytes, from, from + what.len), what)) return from;
  }
  return bytes.len;
}

static inline sluice_bytes_t sluice_boundary(sluice_bytes_t content_type) {
  sluice_bytes_t rest = content_type, name;
  if (!sluice_equal_fold(sluice_trim(sluice_cut(&rest, ';')), "multipart/form-data")) return SLUICE_NOTHING;
  while (rest.len > 0) {
    const sluice_bytes_t value = sluice_next_parameter(&rest, &name);
    if (sluice_equal_fold(name, "boundary") && value.len > 0 && value.len <= 70) return value;
  }
  return SLUICE_NOTHING;
}

/* Takes a parameter such as `name="a;b"` off the front, and the semicolon behind it. Quotes are taken off, and a backslash
 * keeps a quote from being the last. */
static inline sluice_bytes_t sluice_next_parameter(sluice_bytes_t *rest, sluice_bytes_t *name) {
  size_t end = 0;
  for (bool quoted = false; end < rest->len && (quoted || rest->ptr[end] != ';'); end++) {
    if (quoted && rest->ptr[end] == '\\' && end + 1 < rest->len) end++;
    else if (rest->ptr[end] == '"') quoted = !quoted;
  }
  sluice_bytes_t value = sluice_slice(*rest, 0, end);
  *rest = sluice_slice(*rest, end < rest->len ? end + 1 : end, rest->len);
  *name = sluice_trim(sluice_cut(&value, '='));
  return sluice_unquote(sluice_trim(value));
}

static inline sluice_errno_t sluice_next_part(
    sluice_bytes_t body, sluice_bytes_t boundary, size_t *offset, sluice_part_t *part) {
  uint8_t room[4 + 70] = {'\r', '\n', '-', '-'};
  size_t head_len;
  part->name = SLUICE_NOTHING;
  if (boundary.len == 0 || boundary.len > 70) return SLUICE_ERRNO_INVALID;
  sluice_copy(room + 4, boundary.ptr, boundary.len);
  const sluice_bytes_t delimiter = sluice_bytes(room, 4 + boundary.len);
  if (*offset == 0) { /* the first delimiter may begin the body */
    const sluice_bytes_t first = sluice_slice(delimiter, 2, delimiter.len);
    const bool at_once = body.len >= first.len && sluice_same(sluice_slice(body, 0, first.len), first);
    *offset = at_once ? first.len : sluice_find(body, 0, delimiter) + delimiter.len;
    if (*offset > body.len) return *offset = 0, SLUICE_ERRNO_INVALID;
  }
  const sluice_bytes_t rest = sluice_slice(body, *offset, body.len);
  if (sluice_begins_with(rest, "--")) return SLUICE_ERRNO_SUCCESS;
  if (sluice_take_head(rest, &head_len, part) != SLUICE_ERRNO_SUCCESS) return SLUICE_ERRNO_INVALID;
  const size_t begin = *offset + head_len;
  const size_t end = sluice_find(body, begin - 2, delimiter); /* the line end of the head may be that of the delimiter */
  if (end == body.len) return part->name = SLUICE_NOTHING, SLUICE_ERRNO_INVALID;
  part->content = sluice_slice(body, begin, end < begin ? begin : end);
  *offset = end + delimiter.len;
  return SLUICE_ERRNO_SUCCESS;
}

/* Reads what lies between a delimiter and the content behind it: the end of the delimiter's line, fields, an empty line. Gives
 * its length. `again` when it is not there whole. */
static inline sluice_errno_t sluice_take_head(sluice_bytes_t at, size_t *len, sluice_part_t *part) {
  const sluice_bytes_t line_end = sluice_bytes("\r\n", 2), empty_line = sluice_bytes("\r\n\r\n", 4);
  const size_t begin = sluice_find(at, 0, line_end);
  if (begin == at.len) return SLUICE_ERRNO_AGAIN;
  if (sluice_trim(sluice_slice(at, 0, begin)).len > 0) return SLUICE_ERRNO_INVALID;
  const size_t end = sluice_find(at, begin, empty_line);
  if (end == at.len) return SLUICE_ERRNO_AGAIN;
  *len = end + 4;
  return sluice_part_head(sluice_slice(at, begin, end), part) ? SLUICE_ERRNO_SUCCESS : SLUICE_ERRNO_INVALID;
}

/* Reads the fields of a part. False when they do not name it. */
static inline bool sluice_part_head(sluice_bytes_t head, sluice_part_t *part) {
  part->name = part->filename = part->type = part->content = SLUICE_NOTHING;
  while (head.len > 0) {
    sluice_bytes_t value = sluice_cut(&head, '\n'), parameter;
    if (value.len > 0 && value.ptr[value.len - 1] == '\r') value.len--;
    const sluice_bytes_t name = sluice_cut(&value, ':');
    if (sluice_equal_fold(name, "content-type")) part->type = sluice_trim(value);
    if (!sluice_equal_fold(name, "content-disposition")) continue;
    if (!sluice_equal_fold(sluice_trim(sluice_cut(&value, ';')), "form-data")) return false;
    while (value.len > 0) {
      const sluice_bytes_t found = sluice_next_parameter(&value, &parameter);
      if (sluice_equal_fold(parameter, "name")) part->name = found;
      if (sluice_equal_fold(parameter, "filename")) part->filename = found;
    }
  }
  return part->name.ptr != NULL;
}

static inline sluice_errno_t sluice_fill(sluice_multipart_t *m);

static inline sluice_bytes_t sluice_window(const sluice_multipart_t *m) {
  return sluice_bytes(m->window + m->begin, m->end - m->begin);
}

static inline sluice_errno_t sluice_open_multipart(
    sluice_multipart_t *multipart, sluice_request_t *request, void *window, size_t size) {
  const sluice_bytes_t boundary = sluice_boundary(sluice_header(request, "content-type"));
  if (request->error != SLUICE_ERRNO_SUCCESS) return request->error;
  if (boundary.len == 0 || size < 512) return SLUICE_ERRNO_INVALID;
  multipart->request = request;
  multipart->piece = sluice_bytes("", 0);
  multipart->window = (uint8_t *)window;
  multipart->size = size;
  multipart->in_part = true; /* what stands before the first part is skipped like the rest of one */
  multipart->overlap = 0;
  sluice_copy(multipart->delimiter, "\r\n--", 4);
  sluice_copy(multipart->delimiter + 4, boundary.ptr, boundary.len);
  multipart->delimiter_len = 4 + boundary.len;
  sluice_copy(window, "\r\n", 2); /* the first delimiter may begin the body */
  multipart->begin = 0;
  multipart->end = 2;
  return SLUICE_ERRNO_SUCCESS;
}

static inline sluice_errno_t sluice_read_part(sluice_multipart_t *multipart, sluice_part_t *part) {
  sluice_bytes_t skipped;
  part->name = SLUICE_NOTHING;
  while (multipart->in_part) {
    const sluice_errno_t error = sluice_read_content(multipart, &skipped);
    if (error != SLUICE_ERRNO_SUCCESS) return error;
  }
  for (;;) {
    size_t len;
    if (sluice_begins_with(sluice_window(multipart), "--")) return SLUICE_ERRNO_SUCCESS;
    sluice_errno_t error = sluice_take_head(sluice_window(multipart), &len, part);
    if (error == SLUICE_ERRNO_SUCCESS) {
      multipart->overlap = 2; /* the line end of the head may be that of the delimiter */
      multipart->begin += len - multipart->overlap;
      multipart->in_part = true;
      return error;
    }
    part->name = SLUICE_NOTHING;
    if (error == SLUICE_ERRNO_AGAIN) error = sluice_fill(multipart);
    if (error != SLUICE_ERRNO_SUCCESS) return error;
  }
}

static inline sluice_errno_t sluice_read_content(sluice_multipart_t *multipart, sluice_bytes_t *piece) {
  const sluice_bytes_t delimiter = sluice_bytes(multipart->delimiter, multipart->delimiter_len);
  *piece = sluice_bytes("", 0);
  while (multipart->in_part) {
    const sluice_bytes_t window = sluice_window(multipart);
    const size_t at = sluice_find(window, 0, delimiter);
    if (at < window.len) {
      if (at > 0) *piece = sluice_slice(window, multipart->overlap, at);
      multipart->in_part = false;
      multipart->begin += at + delimiter.len;
      return SLUICE_ERRNO_SUCCESS;
    }
    if (window.len >= delimiter.len + multipart->overlap) { /* all but what may be the beginning of a delimiter */
      const size_t end = window.len - delimiter.len + 1;
      *piece = sluice_slice(window, multipart->overlap, end);
      multipart->overlap = 0;
      multipart->begin += end;
      return SLUICE_ERRNO_SUCCESS;
    }
    const sluice_errno_t error = sluice_fill(multipart);
    if (error != SLUICE_ERRNO_SUCCESS) return error;
  }
  return SLUICE_ERRNO_SUCCESS;
}

/* Reads more of the body into the window. `too_big` when it is full, `invalid` at the end of the body. */
static inline sluice_errno_t sluice_fill(sluice_multipart_t *m) {
  sluice_move_down(m->window, m->window + m->begin, m->end - m->begin);
  m->end -= m->begin;
  m->begin = 0;
  if (m->end == m->size) return SLUICE_ERRNO_TOO_BIG;
  if (m->piece.len == 0) {
    const sluice_errno_t error = sluice_read(m->request, &m->piece);
    if (error != SLUICE_ERRNO_SUCCESS) return error;
    if (m->piece.len == 0) return SLUICE_ERRNO_INVALID;
  }
  const size_t room = m->size - m->end, len = m->piece.len < room ? m->piece.len : room;
  sluice_copy(m->window + m->end, m->piece.ptr, len);
  m->end += len;
  m->piece = sluice_slice(m->piece, len, m->piece.len);
  return SLUICE_ERRNO_SUCCESS;
}

/* ----- What compilers call ----- */

/* Without a library there are still calls of these, for large records. A library's own come before them. */
#if defined(__wasm__) && __STDC_HOSTED__ == 0
__attribute__((weak)) void *memcpy(void *to, const void *from, size_t len) {
  sluice_copy(to, from, len);
  return to;
}

__attribute__((weak)) void *memmove(void *to, const void *from, size_t len) {
  uint8_t *t = (uint8_t *)to;
  const uint8_t *f = (const uint8_t *)from;
  if (t < f) sluice_move_down(t, f, len);
  else while (len-- > 0) t[len] = f[len];
  return to;
}

__attribute__((weak)) void *memset(void *to, int value, size_t len) {
  for (size_t i = 0; i < len; i++) ((uint8_t *)to)[i] = (uint8_t)value;
  return to;
}

__attribute__((weak)) int memcmp(const void *a, const void *b, size_t len) {
  const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)b;
  for (size_t i = 0; i < len; i++) {
    if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
  }
  return 0;
}
#endif

#ifdef __cplusplus
}
#endif

#endif
