// Says hello. The smallest handler: it hears one event and answers it with one call.

#include "sluice_abi.h"

#define TEXT(literal) (const uint8_t *)(literal), sizeof(literal) - 1

// The host writes requests here. One that does not fit is answered 413 or 431 without us.
static uint8_t room[64 << 10] __attribute__((aligned(8)));

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) {
  static const sluice_receive_buffer_t buffer = {room, sizeof room};
  return size <= buffer.size ? &buffer : NULL;
}

// READY without DATA_READY: the request comes in one piece, once it is complete.
sluice_subscriptions_t sluice_subscriptions(void) {
  return SLUICE_SUBSCRIPTIONS_READY;
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)event, (void)payload, (void)payload_len;
  static const sluice_field_t fields[] = {
      {{TEXT("content-type")}, {TEXT("text/plain; charset=utf-8")}},
  };
  sluice_send(session, 200, fields, 1, TEXT("Hello from C!\n"));
}
