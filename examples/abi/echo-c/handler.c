// Sends a request's body back, in the event style: nothing here ever waits.
//
// A body of up to 64 KiB is collected and goes back whole, with its length, when the request is complete. Until then it
// may turn out to be malformed, and a peer that is refused with a status knows more than one whose answer breaks off.
//
// A larger body goes back while it still comes in, so that one of any size passes through little memory. The host delivers
// DATA_READY only while the answer is below its high-water mark, so a peer that reads slowly slows down the one that
// writes; and as we send once for each, `again` cannot meet us.

#include "sluice_abi.h"

static uint8_t room[64 << 10] __attribute__((aligned(8)));

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) {
  static const sluice_receive_buffer_t buffer = {room, sizeof room};
  return size <= buffer.size ? &buffer : NULL;
}

sluice_subscriptions_t sluice_subscriptions(void) {
  return SLUICE_SUBSCRIPTIONS_HEADER_READY | SLUICE_SUBSCRIPTIONS_DATA_READY | SLUICE_SUBSCRIPTIONS_READY;
}

enum { most_collected = 64 << 10 };

// What is known of the present request. One is enough: an instance serves one session at a time.
static sluice_field_t fields[1]; // of the answer: Content-Type, when the request has one
static size_t fields_len;
static uint8_t type[sizeof room];                  // its value, which was in the room and so fits
static uint8_t body[most_collected + sizeof room]; // what was collected, and the piece that is too much
static size_t body_len;
static bool streaming; // an answer has begun

static bool is_content_type(sluice_bytes_t name) {
  static const char want[] = "content-type";
  if (name.len != sizeof want - 1) return false;
  for (size_t i = 0; i < name.len; i++) {
    uint8_t c = name.ptr[i];
    if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != want[i]) return false;
  }
  return true;
}

static void copy(uint8_t *to, sluice_bytes_t from) {
  for (size_t i = 0; i < from.len; i++) to[i] = from.ptr[i];
}

// Begins a request. Its head is ours only until we return, so the type, which the answer gets too, is copied.
static void begin(sluice_fields_t request) {
  fields_len = body_len = 0;
  streaming = false;
  for (size_t i = 0; i < request.len && fields_len == 0; i++) {
    const sluice_bytes_t value = request.ptr[i].value;
    if (!is_content_type(request.ptr[i].name)) continue;
    copy(type, value);
    fields[fields_len++] = (sluice_field_t){{(const uint8_t *)"content-type", 12}, {type, value.len}};
  }
}

// Collects a piece, or sends it when there are too many. No head goes out before: a peer that asked whether to send its
// body (Expect: 100-continue) is told to go on for as long as no answer has begun.
static uint32_t take(sluice_session_t session, sluice_bytes_t piece) {
  if (streaming) return sluice_send_data(session, piece.ptr, piece.len);
  copy(body + body_len, piece);
  body_len += piece.len;
  if (body_len <= most_collected) return SLUICE_ERRNO_SUCCESS;
  streaming = true;
  const uint32_t error = sluice_send_head(session, 200, fields, fields_len);
  return error == SLUICE_ERRNO_SUCCESS ? sluice_send_data(session, body, body_len) : error;
}

static uint32_t end(sluice_session_t session) {
  if (streaming) return sluice_send_end(session);
  return sluice_send(session, 200, fields, fields_len, body, body_len);
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)payload_len;
  uint32_t error = SLUICE_ERRNO_SUCCESS;
  switch (event) {
  case SLUICE_EVENT_HEADER_READY:
    begin(((const sluice_header_t *)payload)->fields);
    break;
  case SLUICE_EVENT_DATA_READY:
    error = take(session, ((const sluice_data_t *)payload)->content);
    break;
  case SLUICE_EVENT_READY:
    error = end(session);
    break;
  }
  // A peer that is gone wants no answer. Anything else is a mistake of ours, and an echo with a hole is worse than none.
  if (error != SLUICE_ERRNO_SUCCESS && error != SLUICE_ERRNO_CLOSED) __builtin_trap();
}
