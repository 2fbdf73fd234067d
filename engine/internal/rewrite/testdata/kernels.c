// What CoreMark is made of, for measuring: work on a list, on a matrix, on a state machine, and a checksum. Each export
// runs a number of rounds and returns something that depends on all of them.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;

static u32 seed = 1;

static u32 next(void) {
  seed = seed * 1664525u + 1013904223u;
  return seed >> 8;
}

// ----- A linked list: find, reverse, sort by merging. -----

struct node {
  struct node *next;
  int value;
};

#define NODES 200
static struct node nodes[NODES];

static struct node *build(void) {
  for (int i = 0; i < NODES; i++) {
    nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : 0;
    nodes[i].value = (int)(next() % 10000);
  }
  return nodes;
}

static struct node *reverse(struct node *list) {
  struct node *done = 0;
  while (list) {
    struct node *rest = list->next;
    list->next = done;
    done = list;
    list = rest;
  }
  return done;
}

static int by_value(const struct node *a, const struct node *b) { return a->value - b->value; }
static int by_parity(const struct node *a, const struct node *b) {
  return ((a->value & 1) - (b->value & 1)) * 20000 + a->value - b->value;
}

typedef int compare(const struct node *, const struct node *);

__attribute__((noinline)) static struct node *merge(struct node *a, struct node *b, compare *order) {
  struct node head, *tail = &head;
  while (a && b) {
    if (order(a, b) <= 0) {
      tail->next = a;
      a = a->next;
    } else {
      tail->next = b;
      b = b->next;
    }
    tail = tail->next;
  }
  tail->next = a ? a : b;
  return head.next;
}

__attribute__((noinline)) static struct node *sort(struct node *list, compare *order) {
  if (!list || !list->next)
    return list;
  struct node *slow = list, *fast = list->next;
  while (fast && fast->next) {
    slow = slow->next;
    fast = fast->next->next;
  }
  struct node *half = slow->next;
  slow->next = 0;
  return merge(sort(list, order), sort(half, order), order);
}

static const struct node *find(const struct node *list, int value) {
  while (list && list->value != value)
    list = list->next;
  return list;
}

__attribute__((export_name("list"))) u32 list(u32 rounds) {
  u32 sum = 0;
  while (rounds--) {
    struct node *l = sort(build(), by_value);
    for (int value = 0; value < 100; value += 10)
      sum += find(l, value) != 0;
    l = sort(reverse(l), by_parity);
    sum += (u32)l->value;
  }
  return sum;
}

// ----- Matrices: add, multiply, multiply bits. -----

#define SIZE 24
static int a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

__attribute__((export_name("matrix"))) u32 matrix(u32 rounds) {
  u32 sum = 0;
  while (rounds--) {
    for (int i = 0; i < SIZE; i++)
      for (int j = 0; j < SIZE; j++) {
        a[i][j] = (int)(next() & 0xff);
        b[i][j] = a[i][j] + i - j;
      }
    for (int i = 0; i < SIZE; i++)
      for (int j = 0; j < SIZE; j++) {
        int t = 0;
        for (int k = 0; k < SIZE; k++)
          t += a[i][k] * b[k][j];
        c[i][j] = t;
      }
    for (int i = 0; i < SIZE; i++)
      for (int j = 0; j < SIZE; j++) {
        int t = 0;
        for (int k = 0; k < SIZE; k++) {
          int p = a[i][k] * b[k][j];
          t += ((p >> 2) & 0xf) * ((p >> 5) & 0x7f);
        }
        sum += (u32)(t + c[i][j]);
      }
  }
  return sum;
}

// ----- A state machine that tells numbers from other words. -----

static const char words[] = "5012,1.5e-3,-874,+122,zoo,T0.3e-1F,35.54400,.1234500,-110.700,+0.64400,5.500e+3,-.123e-2,"
                            "-87e+832,+0.6e-12,1e,0x12,9999,,--3,";

enum state { START, INVALID, SIGN, WHOLE, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, SCIENTIFIC, STATES };

static int digit(char c) { return c >= '0' && c <= '9'; }

__attribute__((noinline)) static enum state classify(const char **at, u32 *transitions) {
  enum state s = START;
  for (char c; (c = *(*at)++) && c != ',';) {
    enum state was = s;
    switch (s) {
    case START: s = digit(c) ? WHOLE : c == '+' || c == '-' ? SIGN : c == '.' ? POINT : INVALID; break;
    case SIGN: s = digit(c) ? WHOLE : c == '.' ? POINT : INVALID; break;
    case WHOLE: s = digit(c) ? WHOLE : c == '.' ? POINT : c == 'e' || c == 'E' ? EXPONENT : INVALID; break;
    case POINT:
    case FRACTION: s = digit(c) ? FRACTION : c == 'e' || c == 'E' ? EXPONENT : INVALID; break;
    case EXPONENT: s = digit(c) ? SCIENTIFIC : c == '+' || c == '-' ? EXPONENT_SIGN : INVALID; break;
    case EXPONENT_SIGN:
    case SCIENTIFIC: s = digit(c) ? SCIENTIFIC : INVALID; break;
    default: break;
    }
    transitions[was] += was != s;
  }
  return s;
}

__attribute__((export_name("state"))) u32 state(u32 rounds) {
  u32 finals[STATES] = {0}, transitions[STATES] = {0}, sum = 0;
  while (rounds--)
    for (const char *at = words; at < words + sizeof words - 1;)
      finals[classify(&at, transitions)]++;
  for (int i = 0; i < STATES; i++)
    sum = sum * 31 + finals[i] + transitions[i];
  return sum;
}

// ----- A checksum, bit by bit. -----

static u16 crc_byte(u8 data, u16 crc) {
  for (int i = 0; i < 8; i++) {
    int x = (data & 1) ^ (crc & 1);
    data >>= 1;
    if (x)
      crc = (u16)(((crc ^ 0x4002) >> 1) | 0x8000);
    else
      crc = (u16)((crc >> 1) & 0x7fff);
  }
  return crc;
}

__attribute__((export_name("crc"))) u32 crc(u32 rounds) {
  u16 sum = 0;
  while (rounds--)
    for (const char *at = words; *at; at++)
      sum = crc_byte((u8)*at, sum);
  return sum;
}
