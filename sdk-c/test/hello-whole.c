// The hello of examples/c, called with requests that have come whole.

#include "sluice.h"

#undef SLUICE_HANDLE
#define SLUICE_HANDLE SLUICE_HANDLE_WHOLE

#include "../../examples/c/hello/handler.c"
