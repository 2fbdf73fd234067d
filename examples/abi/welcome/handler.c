// The page that `sluice serve` shows when it is given no handler. It answers every request.

#include "sluice_abi.h"

#define TEXT(literal) (const uint8_t *)(literal), sizeof(literal) - 1

static const char before_request[] =
    "<!doctype html>\n"
    "<html lang='en'>\n"
    "<meta charset='utf-8'>\n"
    "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
    "<title>Sluice is running</title>\n"
    "<style>\n"
    ":root { color-scheme: light dark; --ink: #17252f; --paper: #f6f8f9; --line: #d3dce1; --water: #0b6e99 }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "  :root { --ink: #dfe7eb; --paper: #10191f; --line: #2b3a43; --water: #5cb8e0 }\n"
    "}\n"
    "body { max-width: 38rem; margin: 12vh auto; padding: 0 1.5rem; color: var(--ink); background: var(--paper);\n"
    "  font: 1.05rem/1.6 system-ui, sans-serif }\n"
    "h1 { margin: 0; font-size: 2rem; border-top: .35rem solid var(--water); padding-top: 1rem }\n"
    "h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem }\n"
    "code { font: .92em ui-monospace, monospace }\n"
    "pre { margin: 0; padding: .8rem 1rem; border: 1px solid var(--line); border-radius: .4rem;\n"
    "  white-space: pre-wrap; overflow-wrap: anywhere }\n"
    "dt { margin-top: .9rem } dd { margin: .1rem 0 0 }\n"
    "dt code, a { color: var(--water) }\n"
    "</style>\n"
    "<h1>Sluice is running</h1>\n"
    "<p>This answer was parsed by <code>core.wasm</code> and written by a handler module. Both ran in wazero, each in a\n"
    "sandbox of its own: the core saw bytes and no socket, the handler saw events and no bytes of the wire.</p>\n"
    "<h2>What the handler was given</h2>\n"
    "<pre><code>";

static const char after_request[] =
    "</code></pre>\n"
    "<h2>Next steps</h2>\n"
    "<dl>\n"
    "<dt><code>sluice serve my.wasm</code></dt><dd>serves a handler of your own in place of this page</dd>\n"
    "<dt><code>sluice inspect my.wasm</code></dt><dd>says what a module hears and what keeps it from serving</dd>\n"
    "<dt><code>sluice trace &lt; request.http</code></dt><dd>shows the events that the core makes of raw bytes</dd>\n"
    "</dl>\n"
    "<p>Handlers in C, Rust and Go to start from are in\n"
    "<a href='https://github.com/sluicehttp/sluice/tree/main/examples'>examples</a>; this page is one of them.</p>\n"
    "</html>\n";

enum {
  wasm_page = 64 << 10,
  // What is shown of a method and of a target, in bytes; escaping makes at most six of each.
  shown_method = 32,
  shown_target = 1024,
};

static uint8_t page[sizeof before_request + sizeof after_request + 6 * (shown_method + shown_target) + 16];
static size_t page_len;

static void append(const uint8_t *text, size_t len) {
  for (size_t i = 0; i < len; i++) page[page_len++] = text[i];
}

// Appends what a peer sent, as text that means nothing to a browser.
static void append_escaped(sluice_bytes_t text, size_t shown) {
  for (size_t i = 0; i < text.len; i++) {
    if (i == shown) {
      append(TEXT("…"));
      return;
    }
    switch (text.ptr[i]) {
    case '&': append(TEXT("&amp;")); break;
    case '<': append(TEXT("&lt;")); break;
    case '>': append(TEXT("&gt;")); break;
    case '"': append(TEXT("&quot;")); break;
    case '\'': append(TEXT("&#39;")); break;
    default: page[page_len++] = text.ptr[i] > ' ' && text.ptr[i] <= '~' ? text.ptr[i] : '?';
    }
  }
}

sluice_subscriptions_t sluice_subscriptions(void) {
  return SLUICE_SUBSCRIPTIONS_READY;
}

// Room for the largest head without a body; more is grown when a request needs it.
static uint8_t room[36 << 10] __attribute__((aligned(8)));
static sluice_receive_buffer_t buffer = {room, sizeof room};

const sluice_receive_buffer_t *sluice_receive_buffer(uint32_t size) {
  if (size > buffer.size) {
    const size_t pages = size / wasm_page + 1;
    const size_t end = __builtin_wasm_memory_grow(0, pages);
    if (end == SIZE_MAX) return NULL;
    buffer.base = (uint8_t *)(end * wasm_page);
    buffer.size = pages * wasm_page;
  }
  return &buffer;
}

void sluice_on_event(sluice_session_t session, uint32_t event, const uint8_t *payload, size_t payload_len) {
  (void)event, (void)payload_len;
  const sluice_line_t *line = &((const sluice_message_t *)payload)->line;
  page_len = 0;
  append(TEXT(before_request));
  append_escaped(line->method, shown_method);
  append(TEXT(" "));
  append_escaped(line->target, shown_target);
  append(TEXT(after_request));

  static const sluice_field_t fields[] = {
      {{TEXT("content-type")}, {TEXT("text/html; charset=utf-8")}},
      {{TEXT("cache-control")}, {TEXT("no-store")}},
      {{TEXT("content-security-policy")}, {TEXT("default-src 'none'; style-src 'unsafe-inline'")}},
  };
  sluice_send(session, 200, fields, sizeof fields / sizeof fields[0], page, page_len);
}
