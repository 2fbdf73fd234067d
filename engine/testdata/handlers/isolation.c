// Keeps what it is told wherever a module can keep something, and looks for it in later requests: what is left of one must
// not be found by another. It also does, by its target, what no handler should.

#include "sluice_abi.h"

static uint8_t room[16 << 10] __attribute__((aligned(8)));

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) {
  static const sluice_receive_buffer_t buffer = {room, sizeof room};
  return size <= buffer.size ? &buffer : NULL;
}

sluice_subscriptions_t sluice_subscriptions(void) { return SLUICE_SUBSCRIPTIONS_READY; }

enum { page = 64 << 10 };

static uint32_t served;
static volatile uint32_t depth;

static bool is(sluice_bytes_t text, const char *want) {
  size_t i = 0;
  for (; i < text.len && want[i] != 0; i++) {
    if (text.ptr[i] != (uint8_t)want[i]) return false;
  }
  return i == text.len && want[i] == 0;
}

// Writes the secret all over a memory that is larger than before.
static void remember(sluice_bytes_t secret) {
  if (secret.len == 0) return;
  const size_t first = __builtin_wasm_memory_grow(0, 2) * page;
  if (first / page == SIZE_MAX / page) __builtin_trap();
  uint8_t *to = (uint8_t *)first;
  for (size_t i = 0; i < 2 * page; i++) to[i] = secret.ptr[i % secret.len];
  uint8_t stack[1 << 10];
  for (size_t i = 0; i < sizeof stack; i++) ((volatile uint8_t *)stack)[i] = secret.ptr[i % secret.len];
}

// Counts where the memory holds the secret. It is asked for in disguise, or it would be found in the question.
static uint32_t recall(sluice_bytes_t disguised) {
  const size_t end = __builtin_wasm_memory_size(0) * page - disguised.len;
  uint32_t found = 0;
  for (const volatile uint8_t *at = (const uint8_t *)8; at < (const uint8_t *)end; at++) {
    size_t i = 0;
    while (i < disguised.len && at[i] == (disguised.ptr[i] ^ 1)) i++;
    if (disguised.len > 0 && i == disguised.len) found++;
  }
  return found;
}

static uint32_t recurse(uint32_t n) {
  depth++;
  return n == 0 ? 0 : recurse(n + 1) + depth;
}

static void answer(sluice_session_t session, uint32_t number) {
  uint8_t digits[11];
  size_t at = sizeof digits;
  digits[--at] = '\n';
  do digits[--at] = '0' + number % 10;
  while ((number /= 10) > 0);
  sluice_send(session, 200, NULL, 0, digits + at, sizeof digits - at);
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)event, (void)payload_len;
  const sluice_message_t *message = (const sluice_message_t *)payload;
  const sluice_bytes_t target = message->line.target;
  served++;
  if (is(target, "/remember")) remember(message->body);
  if (is(target, "/spin")) {
    while (depth == 0) {}
  }
  if (is(target, "/recurse")) depth = recurse(1);
  if (is(target, "/devour")) {
    while (__builtin_wasm_memory_grow(0, 16) != SIZE_MAX) {}
    __builtin_trap();
  }
  answer(session, is(target, "/recall") ? recall(message->body) : served);
}
