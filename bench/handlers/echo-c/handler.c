// Sends a request's body back while it comes in, with the length that the request announces: one call of the host for each
// piece, and no copy here.

// Pieces are read right to here: the larger they are, the fewer calls of the operating system a body takes.
#define SLUICE_RECEIVE_SIZE ((256 << 10) + 64)
#include "sluice.h"

SLUICE_HANDLER(SLUICE_SUBSCRIPTIONS_HEADER_READY | SLUICE_SUBSCRIPTIONS_DATA_READY | SLUICE_SUBSCRIPTIONS_READY);

// The head is kept until the first byte goes out, so that a peer which asks whether to send its body is told to.
static void begin(sluice_session_t session, sluice_fields_t request) {
  sluice_field_t fields[] = {SLUICE_FIELD("content-type", "application/octet-stream"), {{0}, {0}}};
  size_t count = 1, at = 0;
  const sluice_field_t *length = sluice_find_field(request, "content-length", &at);
  if (length) fields[count++] = *length;
  sluice_set_head(session, 200, fields, count);
  sluice_stream(session);
}

// The host gives the next piece only while there is room for it in the answer, so `again` cannot meet us.
void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)payload_len;
  uint32_t error = SLUICE_ERRNO_SUCCESS;
  switch (event) {
  case SLUICE_EVENT_HEADER_READY:
    begin(session, ((const sluice_header_t *)payload)->fields);
    break;
  case SLUICE_EVENT_DATA_READY: {
    const sluice_bytes_t piece = ((const sluice_data_t *)payload)->content;
    error = sluice_send_data(session, piece.ptr, piece.len);
    break;
  }
  case SLUICE_EVENT_READY:
    error = sluice_send_end(session);
    break;
  }
  if (error != SLUICE_ERRNO_SUCCESS && error != SLUICE_ERRNO_CLOSED) __builtin_trap();
}
