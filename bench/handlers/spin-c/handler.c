// Computes for ever, for whoever measures what its neighbours notice of that.

#include "sluice.h"

SLUICE_HANDLER(SLUICE_SUBSCRIPTIONS_READY);

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)session, (void)event, (void)payload, (void)payload_len;
  for (volatile uint32_t i = 0;; i++) {
  }
}
