// Says hello, with ?name=Ada to Ada.

#include "sluice.h"

static void handle(sluice_request_t *request, sluice_response_t *response) {
  static uint8_t decoded[8 << 10], room[sizeof decoded + 16]; // the host takes no longer request line
  sluice_bytes_t name = sluice_query_var(request, "name", decoded, sizeof decoded);
  if (name.len == 0) name = sluice_text("world");

  sluice_buffer_t text = sluice_buffer(room, sizeof room);
  sluice_put(&text, "Hello, ");
  sluice_put_bytes(&text, name);
  sluice_put(&text, "!\n");
  sluice_reply_text(response, 200, sluice_written(&text));
}

SLUICE_HANDLE(handle);
