// Answers /N with N bytes, as fast as the peer takes them: 0, 1, 2 ... 250, 0, 1 ..., a period that no buffer size has.

#include "sluice_abi.h"

static uint8_t room[64 << 10] __attribute__((aligned(8)));

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) {
  static const sluice_receive_buffer_t buffer = {room, sizeof room};
  return size <= buffer.size ? &buffer : NULL;
}

sluice_subscriptions_t sluice_subscriptions(void) {
  return SLUICE_SUBSCRIPTIONS_READY | SLUICE_SUBSCRIPTIONS_DATA_DONE;
}

enum { period = 251 };

static uint8_t pattern[64 * period];
static uint64_t left; // bytes still to send

// Sends until the session is above its mark or everything was taken.
static void go_on(sluice_session_t session) {
  while (left > 0) {
    const size_t size = left < sizeof pattern ? left : sizeof pattern;
    const uint32_t error = sluice_send_data(session, pattern, size);
    if (error == SLUICE_ERRNO_AGAIN || error == SLUICE_ERRNO_CLOSED) return;
    if (error != SLUICE_ERRNO_SUCCESS) __builtin_trap();
    left -= size;
    if (left == 0) sluice_send_end(session);
  }
}

static void begin(sluice_session_t session, sluice_bytes_t target) {
  for (size_t i = 0; i < sizeof pattern; i++) pattern[i] = i % period;
  left = 0;
  for (size_t i = 1; i < target.len; i++) left = 10 * left + (target.ptr[i] - '0');
  sluice_send_head(session, 200, NULL, 0);
  if (left == 0) sluice_send_end(session);
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)payload_len;
  if (event == SLUICE_EVENT_READY) begin(session, ((const sluice_message_t *)payload)->line.target);
  go_on(session);
}
