// Tests what sluice.h computes by itself, built for the machine that runs it, with sanitizers. The host is played by the
// functions at the end: they give a request's body out in pieces, and keep what is sent.
//
//     sdk-c/build.sh test

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluice.h"

static int failures;

#define EXPECT(condition, ...)                              \
  do {                                                      \
    if (!(condition)) {                                     \
      printf("%s:%d: %s: ", __FILE__, __LINE__, #condition); \
      printf(__VA_ARGS__);                                  \
      puts("");                                             \
      failures++;                                           \
    }                                                       \
  } while (0)

// What the host has, and what it was given.
static struct {
  const char *body;   // of the request
  size_t body_len;    //
  size_t piece;       // the largest piece that it gives
  bool cut;           // the peer goes before the end
  uint32_t full;      // how often there is no room
  uint32_t waits;     // how often the handler waited for it
  char sent[1 << 12]; // the body of the answer
  size_t sent_len;
  sluice_field_t fields[4]; // of the request
  size_t fields_len;
  bool headers_told, ended;
} host;

static char printed[1 << 10]; // the log

static bool same(sluice_bytes_t bytes, const char *want) {
  return bytes.len == strlen(want) && (bytes.len == 0 || memcmp(bytes.ptr, want, bytes.len) == 0);
}

// Gives a copy with nothing behind it, so that a sanitizer sees who reads further. It is there until the next.
static sluice_bytes_t exact(const char *text) {
  static void *copy;
  free(copy);
  copy = malloc(strlen(text));
  memcpy(copy, text, strlen(text));
  return sluice_bytes(copy, strlen(text));
}

#define SHOW(bytes) (int)(bytes).len, (const char *)(bytes).ptr

static sluice_request_t a_request(const char *target, const char *type, const char *body, size_t len, size_t piece) {
  sluice_line_t line = {sluice_text("POST"), sluice_text(target), SLUICE_VERSION_HTTP_1_1};
  sluice_request_t request = {.session = 1};
  memset(&host, 0, sizeof host);
  host.body = body;
  host.body_len = len;
  host.piece = piece;
  if (type != NULL) host.fields[host.fields_len++] = (sluice_field_t){sluice_text("Content-Type"), sluice_text(type)};
  sluice_set_line(&request, &line);
  return request;
}

static void test_targets(void) {
  static const struct {
    const char *target, *path, *query; // no query: NULL
  } cases[] = {
      {"/", "/", NULL},
      {"/a/b?c=d?e", "/a/b", "c=d?e"},
      {"/?", "/", ""},
      {"*", "*", NULL},
      {"http://host/a?b", "/a", "b"},
      {"http://host?b", "/", "b"},
      {"http://host", "/", NULL},
      {"host:443", "host:443", NULL},
      {"/a?http://b/c", "/a", "http://b/c"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sluice_request_t r = a_request(cases[i].target, NULL, "", 0, 1);
    EXPECT(same(r.path, cases[i].path), "%s: path %.*s", cases[i].target, SHOW(r.path));
    EXPECT((r.query.ptr == NULL) == (cases[i].query == NULL), "%s", cases[i].target);
    if (cases[i].query != NULL) EXPECT(same(r.query, cases[i].query), "%s: query %.*s", cases[i].target, SHOW(r.query));
  }
}

static void test_query(void) {
  static const struct {
    const char *query, *name, *want; // nothing: NULL
  } cases[] = {
      {"a=1&b=2", "b", "2"},        {"a=1&a=2", "a", "1"},          {"a", "a", ""},
      {"=1", "", "1"},              {"&&a=%20+%2b", "a", "  +"},    {"n%61me=Ada%20L", "name", "Ada L"},
      {"a=%C3%A9", "a", "\xc3\xa9"}, {"a=%zz%4", "a", "%zz%4"},      {"a=b=c", "a", "b=c"},
      {"ab=1", "a", NULL},          {"a=1", "ab", NULL},            {"", "a", NULL},
      {"a+b=1", "a b", "1"},        {"a=%", "a", "%"},
  };
  char room[64];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sluice_bytes_t got = sluice_form_var(exact(cases[i].query), cases[i].name, room, sizeof room);
    if (cases[i].want == NULL) EXPECT(got.ptr == NULL && got.len == 0, "%s", cases[i].query);
    else EXPECT(got.ptr != NULL && same(got, cases[i].want), "%s: %.*s", cases[i].query, SHOW(got));
  }
  sluice_bytes_t got = sluice_form_var(sluice_text("a=1234"), "a", room, 3);
  EXPECT(got.ptr == NULL && got.len == 0, "too small a buffer");
  EXPECT(same(sluice_form_var(sluice_text("a=1234"), "a", room, 4), "1234"), "a buffer that is just large enough");
}

static void test_headers(void) {
  sluice_request_t r = a_request("/", "text/plain", "", 0, 1);
  host.fields[host.fields_len++] = (sluice_field_t){sluice_text("Cookie"), sluice_text("a=1; bc=\"2 3\";d")};
  host.fields[host.fields_len++] = (sluice_field_t){sluice_text("COOKIE"), sluice_text("e=f=g")};
  EXPECT(same(sluice_header(&r, "content-TYPE"), "text/plain"), "whatever its case");
  EXPECT(sluice_header(&r, "content-typ").ptr == NULL, "not there");
  static const char *const cookies[][2] = {{"a", "1"}, {"bc", "2 3"}, {"d", ""}, {"e", "f=g"}};
  for (size_t i = 0; i < 4; i++) {
    sluice_bytes_t got = sluice_cookie(&r, cookies[i][0]);
    EXPECT(got.ptr != NULL && same(got, cookies[i][1]), "%s: %.*s", cookies[i][0], SHOW(got));
  }
  EXPECT(sluice_cookie(&r, "b").ptr == NULL, "not there");
  sluice_bytes_t piece;
  EXPECT(sluice_read(&r, &piece) == 0 && piece.len == 0, "the body is empty");
  EXPECT(same(sluice_header(&r, "content-type"), "text/plain"), "still there once the body was read");
}

static void test_body(void) {
  char room[16];
  sluice_bytes_t body;
  sluice_request_t r = a_request("/", NULL, "0123456789", 10, 3);
  EXPECT(sluice_body(&r, room, sizeof room, &body) == 0 && same(body, "0123456789"), "%.*s", SHOW(body));
  EXPECT(sluice_body(&r, room, sizeof room, &body) == 0 && body.len == 0, "read already");
  r = a_request("/", NULL, "0123456789", 10, 3);
  EXPECT(sluice_body(&r, room, 9, &body) == SLUICE_ERRNO_TOO_BIG, "too small a buffer");
  r = a_request("/", NULL, "0123456789", 10, 3);
  host.cut = true;
  EXPECT(sluice_body(&r, room, sizeof room, &body) == SLUICE_ERRNO_CLOSED, "the peer is gone");
  EXPECT(sluice_body(&r, room, sizeof room, &body) == SLUICE_ERRNO_CLOSED, "and stays away");
  r = a_request("/", NULL, "\xc3\xa9", 2, 1);
  EXPECT(sluice_body_text(&r, room, sizeof room, &body) == 0 && same(body, "\xc3\xa9"), "UTF-8");
  r = a_request("/", NULL, "\xc3", 1, 1);
  EXPECT(sluice_body_text(&r, room, sizeof room, &body) == SLUICE_ERRNO_INVALID, "no UTF-8");
}

static void test_response(void) {
  sluice_response_t response = {.session = 1};
  memset(&host, 0, sizeof host);
  host.full = 2;
  EXPECT(sluice_write(&response, "abc", 3) == 0 && host.waits == 2, "waits for room");
  EXPECT(sluice_end(&response) == 0 && response.complete, "ends");
  EXPECT(sluice_write(&response, "d", 1) == SLUICE_ERRNO_STATE, "nothing follows the end");
  EXPECT(host.sent_len == 3 && memcmp(host.sent, "abc", 3) == 0, "%.*s", (int)host.sent_len, host.sent);

  memset(&host, 0, sizeof host);
  sluice_response_t other = {.session = 1};
  sluice_set_header(&other, "a", sluice_text("1"));
  sluice_add_header(&other, "A", sluice_text("2"));
  sluice_add_header(&other, "b", sluice_text("3"));
  sluice_set_header(&other, "a", sluice_text("4"));
  EXPECT(sluice_reply_text(&other, 201, sluice_text("x")) == 0 && other.complete, "replies");
  EXPECT(strcmp(host.sent, "201 b=3 a=4 content-type=text/plain; charset=utf-8 x") == 0, "%s", host.sent);
  sluice_response_t many = {.session = 1};
  for (int i = 0; i < SLUICE_MAX_FIELDS; i++) EXPECT(sluice_add_header(&many, "a", sluice_text("")) == 0, "%d", i);
  EXPECT(sluice_add_header(&many, "a", sluice_text("")) == SLUICE_ERRNO_TOO_BIG, "one too many");
  EXPECT(sluice_reply_text(&many, 200, sluice_text("")) == SLUICE_ERRNO_TOO_BIG && !many.complete, "one too many");
}

static void test_numbers(void) {
  static const struct {
    const char *text;
    bool ok;
    int64_t want;
  } cases[] = {
      {"0", true, 0},   {"-1", true, -1},  {"007", true, 7},    {"9223372036854775807", true, INT64_MAX},
      {"", false, 0},   {"-", false, 0},   {"1 ", false, 0},    {"-9223372036854775808", true, INT64_MIN},
      {"+1", false, 0}, {"1.0", false, 0}, {"--1", false, 0},   {"9223372036854775808", false, 0},
      {"a", false, 0},  {"1e3", false, 0}, {"\x31\x80", false, 0}, {"-9223372036854775809", false, 0},
      {"99999999999999999999999999", false, 0},
  };
  char room[32];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t got = 0;
    EXPECT(sluice_integer(exact(cases[i].text), &got) == cases[i].ok, "%s", cases[i].text);
    EXPECT(got == cases[i].want, "%s: %lld", cases[i].text, (long long)got);
    if (!cases[i].ok || cases[i].text[1] == '0') continue;
    sluice_buffer_t out = sluice_buffer(room, sizeof room);
    sluice_put_integer(&out, cases[i].want);
    EXPECT(same(sluice_written(&out), cases[i].text), "%.*s", SHOW(sluice_written(&out)));
  }
}

static void test_utf8(void) {
  static const struct {
    const char *text;
    bool ok;
  } cases[] = {
      {"", true},          {"a\x7f", true},          {"\xc2\x80", true},         {"\xc1\xbf", false},
      {"\xe0\xa0\x80", true}, {"\xe0\x9f\xbf", false}, {"\xed\x9f\xbf", true},     {"\xed\xa0\x80", false},
      {"\xee\x80\x80", true}, {"\xf0\x90\x80\x80", true}, {"\xf0\x8f\xbf\xbf", false}, {"\xf4\x8f\xbf\xbf", true},
      {"\xf4\x90\x80\x80", false}, {"\xf8\x88\x80\x80\x80", false}, {"\x80", false}, {"\xe2\x82", false},
      {"\xe2\x28\xa1", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    EXPECT(sluice_is_utf8(exact(cases[i].text)) == cases[i].ok, "case %zu", i);
}

static void test_json_writer(void) {
  char room[256];
  sluice_buffer_t out = sluice_buffer(room, sizeof room);
  sluice_json_t json = sluice_json(&out);
  sluice_json_open(&json, '{');
  sluice_json_key(&json, "a\"");
  sluice_json_open(&json, '[');
  sluice_json_integer(&json, -5);
  sluice_json_open(&json, '{');
  sluice_json_close(&json, '}');
  sluice_json_string(&json, sluice_text("\x01\n\\\xc3\xa9\xff!"));
  sluice_json_bool(&json, true);
  sluice_json_close(&json, ']');
  sluice_json_key(&json, "b");
  sluice_json_null(&json);
  sluice_json_close(&json, '}');
  const char want[] = "{\"a\\\"\":[-5,{},\"\\u0001\\n\\\\\xc3\xa9\xef\xbf\xbd!\",true],\"b\":null}";
  EXPECT(same(sluice_written(&out), want), "%.*s", SHOW(sluice_written(&out)));
  sluice_buffer_t small = sluice_buffer(room, 3);
  sluice_put(&small, "ab");
  sluice_put(&small, "cd");
  sluice_put(&small, "e");
  EXPECT(small.full && small.len == 2, "nothing follows what did not fit");
}

// Spells a document out, a letter for each piece, ! where it breaks.
static void spell(sluice_bytes_t document, char *to) {
  sluice_json_reader_t reader = sluice_json_reader(document);
  sluice_bytes_t text;
  sluice_json_kind_t kind;
  do *to++ = ".!{}[]ksntfz"[kind = sluice_json_next(&reader, &text)];
  while (kind != SLUICE_JSON_END && kind != SLUICE_JSON_BROKEN);
  *to = 0;
}

static void test_json_reader(void) {
  static const struct {
    const char *document, *want;
  } cases[] = {
      {"null", "z."},
      {" [ ] ", "[]."},
      {"{}", "{}."},
      {"{\"a\":1,\"b\":[true,false]}", "{knk[tf]}."},
      {"[[],{\"\":{}}]", "[[]{k{}}]."},
      {"\"\\u00e9\\\"\\/\"", "s."},
      {"-0.5e+3", "n."},
      {"0", "n."},
      {"", "!"},
      {" ", "!"},
      {"01", "n!"},
      {"-", "!"},
      {"1.", "!"},
      {".5", "!"},
      {"1e", "!"},
      {"+1", "!"},
      {"[1,]", "[n!"},
      {"[,1]", "[!"},
      {"[1 2]", "[n!"},
      {"[1", "[n!"},
      {"[}", "[!"},
      {"{]", "{!"},
      {"{\"a\"}", "{!"},
      {"{\"a\":}", "{k!"},
      {"{\"a\":1,}", "{kn!"},
      {"{a:1}", "{!"},
      {"{\"a\" 1}", "{!"},
      {"{1:1}", "{!"},
      {"\"a", "!"},
      {"\"\\x\"", "!"},
      {"\"\\u12g4\"", "!"},
      {"\"\\u12", "!"},
      {"\"\\", "!"},
      {"\"\n\"", "!"},
      {"\"\xff\"", "!"},
      {"truE", "!"},
      {"nul", "!"},
      {"null null", "z!"},
      {"null,", "z!"},
      {"]", "!"},
      {"\xef\xbb\xbf{}", "!"},
      {"\v1", "!"},
      {"NaN", "!"},
  };
  char got[256];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    spell(exact(cases[i].document), got);
    EXPECT(strcmp(got, cases[i].want) == 0, "%s: %s, want %s", cases[i].document, got, cases[i].want);
  }
  spell(sluice_bytes("1\0", 2), got);
  EXPECT(strcmp(got, "n!") == 0, "a zero behind the document: %s", got);
  for (int depth = SLUICE_JSON_DEPTH; depth <= SLUICE_JSON_DEPTH + 1; depth++) {
    char deep[2 * SLUICE_JSON_DEPTH + 4];
    memset(deep, '[', depth);
    memset(deep + depth, ']', depth);
    spell(sluice_bytes(deep, 2 * depth), got);
    EXPECT((got[strlen(got) - 1] == '.') == (depth <= SLUICE_JSON_DEPTH), "depth %d: %s", depth, got);
  }
}

static void test_json_members(void) {
  static const struct {
    const char *document, *name;
    sluice_errno_t error;
    sluice_json_kind_t kind;
    const char *text;
  } cases[] = {
      {"{\"a\":1,\"b\":\"x\"}", "b", 0, SLUICE_JSON_STRING, "x"},
      {"{\"a\":{\"b\":[1, {}]} ,\"c\":2}", "a", 0, SLUICE_JSON_OBJECT, "{\"b\":[1, {}]}"},
      {"{\"a\":{\"b\":1}}", "b", 0, SLUICE_JSON_END, ""},
      {"{\"a\":1,\"\\u0061\":2}", "a", 0, SLUICE_JSON_NUMBER, "2"},
      {"{\"ab\":1}", "a", 0, SLUICE_JSON_END, ""},
      {"{\"a\":1}", "ab", 0, SLUICE_JSON_END, ""},
      {"{}", "a", 0, SLUICE_JSON_END, ""},
      {"[]", "a", SLUICE_ERRNO_INVALID, SLUICE_JSON_END, ""},
      {"{\"a\":1} x", "a", SLUICE_ERRNO_INVALID, SLUICE_JSON_NUMBER, "1"},
      {"{\"a\":[}", "a", SLUICE_ERRNO_INVALID, SLUICE_JSON_END, ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sluice_json_value_t got;
    EXPECT(sluice_json_member(exact(cases[i].document), cases[i].name, &got) == cases[i].error, "%s", cases[i].document);
    EXPECT(got.kind == cases[i].kind && same(got.text, cases[i].text), "%s: %.*s", cases[i].document, SHOW(got.text));
  }
  static const char *const strings[][2] = {
      {"a\\n\\t\\/\\\\\\\"", "a\n\t/\\\""}, {"\\u00e9", "\xc3\xa9"},    {"\\u20ac", "\xe2\x82\xac"},
      {"\\ud83d\\ude00", "\xf0\x9f\x98\x80"}, {"\\ud83d", "\xef\xbf\xbd"}, {"\\ude00\\ud83d", "\xef\xbf\xbd\xef\xbf\xbd"},
      {"\\ud83d\\u0041", "\xef\xbf\xbd" "A"}, {"\\b\\f\\r", "\b\f\r"},
  };
  char room[32];
  for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
    sluice_bytes_t got = sluice_json_decode(exact(strings[i][0]), room, sizeof room);
    EXPECT(same(got, strings[i][1]), "%s: %.*s", strings[i][0], SHOW(got));
    EXPECT(sluice_json_decodes_to(sluice_text(strings[i][0]), strings[i][1]), "%s", strings[i][0]);
  }
  EXPECT(sluice_json_decode(sluice_text("\\u00e9"), room, 1).ptr == NULL, "too small a buffer");
}

#define TYPE "multipart/form-data; boundary=\"b\""
#define PART(head, content) "\r\n--b\r\n" head "\r\n\r\n" content
#define NAMED(name) "Content-Disposition: form-data; name=\"" name "\""

static const struct {
  const char *body, *want; // name|filename|type|content; for each part, ! when it is broken
} forms[] = {
    {"--b\r\n" NAMED("a") "\r\n\r\n1" PART(NAMED("b"), "2") "\r\n--b--\r\n", "a|||1;b|||2;"},
    {"preamble" PART(NAMED("a"), "") "\r\n--b--", "a|||;"},
    {PART(NAMED("f") "; filename=\"x;y.png\"\r\ncontent-type: image/png", "\r\n--c\r\n--") "\r\n--b--",
     "f|x;y.png|image/png|\r\n--c\r\n--;"},
    {"--b\r\n" NAMED("a") "\r\n\r\n\r\n--b--", "a|||;"},
    {"--b\r\n" NAMED("a") "\r\n\r\n--b--", "a|||;"}, // RFC 2046 section 5.1.1: the empty line is part of the delimiter
    {"--b \t\r\n" NAMED("a") "\r\n\r\n1\r\n--b--", "a|||1;"},
    {"--b--", ""},
    {"", "!"},
    {"--c--", "!"},
    {PART(NAMED("a"), "1"), "!"},
    {PART(NAMED("a"), "1") "\r\n--b", "a|||1;!"},
    {PART(NAMED("a"), "1") "\r\n--bc--", "a|||1;!"},
    {PART("X: y", "1") "\r\n--b--", "!"},
    {PART("Content-Disposition: attachment; name=a", "1") "\r\n--b--", "!"},
    {PART("content-disposition:form-data;name=a", "1\r\n--\r\n-") "\r\n--b--epilogue", "a|||1\r\n--\r\n-;"},
    {PART(NAMED("a\\\"b"), "1") "\r\n--b--", "a\\\"b|||1;"},
    {"--b\r\n" NAMED("a") "\r\n\r\n--\r\n--b--", "a|||--;"},
};

static void append(char *to, sluice_bytes_t bytes, const char *end) {
  strncat(to, bytes.ptr == NULL ? "" : (const char *)bytes.ptr, bytes.len);
  strcat(to, end);
}

static void append_part(char *to, const sluice_part_t *part) {
  append(to, part->name, "|");
  append(to, part->filename, "|");
  append(to, part->type, "|");
}

static void read_whole(sluice_bytes_t body, char *to) {
  sluice_part_t part;
  size_t offset = 0;
  for (*to = 0;;) {
    if (sluice_next_part(body, sluice_boundary(sluice_text(TYPE)), &offset, &part)) {
      strcat(to, "!");
      return;
    }
    if (part.name.ptr == NULL) return;
    append_part(to, &part);
    append(to, part.content, ";");
  }
}

static void read_stream(sluice_bytes_t body, size_t piece_len, size_t window, char *to) {
  sluice_multipart_t multipart;
  sluice_part_t part;
  sluice_bytes_t piece;
  sluice_request_t request = a_request("/", TYPE, (const char *)body.ptr, body.len, piece_len);
  char *room = malloc(window);
  *to = 0;
  EXPECT(sluice_open_multipart(&multipart, &request, room, window) == 0, "opens");
  for (;;) {
    if (sluice_read_part(&multipart, &part)) break;
    if (part.name.ptr == NULL) goto end;
    char *begin = to + strlen(to);
    append_part(to, &part);
    do {
      if (sluice_read_content(&multipart, &piece)) {
        *begin = 0; // a part that does not end is none
        goto broken;
      }
      append(to, piece, "");
    } while (piece.len > 0);
    strcat(to, ";");
  }
broken:
  strcat(to, "!");
end:
  free(room);
}

static void test_multipart(void) {
  char got[1024];
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    const sluice_bytes_t body = exact(forms[i].body);
    read_whole(body, got);
    EXPECT(strcmp(got, forms[i].want) == 0, "whole:\n%s\ngives\n%s\nwant\n%s", forms[i].body, got, forms[i].want);
    for (size_t piece = 1; piece <= body.len + 1; piece++) {
      read_stream(body, piece, 512, got);
      EXPECT(strcmp(got, forms[i].want) == 0, "pieces of %zu:\n%s\ngives\n%s\nwant\n%s", piece, forms[i].body, got,
             forms[i].want);
    }
  }
}

// Both ways of reading a form say the same of anything.
static void test_multipart_random(void) {
  static const char *const words[] = {"\r\n", "--b", "--", "\r\n\r\n", "x", "\r", "\n", "-", "b", NAMED("a"), PART(NAMED("p"), "q")};
  char body[4096], whole[8192], streamed[8192];
  unsigned seed = 1;
  for (int round = 0; round < 20000; round++) {
    strcpy(body, round % 2 ? "--b\r\n" NAMED("a") "\r\n\r\n" : "");
    for (int i = 0; i < 12; i++) {
      seed = seed * 1103515245 + 12345;
      strcat(body, words[(seed >> 16) % (sizeof words / sizeof *words)]);
    }
    read_whole(sluice_text(body), whole);
    read_stream(sluice_text(body), 1 + (seed >> 8) % 40, 512, streamed);
    EXPECT(strcmp(whole, streamed) == 0, "%s\nwhole\n%s\nstreamed\n%s", body, whole, streamed);
    if (failures > 3) return;
  }
}

// A part of any size passes through a window, a head only one that fits.
static void test_multipart_window(void) {
  static char body[100000], window[512];
  sluice_multipart_t multipart;
  sluice_part_t part;
  sluice_bytes_t piece;
  strcpy(body, "--b\r\n" NAMED("a") "\r\n\r\n");
  const size_t head = strlen(body), content = sizeof body - head - 16;
  for (size_t i = 0; i < content; i++) body[head + i] = "\r\n--\r"[i % 5];
  strcpy(body + head + content, "\r\n--b--");
  sluice_request_t request = a_request("/", TYPE, body, strlen(body), 1000);
  EXPECT(sluice_open_multipart(&multipart, &request, window, sizeof window) == 0, "opens");
  EXPECT(sluice_read_part(&multipart, &part) == 0 && same(part.name, "a"), "%.*s", SHOW(part.name));
  size_t got = 0;
  do {
    EXPECT(sluice_read_content(&multipart, &piece) == 0, "reads");
    EXPECT(memcmp(body + head + got, piece.ptr, piece.len) == 0, "at %zu", got);
    got += piece.len;
  } while (piece.len > 0);
  EXPECT(got == content, "%zu bytes, want %zu", got, content);

  snprintf(body, sizeof body, "--b\r\n%s\r\nX: %0600d\r\n\r\n1\r\n--b--", NAMED("a"), 1);
  request = a_request("/", TYPE, body, strlen(body), 1000);
  EXPECT(sluice_open_multipart(&multipart, &request, window, sizeof window) == 0, "opens");
  EXPECT(sluice_read_part(&multipart, &part) == SLUICE_ERRNO_TOO_BIG, "too large a head");
}

static void test_boundaries(void) {
  static const char *const cases[][2] = {
      {"multipart/form-data; boundary=abc", "abc"},
      {"Multipart/Form-Data;charset=x; BOUNDARY=\"a;c\"", "a;c"},
      {"multipart/form-data", NULL},
      {"multipart/form-data; boundary=", NULL},
      {"multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234567890123456789x", NULL},
      {"multipart/mixed; boundary=abc", NULL},
      {"text/plain", NULL},
      {"", NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sluice_bytes_t got = sluice_boundary(exact(cases[i][0]));
    if (cases[i][1] == NULL) EXPECT(got.len == 0, "%s: %.*s", cases[i][0], SHOW(got));
    else EXPECT(same(got, cases[i][1]), "%s: %.*s", cases[i][0], SHOW(got));
  }
}

static void test_arena(void) {
  SLUICE_ARENA(arena, 64);
  sluice_bytes_t kept;
  sluice_fields_t fields = {(const sluice_field_t[]){SLUICE_FIELD("a", "bcd")}, 1}, copy = {NULL, 0};
  EXPECT(sluice_keep(&arena, sluice_text("12345"), &kept) == 0 && same(kept, "12345"), "%.*s", SHOW(kept));
  EXPECT((uintptr_t)sluice_take(&arena, 1) % 8 == 0, "aligned");
  EXPECT(sluice_keep_fields(&arena, fields, &copy) == 0, "fits");
  EXPECT(copy.len == 1 && same(copy.ptr[0].name, "a") && same(copy.ptr[0].value, "bcd"), "copied");
  const size_t used = arena.used;
  EXPECT(sluice_keep_fields(&arena, fields, &copy) == SLUICE_ERRNO_TOO_BIG && arena.used == used, "full");
  EXPECT(sluice_take(&arena, SIZE_MAX) == NULL, "far too much");
}

static void test_log(void) {
  printed[0] = 0;
  sluice_log("hello");
  EXPECT(strcmp(printed, "hello\n") == 0, "%s", printed);
  for (uint32_t error = 0; error <= SLUICE_ERRNO_UNSUPPORTED; error++)
    EXPECT(strlen(sluice_strerror(error)) > 0 && sluice_strerror(error) != sluice_strerror(999), "%u", (unsigned)error);
}

int main(void) {
  test_targets();
  test_query();
  test_headers();
  test_body();
  test_response();
  test_numbers();
  test_utf8();
  test_json_writer();
  test_json_reader();
  test_json_members();
  test_boundaries();
  test_multipart();
  test_multipart_random();
  test_multipart_window();
  test_arena();
  test_log();
  printf(failures ? "FAILED: %d\n" : "ok\n", failures);
  return failures > 0;
}

// ----- The host -----

uint32_t sluice_next_event(sluice_session_t session, sluice_delivery_t *delivery) {
  // As large as what is in it, so that a sanitizer sees who uses more of it, or keeps it for too long.
  static void *payload;
  (void)session;
  free(payload);
  payload = NULL;
  if (!host.headers_told) {
    const size_t len = host.fields_len * sizeof *host.fields;
    sluice_header_t *header = payload = malloc(sizeof *header + len);
    memcpy(header + 1, host.fields, len);
    header->fields = (sluice_fields_t){(const sluice_field_t *)(header + 1), host.fields_len};
    host.headers_told = true;
    *delivery = (sluice_delivery_t){SLUICE_EVENT_HEADER_READY, {payload, sizeof *header + len}};
    return SLUICE_ERRNO_SUCCESS;
  }
  if (host.cut && host.body_len <= host.piece) return SLUICE_ERRNO_CLOSED;
  if (host.body_len == 0) {
    *delivery = (sluice_delivery_t){SLUICE_EVENT_READY, {NULL, 0}};
    return SLUICE_ERRNO_SUCCESS;
  }
  const size_t len = host.body_len < host.piece ? host.body_len : host.piece;
  sluice_data_t *data = payload = malloc(sizeof *data + len);
  memcpy(data + 1, host.body, len);
  data->content = sluice_bytes(data + 1, len);
  host.body += len;
  host.body_len -= len;
  *delivery = (sluice_delivery_t){SLUICE_EVENT_DATA_READY, {payload, sizeof *data + len}};
  return SLUICE_ERRNO_SUCCESS;
}

uint32_t sluice_send(sluice_session_t session, uint32_t status, const sluice_field_t *fields, size_t fields_len,
                     const uint8_t *body, size_t body_len) {
  (void)session;
  sprintf(host.sent, "%u ", (unsigned)status);
  for (size_t i = 0; i < fields_len; i++) {
    append(host.sent, fields[i].name, "=");
    append(host.sent, fields[i].value, " ");
  }
  append(host.sent, sluice_bytes(body, body_len), "");
  return SLUICE_ERRNO_SUCCESS;
}

uint32_t sluice_send_data(sluice_session_t session, const uint8_t *content, size_t content_len) {
  (void)session;
  if (host.ended) return SLUICE_ERRNO_STATE;
  if (host.full > 0) return SLUICE_ERRNO_AGAIN;
  memcpy(host.sent + host.sent_len, content, content_len);
  host.sent_len += content_len;
  return SLUICE_ERRNO_SUCCESS;
}

uint32_t sluice_wait_writable(sluice_session_t session) {
  (void)session;
  host.waits++;
  host.full--;
  return SLUICE_ERRNO_SUCCESS;
}

uint32_t sluice_send_end(sluice_session_t session) {
  (void)session;
  host.ended = true;
  return SLUICE_ERRNO_SUCCESS;
}

uint32_t sluice_fd_write(uint32_t stream, const sluice_bytes_t *parts, size_t parts_len, size_t *written) {
  EXPECT(stream == 2, "%u", (unsigned)stream);
  for (size_t i = 0; i < parts_len; i++) append(printed, parts[i], "");
  *written = 0;
  return 0;
}
