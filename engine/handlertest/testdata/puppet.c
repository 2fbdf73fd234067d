// Does what its target says, most of it wrong: a puppet for the tests of the kit, which want to see every check fail.

#include "sluice_abi.h"

static uint8_t room[64 << 10] __attribute__((aligned(8)));

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) {
  static const sluice_receive_buffer_t buffer = {room, sizeof room};
  return size <= buffer.size ? &buffer : NULL;
}

sluice_subscriptions_t sluice_subscriptions(void) {
  return SLUICE_SUBSCRIPTIONS_LINE_READY | SLUICE_SUBSCRIPTIONS_DATA_READY | SLUICE_SUBSCRIPTIONS_READY |
         SLUICE_SUBSCRIPTIONS_TRAILER_READY | SLUICE_SUBSCRIPTIONS_DATA_DONE | SLUICE_SUBSCRIPTIONS_DONE |
         SLUICE_SUBSCRIPTIONS_UPGRADED | SLUICE_SUBSCRIPTIONS_CLOSED;
}

#define TEXT(literal) (const uint8_t *)(literal), sizeof(literal) - 1
#define FIELD(name, value) {{TEXT(name)}, {TEXT(value)}}

// What WASI calls a ciovec, and its function that prints.
struct piece {
  const uint8_t *base;
  size_t size;
};
__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) uint32_t
fd_write(uint32_t fd, const struct piece *pieces, size_t pieces_len, size_t *written);

static bool is(sluice_bytes_t text, const char *want) {
  size_t i = 0;
  for (; i < text.len && want[i] != 0; i++) {
    if (text.ptr[i] != (uint8_t)want[i]) return false;
  }
  return i == text.len && want[i] == 0;
}

static const sluice_field_t type[] = {FIELD("Content-Type", "text/plain")};

static void answer(sluice_session_t session, uint32_t status, const char *body, size_t body_len) {
  sluice_send(session, status, type, 1, (const uint8_t *)body, body_len);
}

static void print(uint32_t fd, const char *text, size_t len) {
  const struct piece piece = {(const uint8_t *)text, len};
  size_t written;
  fd_write(fd, &piece, 1, &written);
}

// A large body, with one byte that is not like the others.
static void send_large(sluice_session_t session) {
  static uint8_t large[100000];
  for (size_t i = 0; i < sizeof large; i++) large[i] = 'x';
  large[70000] = 'y';
  sluice_send(session, 200, type, 1, large, sizeof large);
}

// Without an end that a clever compiler could see.
static void compute(void) {
  static volatile uint32_t n;
  for (;;) n++;
}

// Sends until nothing more is taken.
static void flood(sluice_session_t session) {
  static const uint8_t piece[50000];
  while (sluice_send_data(session, piece, sizeof piece) == SLUICE_ERRNO_SUCCESS) {
  }
}

static bool sink;     // the body is read to its end before there is an answer
static bool stubborn; // a stream goes on when its peer has gone
static bool flooding; // the answer ends when there is room again
static bool tunnel;   // HTTP is left when the request is complete

// Answers as soon as the target is known.
static void on_line(sluice_session_t session, sluice_bytes_t target) {
  static const sluice_field_t twice[] = {FIELD("Vary", "a"), FIELD("Vary", "b")};
  static const sluice_field_t announced[] = {FIELD("Content-Length", "10")};
  static const sluice_field_t json[] = {FIELD("Content-Type", "application/json")};
  static const sluice_field_t trailers[] = {FIELD("Sum", "5d41402a")};
  static const sluice_field_t link[] = {FIELD("Link", "</style.css>; rel=preload")};
  sink = stubborn = flooding = tunnel = false;
  if (is(target, "/sink")) {
    sink = true;
  } else if (is(target, "/tunnel")) {
    tunnel = true;
  } else if (is(target, "/flood")) {
    flooding = true;
    flood(session);
  } else if (is(target, "/teapot")) {
    answer(session, 418, "I'm a teapot\n", 13);
  } else if (is(target, "/empty")) {
    answer(session, 200, "", 0);
  } else if (is(target, "/json")) {
    sluice_send(session, 200, json, 1, TEXT("{\"a\": 1, \"b\": [true, \"x\"]}\n"));
  } else if (is(target, "/large")) {
    send_large(session);
  } else if (is(target, "/twice")) {
    sluice_send(session, 200, twice, 2, TEXT("hello\n"));
  } else if (is(target, "/hints")) {
    sluice_send_informational(session, 103, link, 1);
    answer(session, 200, "hello\n", 6);
  } else if (is(target, "/trailers")) {
    sluice_send_data(session, TEXT("hello"));
    sluice_send_trailers(session, trailers, 1);
  } else if (is(target, "/drain")) {
    sluice_drain(session);
    answer(session, 200, "hello\n", 6);
  } else if (is(target, "/close")) {
    sluice_close(session);
  } else if (is(target, "/half") || is(target, "/stubborn")) {
    stubborn = is(target, "/stubborn");
    sluice_stream(session);
    sluice_send_data(session, TEXT("hello"));
  } else if (is(target, "/trap")) {
    __builtin_trap();
  } else if (is(target, "/trap-late")) {
    sluice_send_head(session, 200, announced, 1);
    sluice_send_data(session, TEXT("hello"));
    __builtin_trap();
  } else if (is(target, "/compute")) {
    compute();
  } else if (is(target, "/grow")) {
    __builtin_wasm_memory_grow(0, 256);
    answer(session, 200, "hello\n", 6);
  } else if (is(target, "/print")) {
    print(1, "to be or\nnot to be\n", 19);
    print(2, "a question\n", 11);
    answer(session, 200, "hello\n", 6);
  } else if (!is(target, "/silent")) {
    answer(session, 200, "hello\n", 6);
  }
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  static const sluice_field_t protocol[] = {FIELD("Upgrade", "puppet")};
  (void)payload_len;
  if (event == SLUICE_EVENT_LINE_READY) on_line(session, ((const sluice_line_t *)payload)->target);
  if (event == SLUICE_EVENT_CLOSED && !stubborn) sluice_close(session);
  if (event == SLUICE_EVENT_READY && sink) answer(session, 200, "hello\n", 6);
  if (event == SLUICE_EVENT_READY && tunnel) sluice_upgrade(session, protocol, 1);
  if (event == SLUICE_EVENT_DATA_DONE && flooding) sluice_send_end(session);
}
