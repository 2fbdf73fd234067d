// Hears every request and never answers.

#include "sluice_abi.h"

static uint8_t room[64 << 10] __attribute__((aligned(8)));

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) {
  static const sluice_receive_buffer_t buffer = {room, sizeof room};
  return size <= buffer.size ? &buffer : NULL;
}

sluice_subscriptions_t sluice_subscriptions(void) {
  return SLUICE_SUBSCRIPTIONS_READY;
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)session, (void)event, (void)payload, (void)payload_len;
}
