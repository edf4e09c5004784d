/* What the machine can do for the cases that no library has: kernels written by hand, with their
   derivatives, for gcc to vectorise with its library of vector functions (libmvec); peers/floor_cases.py has the
   options.

   Each kernel writes a gradient and gives an objective; the peers' worker holds both against the other
   systems. Their last digits differ, since the order of sums is the compiler's. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REAL double
#define F(function) function
#define NAME(name) name##_float64
#include "kernels.h"
#include "mixture.h"
#undef REAL
#undef F
#undef NAME

#define REAL float
#define F(function) function##f
#define NAME(name) name##_float32
#include "kernels.h"
#include "mixture.h"

/* Calls a kernel many times from here, so that a call costs what it costs in C. */
#include <time.h>

typedef double (*Kernel)(void *, void *, void *, void *, void *, void *);

double seconds(long calls, Kernel kernel, void *a, void *b, void *c, void *d, void *e, void *f) {
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (long i = 0; i < calls; i++) kernel(a, b, c, d, e, f);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    return ended.tv_sec - began.tv_sec + 1e-9 * (ended.tv_nsec - began.tv_nsec);
}
