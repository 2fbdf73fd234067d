// Says hello, and on /tenant whose module it is: the number is in the data and in the code. handlers.go writes others over
// both, to make modules of many tenants out of this one.

#include "sluice.h"

SLUICE_HANDLER(SLUICE_SUBSCRIPTIONS_READY);

// Volatile, so that the compiler does not make it part of the code.
static const volatile char in_data[] = "tenant 00000000";

// Weak, so that the compiler does not make it part of its caller; it is as long as every number that takes its place.
__attribute__((weak)) uint32_t in_code(void) { return 0x5eed7e4a; }

static void tell(sluice_session_t session) {
  static uint8_t room[128];
  sluice_buffer_t buffer = sluice_buffer(room, sizeof room);
  sluice_json_t json = sluice_json(&buffer);
  uint8_t data[sizeof in_data - 1];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)in_data[i];
  sluice_json_open(&json, '{');
  sluice_json_key(&json, "data");
  sluice_json_string(&json, (sluice_bytes_t){data, sizeof data});
  sluice_json_key(&json, "code");
  sluice_json_integer(&json, in_code());
  sluice_json_close(&json, '}');
  static const sluice_field_t fields[] = {SLUICE_FIELD("content-type", "application/json")};
  const sluice_bytes_t text = sluice_written(&buffer);
  sluice_send(session, 200, fields, 1, text.ptr, text.len);
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)event, (void)payload_len;
  if (sluice_equal(((const sluice_message_t *)payload)->line.target, "/tenant")) {
    tell(session);
    return;
  }
  static const sluice_field_t fields[] = {SLUICE_FIELD("content-type", "text/plain; charset=utf-8")};
  sluice_send(session, 200, fields, 1, SLUICE_LITERAL("Hello, world!\n"));
}
