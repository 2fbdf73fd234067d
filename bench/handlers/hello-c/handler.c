// Says hello at the level of events: it hears one, and answers with one call.

#include "sluice.h"

SLUICE_HANDLER(SLUICE_SUBSCRIPTIONS_READY);

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)event, (void)payload, (void)payload_len;
  static const sluice_field_t fields[] = {SLUICE_FIELD("content-type", "text/plain; charset=utf-8")};
  sluice_send(session, 200, fields, 1, SLUICE_LITERAL("Hello, world!\n"));
}
