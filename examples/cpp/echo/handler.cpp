// Sends the body of a request back while it still comes in, and its trailers as trailers.

#include "sluice.h"

namespace {

// Returns early when a call fails: the log then says which error it was.
void handle(sluice_request_t *request, sluice_response_t *response) {
  sluice_bytes_t type = sluice_header(request, "content-type"), piece;
  if (type.len == 0) type = sluice_text("application/octet-stream");
  sluice_set_header(response, "content-type", type);
  if (sluice_begin(response, 200, nullptr, 0)) return;

  do {
    if (sluice_read(request, &piece) || sluice_write(response, piece.ptr, piece.len)) return;
  } while (piece.len > 0);
  sluice_end_with(response, sluice_trailers(request));
}

} // namespace

SLUICE_HANDLE(handle);
