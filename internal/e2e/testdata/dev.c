// Says VERSION, which a header defines that tests change. /download is 32 MiB, sent as there is room.

#include "sluice_abi.h"
#include "version.h"

enum { piece = 16 << 10, size = 32 << 20 };

static uint8_t room[16 << 10] __attribute__((aligned(8)));
static uint8_t zeros[piece];
static size_t sent;

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t wanted) {
  static const sluice_receive_buffer_t buffer = {room, sizeof room};
  return wanted <= buffer.size ? &buffer : NULL;
}

sluice_subscriptions_t sluice_subscriptions(void) {
  return SLUICE_SUBSCRIPTIONS_READY | SLUICE_SUBSCRIPTIONS_DATA_DONE;
}

static void go_on(sluice_session_t session) {
  while (sent < size) {
    if (sluice_send_data(session, zeros, piece) != SLUICE_ERRNO_SUCCESS) return; // DATA_DONE says when there is room
    sent += piece;
  }
  sluice_send_end(session);
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)payload_len;
  if (event == SLUICE_EVENT_DATA_DONE) {
    if (sent < size) go_on(session);
    return;
  }
  const sluice_line_t *line = &((const sluice_message_t *)payload)->line;
  if (line->target.len > 1 && line->target.ptr[1] == 'd') {
    sluice_stream(session);
    go_on(session);
    return;
  }
  sluice_send(session, 200, NULL, 0, (const uint8_t *)VERSION, sizeof VERSION - 1);
}
