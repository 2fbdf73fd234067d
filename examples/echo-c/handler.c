// Sends a request's body back while it still comes in, in the event style: nothing here ever waits.
//
// A body of any size passes through one buffer. The host delivers DATA_READY only while the answer is below its
// high-water mark, so a peer that reads slowly slows down the one that writes, and `again` cannot meet us.

#include "sluice_abi.h"

static uint8_t room[64 << 10] __attribute__((aligned(8)));

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) {
  static const sluice_receive_buffer_t buffer = {room, sizeof room};
  return size <= buffer.size ? &buffer : NULL;
}

sluice_subscriptions_t sluice_subscriptions(void) {
  return SLUICE_SUBSCRIPTIONS_HEADER_READY | SLUICE_SUBSCRIPTIONS_DATA_READY | SLUICE_SUBSCRIPTIONS_READY;
}

static bool is_content_type(sluice_bytes_t name) {
  static const char want[] = "content-type";
  if (name.len != sizeof want - 1) return false;
  for (size_t i = 0; i < name.len; i++) {
    uint8_t c = name.ptr[i];
    if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != want[i]) return false;
  }
  return true;
}

// The answer has the type that the request has. Its head goes out with the first piece of body, not before: a peer that
// asked whether to send the body (Expect: 100-continue) is told to go on for as long as no answer has begun.
static uint32_t set_head(sluice_session_t session, const sluice_header_t *request) {
  const sluice_fields_t fields = request->fields;
  for (size_t i = 0; i < fields.len; i++) {
    if (is_content_type(fields.ptr[i].name)) return sluice_set_head(session, 200, &fields.ptr[i], 1);
  }
  return sluice_set_head(session, 200, NULL, 0);
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)payload_len;
  uint32_t error = SLUICE_ERRNO_SUCCESS;
  switch (event) {
  case SLUICE_EVENT_HEADER_READY:
    error = set_head(session, (const sluice_header_t *)payload);
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
  // A peer that is gone wants no answer. Anything else is a mistake of ours, and an echo with a hole is worse than none.
  if (error != SLUICE_ERRNO_SUCCESS && error != SLUICE_ERRNO_CLOSED) __builtin_trap();
}
