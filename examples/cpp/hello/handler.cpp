// Says hello, with ?name=Ada to Ada.

#include "sluice.h"

namespace {

// Long enough for any: the host takes no longer request line.
uint8_t decoded[8 << 10];
uint8_t room[sizeof decoded + 16];

void handle(sluice_request_t *request, sluice_response_t *response) {
  sluice_bytes_t name = sluice_query_var(request, "name", decoded, sizeof decoded);
  if (name.len == 0) name = sluice_text("world");

  sluice_buffer_t text = sluice_buffer(room, sizeof room);
  sluice_put(&text, "Hello, ");
  sluice_put_bytes(&text, name);
  sluice_put(&text, "!\n");
  sluice_reply_text(response, 200, sluice_written(&text));
}

} // namespace

SLUICE_HANDLE(handle);
