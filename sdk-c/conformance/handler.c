/* What the header asks a handler to export. The rest is records_gen.c. */

#include "sluice_abi.h"

static uint64_t room[512];
static const sluice_receive_buffer_t buffer = {(uint8_t *)room, sizeof room};

sluice_subscriptions_t sluice_subscriptions(void) { return SLUICE_SUBSCRIPTIONS_READY | SLUICE_SUBSCRIPTIONS_DONE; }

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) { return size > buffer.size ? NULL : &buffer; }

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)session, (void)event, (void)payload, (void)payload_len;
}
