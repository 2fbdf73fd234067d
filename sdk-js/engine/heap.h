/* Memory for QuickJS: malloc of the C library, which takes it of the host's memory.grow.
 *
 * Where the host gives no more, an allocation fails and the author's code sees an InternalError that it can catch. To make that
 * error takes memory too, so a reserve is let go first. */

#include <malloc.h>
#include <stdlib.h>

enum {
  RESERVE_SIZE = 32 << 10,
  /* How much may be allocated, beyond what lives, before cycles of garbage are looked for, in bytes. A request that is served
   * by a clean instance never comes that far. What an instance of many requests looks through has to fit into the CPU time of
   * one. */
  GARBAGE_ROOM = 512 << 10,
};

static void *reserve;

/* When cycles are looked for next: unless garbage was collected since, what the library's limit is. */
static size_t garbage_limit;

/* Takes the reserve again once memory is free, and has garbage wait until there is enough of it: the library would look for
 * more when half as much again has come as there was. */
static void heap_settle(void) {
  if (reserve == NULL) reserve = malloc(RESERVE_SIZE);
  if (runtime->malloc_gc_threshold == garbage_limit) return;
  garbage_limit = runtime->malloc_state.malloc_size + GARBAGE_ROOM;
  JS_SetGCThreshold(runtime, garbage_limit);
}

static void *heap_given(void *block) {
  if (block == NULL) {
    free(reserve);
    reserve = NULL;
  }
  return block;
}

static void *heap_calloc(void *opaque, size_t count, size_t size) {
  (void)opaque;
  return heap_given(calloc(count, size));
}

static void *heap_malloc(void *opaque, size_t size) {
  (void)opaque;
  return heap_given(malloc(size));
}

/* While the handler is built, what is freed is cleared: zeros cost next to nothing in the image of every request. */
static void heap_free(void *opaque, void *block) {
  (void)opaque;
  if (block != NULL && !built) memset(block, 0, malloc_usable_size(block));
  free(block);
}

static void *heap_realloc(void *opaque, void *block, size_t size) {
  if (built || block == NULL) return heap_given(realloc(block, size));
  void *moved = heap_malloc(opaque, size);
  if (moved == NULL) return NULL;
  const size_t had = malloc_usable_size(block);
  memcpy(moved, block, had < size ? had : size);
  heap_free(opaque, block);
  return moved;
}

static size_t heap_usable_size(const void *block) { return malloc_usable_size((void *)block); }

static const JSMallocFunctions heap_functions = {
    .js_calloc = heap_calloc,
    .js_malloc = heap_malloc,
    .js_free = heap_free,
    .js_realloc = heap_realloc,
    .js_malloc_usable_size = heap_usable_size,
};
