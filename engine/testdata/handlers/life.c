// Does, by its target, what only few answers do: hints, trailers, other protocols, holding the peer back, streams. The
// request's trailers come back in the answer's body.

#include "sluice_abi.h"

static uint8_t room[64 << 10] __attribute__((aligned(8)));

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) {
  static const sluice_receive_buffer_t buffer = {room, sizeof room};
  return size <= buffer.size ? &buffer : NULL;
}

sluice_subscriptions_t sluice_subscriptions(void) {
  return SLUICE_SUBSCRIPTIONS_LINE_READY | SLUICE_SUBSCRIPTIONS_HEADER_READY | SLUICE_SUBSCRIPTIONS_DATA_READY |
         SLUICE_SUBSCRIPTIONS_TRAILER_READY | SLUICE_SUBSCRIPTIONS_READY | SLUICE_SUBSCRIPTIONS_DATA_DONE |
         SLUICE_SUBSCRIPTIONS_UPGRADED | SLUICE_SUBSCRIPTIONS_CLOSED;
}

#define TEXT(literal) (const uint8_t *)(literal), sizeof(literal) - 1
#define FIELD(name, value) {{TEXT(name)}, {TEXT(value)}}

// A call that fails is a mistake, and a test then misses its answer.
static void must(uint32_t error) {
  if (error != SLUICE_ERRNO_SUCCESS) __builtin_trap();
}

enum task { hints, trailers, upgrade, tunnel, hold, refuse, discard, pause, stream, cut, states };

static enum task task;
static uint32_t pieces; // of a stream that were sent
static uint8_t seen[4];  // the states that were seen

static bool is(sluice_bytes_t text, const char *want) {
  size_t i = 0;
  for (; i < text.len && want[i] != 0; i++) {
    if (text.ptr[i] != (uint8_t)want[i]) return false;
  }
  return i == text.len && want[i] == 0;
}

static enum task task_of(const sluice_line_t *line) {
  static const char *const targets[] = {[hints] = "/hints",     [trailers] = "/trailers", [upgrade] = "/upgrade",
                                        [hold] = "/hold",       [refuse] = "/refuse",     [discard] = "/discard",
                                        [pause] = "/pause",     [stream] = "/stream",     [cut] = "/cut",
                                        [states] = "/states"};
  if (is(line->method, "CONNECT")) return tunnel;
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
    if (targets[i] != NULL && is(line->target, targets[i])) return (enum task)i;
  }
  return hints;
}

static void on_header(sluice_session_t session) {
  switch (task) {
  case trailers: {
    static const sluice_field_t announced[] = {FIELD("Trailer", "Sum")};
    must(sluice_set_head(session, 200, announced, 1));
    break;
  }
  case hold:
    must(sluice_hold_continue(session));
    must(sluice_send_informational(session, 103, NULL, 0));
    must(sluice_send_informational(session, 100, NULL, 0));
    break;
  case refuse:
    must(sluice_hold_continue(session));
    must(sluice_send(session, 403, NULL, 0, TEXT("no\n")));
    break;
  case discard:
    must(sluice_discard(session));
    break;
  case pause: // until the answer's first piece is on its way
    must(sluice_pause(session));
    must(sluice_send_data(session, TEXT("paused ")));
    break;
  case states:
    must(sluice_get_read_state(session, &seen[0]));
    must(sluice_get_write_state(session, &seen[1]));
    break;
  default:
    break;
  }
}

static void on_ready(sluice_session_t session) {
  switch (task) {
  case hints: {
    static const sluice_field_t link[] = {FIELD("Link", "</style.css>; rel=preload")};
    must(sluice_send_informational(session, 103, link, 1));
    must(sluice_send(session, 200, NULL, 0, TEXT("hinted\n")));
    break;
  }
  case trailers: {
    static const sluice_field_t sum[] = {FIELD("Sum", "42")};
    must(sluice_send_data(session, TEXT("done\n")));
    must(sluice_send_trailers(session, sum, 1));
    break;
  }
  case upgrade: {
    static const sluice_field_t to[] = {FIELD("Upgrade", "echo")};
    must(sluice_upgrade(session, to, 1));
    break;
  }
  case tunnel:
    must(sluice_upgrade(session, NULL, 0));
    break;
  case stream:
    must(sluice_stream(session));
    pieces = 1;
    must(sluice_send_data(session, TEXT("piece\n")));
    break;
  case cut:
    must(sluice_send_data(session, TEXT("half")));
    must(sluice_close(session));
    break;
  case states:
    must(sluice_get_read_state(session, &seen[2]));
    must(sluice_send_head(session, 200, NULL, 0));
    must(sluice_get_write_state(session, &seen[3]));
    for (size_t i = 0; i < sizeof seen; i++) seen[i] += '0';
    must(sluice_send_data(session, seen, sizeof seen));
    must(sluice_send_end(session));
    break;
  case hold:
  case discard:
  case pause:
    must(sluice_send_data(session, TEXT("taken\n")));
    must(sluice_send_end(session));
    break;
  case refuse:
    break;
  }
}

static void on_data_done(sluice_session_t session) {
  switch (task) {
  case pause:
    must(sluice_resume(session));
    break;
  case stream:
    if (pieces == 3) {
      must(sluice_send_end(session));
    } else if (pieces++ < 3) {
      must(sluice_send_data(session, TEXT("piece\n")));
    }
    break;
  default:
    break;
  }
}

// A tunnel sends back what it gets, and a body that is not discarded comes back as well.
static void on_data(sluice_session_t session, sluice_bytes_t piece) {
  if (task == upgrade || task == tunnel || task == trailers) must(sluice_send_data(session, piece.ptr, piece.len));
}

static void on_closed(sluice_session_t session, const sluice_closed_t *closed) {
  const bool raw = task == upgrade || task == tunnel;
  if (closed->side == SLUICE_CLOSED_SIDE_READ && raw) {
    must(sluice_send_data(session, TEXT("bye\n")));
    must(sluice_send_end(session));
  }
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)payload_len;
  switch (event) {
  case SLUICE_EVENT_LINE_READY:
    task = task_of((const sluice_line_t *)payload);
    break;
  case SLUICE_EVENT_HEADER_READY:
    on_header(session);
    break;
  case SLUICE_EVENT_DATA_READY:
    on_data(session, ((const sluice_data_t *)payload)->content);
    break;
  case SLUICE_EVENT_TRAILER_READY: { // comes back as body
    const sluice_fields_t fields = ((const sluice_trailer_t *)payload)->fields;
    for (size_t i = 0; i < fields.len; i++) {
      must(sluice_send_data(session, fields.ptr[i].name.ptr, fields.ptr[i].name.len));
      must(sluice_send_data(session, TEXT("=")));
      must(sluice_send_data(session, fields.ptr[i].value.ptr, fields.ptr[i].value.len));
    }
    break;
  }
  case SLUICE_EVENT_READY:
    on_ready(session);
    break;
  case SLUICE_EVENT_DATA_DONE:
    on_data_done(session);
    break;
  case SLUICE_EVENT_CLOSED:
    on_closed(session, (const sluice_closed_t *)payload);
    break;
  }
}
