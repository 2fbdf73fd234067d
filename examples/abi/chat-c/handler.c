// A chat room: what anybody posts is sent to everybody who listens.
//
//     sluice serve chat-c.wasm --isolation shared &
//     curl -N localhost:8080/ &                  # listens
//     curl localhost:8080/ -d 'hello, everybody'
//
// All sessions are in one instance, which hears one event after the other. It keeps the sessions of those who listen, and
// in the event of one that posts it acts upon all of them.

#include "sluice_abi.h"

static uint8_t room[64 << 10] __attribute__((aligned(8)));

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) {
  static const sluice_receive_buffer_t buffer = {room, sizeof room};
  return size <= buffer.size ? &buffer : NULL;
}

sluice_subscriptions_t sluice_subscriptions(void) {
  return SLUICE_SUBSCRIPTIONS_READY | SLUICE_SUBSCRIPTIONS_CLOSED;
}

#define TEXT(literal) (const uint8_t *)(literal), sizeof(literal) - 1

enum { most_listeners = 10000 };

static sluice_session_t listeners[most_listeners];
static size_t listeners_len;

static void leave(sluice_session_t session) {
  for (size_t i = 0; i < listeners_len; i++) {
    if (listeners[i] != session) continue;
    listeners[i] = listeners[--listeners_len];
    return;
  }
}

// Begins an answer that goes on for as long as the listener stays.
static void listen(sluice_session_t session) {
  static const sluice_field_t head[] = {{{TEXT("content-type")}, {TEXT("text/plain; charset=utf-8")}}};
  if (listeners_len == most_listeners) {
    sluice_send(session, 503, head, 1, TEXT("The room is full.\n"));
    return;
  }
  if (sluice_stream(session) != SLUICE_ERRNO_SUCCESS) return; // gone already
  if (sluice_send_head(session, 200, head, 1) == SLUICE_ERRNO_SUCCESS) listeners[listeners_len++] = session;
}

// Sends a line to all who listen. One that reads too slowly to take it (`again`) misses it.
static void say(sluice_bytes_t text) {
  static uint8_t line[sizeof room + 1];
  for (size_t i = 0; i < text.len; i++) line[i] = text.ptr[i];
  line[text.len] = '\n';
  for (size_t i = listeners_len; i-- > 0;) {
    const uint32_t error = sluice_send_data(listeners[i], line, text.len + 1);
    if (error != SLUICE_ERRNO_SUCCESS && error != SLUICE_ERRNO_AGAIN) leave(listeners[i]);
  }
}

static bool is_post(sluice_bytes_t method) {
  static const char want[] = "POST";
  if (method.len != sizeof want - 1) return false;
  for (size_t i = 0; i < method.len; i++) {
    if (method.ptr[i] != want[i]) return false;
  }
  return true;
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)payload_len;
  if (event == SLUICE_EVENT_CLOSED) {
    leave(session);
    sluice_send_end(session); // it may have closed its side only, and wait for our end
    return;
  }
  const sluice_message_t *message = (const sluice_message_t *)payload;
  if (!is_post(message->line.method)) {
    listen(session);
    return;
  }
  say(message->body);
  sluice_send(session, 204, NULL, 0, NULL, 0);
}
