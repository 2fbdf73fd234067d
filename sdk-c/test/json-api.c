// The json-api of examples/README.md, to test what sluice.h has for JSON.

#include "sluice.h"

static uint8_t room[16 << 10], collected[16 << 10], decoded[16 << 10];

struct book {
  int64_t id;
  sluice_bytes_t title;
  int64_t year;
};

static const struct book books[] = {
    {1, SLUICE_TEXT("Middlemarch"), 1871},
    {2, SLUICE_TEXT("Invisible Cities"), 1972},
    {3, SLUICE_TEXT("Solaris"), 1961},
};

enum { books_len = sizeof books / sizeof *books };

static void refuse(sluice_response_t *response, uint32_t status, const char *why) {
  sluice_buffer_t buffer = sluice_buffer(room, sizeof room);
  sluice_json_t json = sluice_json(&buffer);
  sluice_json_open(&json, '{');
  sluice_json_key(&json, "error");
  sluice_json_string(&json, sluice_text(why));
  sluice_json_close(&json, '}');
  sluice_reply_json(response, status, sluice_written(&buffer));
}

static void put_book(sluice_json_t *json, const struct book *book) {
  sluice_json_open(json, '{');
  sluice_json_key(json, "id");
  sluice_json_integer(json, book->id);
  sluice_json_key(json, "title");
  sluice_json_string(json, book->title);
  sluice_json_key(json, "year");
  sluice_json_integer(json, book->year);
  sluice_json_close(json, '}');
}

static void list(sluice_request_t *request, sluice_response_t *response) {
  int64_t after = INT64_MIN;
  const sluice_bytes_t text = sluice_query_var(request, "after", decoded, sizeof decoded);
  if (text.ptr != NULL && !sluice_integer(text, &after)) {
    refuse(response, 400, "after is not a year");
    return;
  }
  sluice_buffer_t buffer = sluice_buffer(room, sizeof room);
  sluice_json_t json = sluice_json(&buffer);
  sluice_json_open(&json, '{');
  sluice_json_key(&json, "books");
  sluice_json_open(&json, '[');
  for (size_t i = 0; i < books_len; i++) {
    if (books[i].year > after) put_book(&json, &books[i]);
  }
  sluice_json_close(&json, ']');
  sluice_json_close(&json, '}');
  sluice_reply_json(response, 200, sluice_written(&buffer));
}

static void reply_book(sluice_response_t *response, uint32_t status, const struct book *book) {
  sluice_buffer_t buffer = sluice_buffer(room, sizeof room);
  sluice_json_t json = sluice_json(&buffer);
  put_book(&json, book);
  sluice_reply_json(response, status, sluice_written(&buffer));
}

static void show(sluice_bytes_t id, sluice_response_t *response) {
  int64_t number;
  for (size_t i = 0; sluice_integer(id, &number) && i < books_len; i++) {
    if (books[i].id != number) continue;
    reply_book(response, 200, &books[i]);
    return;
  }
  refuse(response, 404, "no such book");
}

static void add(sluice_request_t *request, sluice_response_t *response) {
  sluice_bytes_t rest = sluice_header(request, "content-type"), body;
  if (!sluice_equal_fold(sluice_trim(sluice_cut(&rest, ';')), "application/json")) {
    refuse(response, 415, "application/json is wanted");
    return;
  }
  const sluice_errno_t error = sluice_body(request, collected, sizeof collected, &body);
  if (error == SLUICE_ERRNO_TOO_BIG) refuse(response, 413, "the book is too long");
  if (error) return;
  sluice_json_reader_t reader = sluice_json_reader(body);
  sluice_json_kind_t kind;
  sluice_bytes_t piece;
  do kind = sluice_json_next(&reader, &piece);
  while (kind != SLUICE_JSON_END && kind != SLUICE_JSON_BROKEN);
  if (kind == SLUICE_JSON_BROKEN) {
    refuse(response, 400, "the body is not JSON");
    return;
  }
  sluice_json_value_t title, year;
  struct book book = {books_len + 1, SLUICE_TEXT(""), 0};
  if (sluice_json_member(body, "title", &title) || title.kind != SLUICE_JSON_STRING || title.text.len == 0 ||
      sluice_json_member(body, "year", &year) || year.kind != SLUICE_JSON_NUMBER || !sluice_integer(year.text, &book.year)) {
    refuse(response, 400, "a title and a year are wanted");
    return;
  }
  book.title = sluice_json_decode(title.text, decoded, sizeof decoded);
  sluice_set_header(response, "location", sluice_text("/books/4"));
  reply_book(response, 201, &book);
}

static void refuse_method(sluice_response_t *response, const char *allow) {
  sluice_set_header(response, "allow", sluice_text(allow));
  refuse(response, 405, "not allowed");
}

static void handle(sluice_request_t *request, sluice_response_t *response) {
  const bool get = sluice_equal(request->method, "GET") || sluice_equal(request->method, "HEAD");
  if (sluice_equal(request->path, "/books")) {
    if (get) list(request, response);
    else if (sluice_equal(request->method, "POST")) add(request, response);
    else refuse_method(response, "GET, HEAD, POST");
  } else if (sluice_begins_with(request->path, "/books/")) {
    if (get) show(sluice_slice(request->path, 7, request->path.len), response);
    else refuse_method(response, "GET, HEAD");
  } else {
    refuse(response, 404, "not found");
  }
}

SLUICE_HANDLE(handle);
