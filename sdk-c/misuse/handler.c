// Does by its path what a handler must not do, to show how that is told.

#include "sluice.h"

// A second write, once the answer is complete: the call gives back `state`, and SLUICE_MUST gives up.
static void write_after_end(sluice_response_t *response) {
  SLUICE_MUST(sluice_reply_text(response, 200, sluice_text("complete\n")));
  SLUICE_MUST(sluice_write(response, "more", 4));
}

// Fewer bytes than were announced: the call gives back `invalid`, and as nothing else completes the answer it is cut.
static void wrong_length(sluice_response_t *response) {
  sluice_set_header(response, "content-length", sluice_text("10"));
  sluice_begin(response, 200, NULL, 0);
  sluice_write(response, "short", 5);
  sluice_end(response);
}

// A second head: the call gives back `state`, and the answer that has begun can go on.
static void double_head(sluice_response_t *response) {
  sluice_begin(response, 200, NULL, 0);
  sluice_write(response, "first\n", 6);
  const char *advice = sluice_strerror(sluice_begin(response, 500, NULL, 0));
  sluice_write(response, advice, sluice_text(advice).len);
  sluice_end(response);
}

static void fail(sluice_response_t *response) { SLUICE_CHECK(response == NULL); }

static void block(void) {
  for (volatile uint32_t i = 0;; i++) continue;
}

static void handle(sluice_request_t *request, sluice_response_t *response) {
  if (sluice_equal(request->path, "/write-after-end")) write_after_end(response);
  if (sluice_equal(request->path, "/wrong-length")) wrong_length(response);
  if (sluice_equal(request->path, "/double-head")) double_head(response);
  if (sluice_equal(request->path, "/throw")) fail(response);
  if (sluice_equal(request->path, "/block")) block();
  if (sluice_equal(request->path, "/")) sluice_reply_text(response, 200, sluice_text("fine\n"));
}

SLUICE_HANDLE(handle);
