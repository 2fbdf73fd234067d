// Sends 64 KiB or 100 MiB, as fast as the peer takes them. Byte number i is the letter number i modulo 26.

#include "sluice.h"

SLUICE_HANDLER(SLUICE_SUBSCRIPTIONS_READY | SLUICE_SUBSCRIPTIONS_DATA_DONE);

enum { piece = 64 << 10, letters = 26 };

// Every piece lies in here. It is made before the first request and is a part of what each begins with.
static uint8_t content[piece + letters];

__attribute__((export_name("_initialize"))) void make_content(void) {
  for (size_t i = 0; i < sizeof content; i++) content[i] = (uint8_t)('a' + i % letters);
}

// One download is enough: an instance serves one session at a time.
static size_t sent, size;

// Sends pieces until the host has enough of them; DATA_DONE says that it wants more.
static void go_on(sluice_session_t session) {
  while (sent < size) {
    const size_t rest = size - sent, len = rest < piece ? rest : piece;
    const uint32_t error = sluice_send_data(session, content + sent % letters, len);
    if (error == SLUICE_ERRNO_AGAIN || error == SLUICE_ERRNO_CLOSED) return;
    if (error != SLUICE_ERRNO_SUCCESS) __builtin_trap();
    sent += len;
  }
  sluice_send_end(session);
}

static void begin(sluice_session_t session, sluice_bytes_t target) {
  const bool large = sluice_equal(target, "/100m");
  if (!large && !sluice_equal(target, "/64k")) {
    sluice_send(session, 404, NULL, 0, NULL, 0);
    return;
  }
  sent = 0;
  size = large ? 100 << 20 : 64 << 10;
  const sluice_field_t fields[] = {
      SLUICE_FIELD("content-type", "application/octet-stream"),
      {sluice_text("content-length"), sluice_text(large ? "104857600" : "65536")},
  };
  sluice_stream(session);
  sluice_send_head(session, 200, fields, 2);
  go_on(session);
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)payload_len;
  if (event == SLUICE_EVENT_READY) {
    begin(session, ((const sluice_message_t *)payload)->line.target);
  } else if (sent < size) {
    go_on(session);
  }
}
