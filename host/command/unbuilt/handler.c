// What `sluice dev` serves until a first build has succeeded: 503 with what the build printed, which is the variable OUTPUT
// of its environment. Browsers ask again after a second, so that the page goes when its cause is mended.

#include "sluice_abi.h"

#define TEXT(literal) (const uint8_t *)(literal), sizeof(literal) - 1

// WASI preview 1. The environment comes as `NAME=value`, each with a zero at its end.
__attribute__((import_module("wasi_snapshot_preview1"), import_name("environ_sizes_get")))
uint32_t environ_sizes_get(size_t *count, size_t *size);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("environ_get")))
uint32_t environ_get(uint8_t **pointers, uint8_t *strings);

// A route with `memory = "64KiB"` has room for all of this.
static uint8_t room[16 << 10] __attribute__((aligned(8)));
static uint8_t environment[33 << 10];

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) {
  static const sluice_receive_buffer_t buffer = {room, sizeof room};
  return size <= buffer.size ? &buffer : NULL;
}

// Whatever is asked for, the start line says enough.
sluice_subscriptions_t sluice_subscriptions(void) {
  return SLUICE_SUBSCRIPTIONS_LINE_READY;
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)event, (void)payload, (void)payload_len;
  static const sluice_field_t fields[] = {
      {{TEXT("content-type")}, {TEXT("text/plain; charset=utf-8")}},
      {{TEXT("cache-control")}, {TEXT("no-store")}},
      {{TEXT("retry-after")}, {TEXT("1")}},
      {{TEXT("refresh")}, {TEXT("1")}}, // no standard has it, and all browsers know it
  };
  size_t count, size, name = sizeof "OUTPUT=" - 1;
  uint8_t *variable;
  if (environ_sizes_get(&count, &size) != 0 || count != 1 || size > sizeof environment || environ_get(&variable, environment) != 0) {
    __builtin_trap(); // the host gives one variable that fits
  }
  sluice_send(session, 503, fields, sizeof fields / sizeof fields[0], variable + name, size - name - 1);
}
