// Uses what programs in C use of a system, and answers with how it went: arguments, environment, clocks, randomness; files,
// which are not there.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wasi/api.h>

#include "sluice_abi.h"

static uint8_t room[64 << 10] __attribute__((aligned(8)));

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) {
  static const sluice_receive_buffer_t buffer = {room, sizeof room};
  return size <= buffer.size ? &buffer : NULL;
}

sluice_subscriptions_t sluice_subscriptions(void) {
  printf("started\n"); // nobody flushes: the stream has to be line-buffered
  return SLUICE_SUBSCRIPTIONS_READY;
}

// arguments joins the arguments. A library has no main that would be given them.
static const char *arguments(void) {
  static char joined[256];
  size_t count = 0, size = 0;
  if (__wasi_args_sizes_get(&count, &size) || size > sizeof joined || count > 16) return "?";
  uint8_t *list[16];
  if (__wasi_args_get(list, (uint8_t *)joined)) return "?";
  for (size_t i = 0; i + 1 < size; i++) {
    if (!joined[i]) joined[i] = ' ';
  }
  return joined;
}

static bool slept(void) {
  struct timespec began, ended, ten = {.tv_nsec = 10 * 1000 * 1000};
  clock_gettime(CLOCK_MONOTONIC, &began);
  if (nanosleep(&ten, NULL)) return false;
  clock_gettime(CLOCK_MONOTONIC, &ended);
  return (ended.tv_sec - began.tv_sec) * 1000000000ll + (ended.tv_nsec - began.tv_nsec) >= ten.tv_nsec;
}

static bool random_differs(void) {
  uint8_t a[16], b[16];
  return !getentropy(a, sizeof a) && !getentropy(b, sizeof b) && memcmp(a, b, sizeof a);
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)event, (void)payload, (void)payload_len;
  fprintf(stderr, "asked\n");
  static const char *words[] = {"false", "true"};
  const char *key = getenv("KEY");
  FILE *file = fopen("/etc/hostname", "r");
  static char out[1024];
  int size = snprintf(out, sizeof out, "args %s\nenv %s\nclock %s\nsleep %s\nrandom %s\nfile %s\n", arguments(),
                      key ? key : "", words[time(NULL) > 1600000000], words[slept()], words[random_differs()],
                      words[!file && errno != 0]);
  sluice_send(session, 200, NULL, 0, (const uint8_t *)out, (size_t)size);
}
