// Traps on /trap, otherwise says hello.

#include "sluice_abi.h"

static uint8_t room[64 << 10] __attribute__((aligned(8)));

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) {
  static const sluice_receive_buffer_t buffer = {room, sizeof room};
  return size <= buffer.size ? &buffer : NULL;
}

sluice_subscriptions_t sluice_subscriptions(void) {
  return SLUICE_SUBSCRIPTIONS_READY;
}

static bool is_trap(sluice_bytes_t target) {
  static const char want[] = "/trap";
  if (target.len != sizeof want - 1) return false;
  for (size_t i = 0; i < target.len; i++) {
    if (target.ptr[i] != want[i]) return false;
  }
  return true;
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)event, (void)payload_len;
  if (is_trap(((const sluice_message_t *)payload)->line.target)) __builtin_trap();
  sluice_send(session, 200, NULL, 0, (const uint8_t *)"hello\n", 6);
}
