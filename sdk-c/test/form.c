// The form of examples/README.md, to test what sluice.h has for forms: both kinds, parts while they come in.

#include "sluice.h"

static uint8_t room[64 << 10], decoded[16 << 10], window[16 << 10];

static void refuse(sluice_response_t *response, uint32_t status, const char *why) {
  sluice_buffer_t buffer = sluice_buffer(room, sizeof room);
  sluice_json_t json = sluice_json(&buffer);
  sluice_json_open(&json, '{');
  sluice_json_key(&json, "error");
  sluice_json_string(&json, sluice_text(why));
  sluice_json_close(&json, '}');
  sluice_reply_json(response, status, sluice_written(&buffer));
}

static void put_text(sluice_json_t *json, const char *key, sluice_bytes_t text) {
  sluice_json_key(json, key);
  sluice_json_string(json, text);
}

// Lists the pairs of a form that is collected.
static bool list_pairs(sluice_request_t *request, sluice_json_t *json) {
  static uint8_t collected[16 << 10];
  sluice_bytes_t form, name, value;
  if (sluice_body(request, collected, sizeof collected, &form)) return false;
  while (sluice_next_pair(&form, &name, &value)) {
    sluice_json_open(json, '{');
    put_text(json, "name", sluice_decode(name, true, decoded, sizeof decoded));
    put_text(json, "value", sluice_decode(value, true, decoded, sizeof decoded));
    sluice_json_close(json, '}');
  }
  return true;
}

static sluice_errno_t list_part(sluice_multipart_t *form, const sluice_part_t *part, sluice_json_t *json) {
  const bool is_file = part->filename.ptr != NULL;
  sluice_buffer_t value = sluice_buffer(decoded, sizeof decoded);
  int64_t bytes = 0;
  sluice_bytes_t piece;
  sluice_json_open(json, '{');
  put_text(json, "name", part->name);
  if (is_file) {
    put_text(json, "filename", part->filename);
    put_text(json, "type", part->type.ptr != NULL ? part->type : sluice_text("application/octet-stream"));
  }
  do {
    const sluice_errno_t error = sluice_read_content(form, &piece);
    if (error) return error;
    bytes += (int64_t)piece.len;
    if (!is_file) sluice_put_bytes(&value, piece);
  } while (piece.len > 0);
  if (is_file) {
    sluice_json_key(json, "bytes");
    sluice_json_integer(json, bytes);
  } else {
    put_text(json, "value", sluice_written(&value));
  }
  sluice_json_close(json, '}');
  return SLUICE_ERRNO_SUCCESS;
}

static bool list_parts(sluice_request_t *request, sluice_json_t *json) {
  sluice_multipart_t form;
  sluice_part_t part;
  if (sluice_open_multipart(&form, request, window, sizeof window)) return false;
  for (;;) {
    if (sluice_read_part(&form, &part)) return false;
    if (part.name.ptr == NULL) return true;
    if (list_part(&form, &part, json)) return false;
  }
}

static void take_form(sluice_request_t *request, sluice_response_t *response) {
  sluice_bytes_t rest = sluice_header(request, "content-type");
  const sluice_bytes_t type = sluice_trim(sluice_cut(&rest, ';'));
  const bool multipart = sluice_equal_fold(type, "multipart/form-data");
  if (!multipart && !sluice_equal_fold(type, "application/x-www-form-urlencoded")) {
    refuse(response, 415, "a form is wanted");
    return;
  }
  sluice_buffer_t buffer = sluice_buffer(room, sizeof room);
  sluice_json_t json = sluice_json(&buffer);
  sluice_json_open(&json, '{');
  sluice_json_key(&json, "parts");
  sluice_json_open(&json, '[');
  if (!(multipart ? list_parts : list_pairs)(request, &json)) {
    if (request->error == SLUICE_ERRNO_SUCCESS) refuse(response, 400, "the form is broken");
    return;
  }
  sluice_json_close(&json, ']');
  sluice_json_close(&json, '}');
  sluice_reply_json(response, 200, sluice_written(&buffer));
}

static void handle(sluice_request_t *request, sluice_response_t *response) {
  if (sluice_equal(request->method, "GET") || sluice_equal(request->method, "HEAD")) {
    sluice_reply_html(response, 200, sluice_text("<form method=post><input name=title></form>\n"));
  } else if (sluice_equal(request->method, "POST")) {
    take_form(request, response);
  } else {
    sluice_set_header(response, "allow", sluice_text("GET, HEAD, POST"));
    refuse(response, 405, "not allowed");
  }
}

SLUICE_HANDLE(handle);
