// Sends a request's body back while it still comes in, in the blocking style: one loop from the first event of a
// request to its last, which waits for bytes and for room. The host lends no thread to it while it waits.

#include "sluice_abi.h"

static uint8_t room[64 << 10] __attribute__((aligned(8)));

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) {
  static const sluice_receive_buffer_t buffer = {room, sizeof room};
  return size <= buffer.size ? &buffer : NULL;
}

sluice_subscriptions_t sluice_subscriptions(void) {
  return SLUICE_SUBSCRIPTIONS_HEADER_READY | SLUICE_SUBSCRIPTIONS_DATA_READY | SLUICE_SUBSCRIPTIONS_READY;
}

// Sends a piece, waiting for room as often as it takes.
static uint32_t send_all(sluice_session_t session, sluice_bytes_t piece) {
  for (;;) {
    uint32_t error = sluice_send_data(session, piece.ptr, piece.len);
    if (error != SLUICE_ERRNO_AGAIN) return error;
    error = sluice_wait_writable(session);
    if (error != SLUICE_ERRNO_SUCCESS) return error;
  }
}

static uint32_t echo(sluice_session_t session) {
  static const sluice_field_t fields[] = {
      {{(const uint8_t *)"content-type", 12}, {(const uint8_t *)"application/octet-stream", 24}},
  };
  // The head goes out with the first piece of body, so that a peer that asked whether to send it is told to go on.
  uint32_t error = sluice_set_head(session, 200, fields, 1);
  while (error == SLUICE_ERRNO_SUCCESS) {
    sluice_delivery_t next;
    error = sluice_next_event(session, &next);
    if (error != SLUICE_ERRNO_SUCCESS) return error;
    if (next.event == SLUICE_EVENT_READY) return sluice_send_end(session);
    error = send_all(session, ((const sluice_data_t *)next.payload.ptr)->content);
  }
  return error;
}

// Called once for every request, with its first event: `echo` takes the others itself.
void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)event, (void)payload, (void)payload_len;
  uint32_t error = echo(session);
  if (error != SLUICE_ERRNO_SUCCESS && error != SLUICE_ERRNO_CLOSED) __builtin_trap();
}
