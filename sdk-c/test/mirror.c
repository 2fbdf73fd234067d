// Says what it sees of a request: see mirror.md.

#include "sluice.h"

static uint8_t room[16 << 10], decoded[8 << 10], collected[8 << 10];

static void put_or_dash(sluice_buffer_t *text, sluice_bytes_t bytes) {
  sluice_put_bytes(text, bytes.ptr != NULL ? bytes : sluice_text("-"));
  sluice_put(text, " ");
}

static void trailers(sluice_response_t *response) {
  static const sluice_field_t head[] = {SLUICE_FIELD("x-out", "1")}, sum[] = {SLUICE_FIELD("sum", "6")};
  const sluice_fields_t end = {sum, 1};
  SLUICE_MUST(sluice_begin(response, 200, head, 1));
  SLUICE_MUST(sluice_write(response, "one", 3));
  SLUICE_MUST(sluice_write(response, "two", 3));
  SLUICE_MUST(sluice_end_with(response, end));
}

static void handle(sluice_request_t *request, sluice_response_t *response) {
  sluice_bytes_t body;
  sluice_buffer_t text = sluice_buffer(room, sizeof room);
  sluice_put(&text, "asked for ");
  sluice_put_bytes(&text, request->path);
  sluice_log_bytes(sluice_written(&text));
  if (sluice_equal(request->path, "/trailers")) {
    trailers(response);
    return;
  }
  text = sluice_buffer(room, sizeof room);
  put_or_dash(&text, request->method);
  put_or_dash(&text, request->path);
  put_or_dash(&text, request->query);
  put_or_dash(&text, sluice_query_var(request, "name", decoded, sizeof decoded));
  put_or_dash(&text, sluice_header(request, "X-IN"));
  if (sluice_body_text(request, collected, sizeof collected, &body)) return;
  sluice_put_bytes(&text, body);
  sluice_put(&text, "\n");
  sluice_set_header(response, "x-out", sluice_text("1"));
  sluice_set_header(response, "X-Out", sluice_text("2"));
  sluice_add_header(response, "x-out", sluice_text("\xc3\xa9"));
  sluice_reply_text(response, 200, sluice_written(&text));
}

SLUICE_HANDLE(handle);
