"""Reference values for tests/accuracy.rs, computed in 60 digits with mpmath.

    python3 make.py 120 > functions.txt        # the checked-in table
    python3 make.py 20000 > /tmp/dense.txt     # RIESZ_REFERENCE=/tmp/dense.txt cargo test …

Each line: name, arguments and the nearest f64 to the result as hexadecimal bits, and how far the
exact result lies above that f64, in units of its last place. `count` random points per interval,
with a fixed seed.
"""
import math
import random
import struct
import sys

import mpmath
from mpmath import mp, mpf

mp.prec = 200
count = int(sys.argv[1])


def bits(x):
    return struct.unpack("<Q", struct.pack("<d", x))[0]


def from_bits(b):
    return struct.unpack("<d", struct.pack("<Q", b))[0]


def nearest(v):
    """The f64 nearest to v, with gradual underflow, and the rest in its ulps."""
    if v == 0:
        return 0.0, 0.0
    e = max(int(mpmath.floor(mpmath.log(abs(v), 2))), -1022)
    # log may be off by one at a power of two
    if abs(v) < mpf(2) ** e and e > -1022:
        e -= 1
    if abs(v) >= mpf(2) ** (e + 1):
        e += 1
    ulp = mpf(2) ** (e - 52)
    q = mpmath.nint(v / ulp)
    if abs(q * ulp) >= mpf(2) ** 1024:
        return math.copysign(math.inf, v), 0.0
    return math.ldexp(int(q), e - 52), float(v / ulp - q)


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def softplus(x):
    return mpmath.log1p(mpmath.exp(x)) if x < 100 else x + mpmath.exp(-x)


TINY = (5e-324, 1e-300)
SMALL = (1e-300, 1e-10)
# name: function, then intervals; sampled uniformly in x, or in log x when the ends have one sign
# and differ by a factor of more than 1000. Negative intervals are mirrored positive ones.
FUNCTIONS = {
    "exp": (mpmath.exp, [(-745.2, -700), (-700, 709.7), (-1, 1), (-1e-3, 1e-3)]),
    "exp2": (lambda x: mpf(2) ** x, [(-1075, -1020), (-1020, 1023.9), (-1, 1)]),
    "expm1": (mpmath.expm1, [(-50, 709.7), (-2, 2), (-0.4, 0.4), (1e-20, 1e-3), (-1e-3, -1e-20)]),
    "log": (mpmath.log, [TINY, (1e-300, 1e300), (0.5, 2), (0.99, 1.01)]),
    "log2": (lambda x: mpmath.log(x, 2), [TINY, (1e-300, 1e300), (0.5, 2), (0.99, 1.01)]),
    "log10": (mpmath.log10, [TINY, (1e-300, 1e300), (0.5, 2), (0.99, 1.01)]),
    "log1p": (mpmath.log1p, [(-1 + 1e-16, -0.9), (-0.9, 3), (-0.3, 0.5), (1e-20, 1e300), (-1e-3, -1e-20)]),
    "sin": (mpmath.sin, [(-4, 4), (-100, 100), (-1.6e6, 1.6e6), (1e-20, 1), (1e6, 1e300)]),
    "cos": (mpmath.cos, [(-4, 4), (-100, 100), (-1.6e6, 1.6e6), (1e-20, 1), (1e6, 1e300)]),
    "tan": (mpmath.tan, [(-4, 4), (-100, 100), (-1.6e6, 1.6e6), (1e-20, 1), (1e6, 1e300)]),
    "asin": (mpmath.asin, [(-1, 1), (0.49, 0.51), (0.99, 1), (1e-20, 1)]),
    "acos": (mpmath.acos, [(-1, 1), (0.49, 0.51), (-0.51, -0.49), (0.99, 1), (-1, -0.99), (1e-20, 1)]),
    "atan": (mpmath.atan, [(-3, 3), (0.4, 0.43), (2.4, 2.43), (1e-20, 1e20)]),
    "sinh": (mpmath.sinh, [(-3, 3), (18, 22), (700, 710.4), (-710.4, 710.4), (1e-20, 1)]),
    "cosh": (mpmath.cosh, [(-3, 3), (18, 22), (700, 710.4), (-710.4, 710.4), (1e-20, 1)]),
    "tanh": (mpmath.tanh, [(-3, 3), (-1, 1), (15, 25), (1e-20, 1)]),
    "sigmoid": (sigmoid, [(-745, 40), (-3, 3), (-40, 40), (-745.1, -700)]),
    "softplus": (softplus, [(-745.1, 40), (-3, 3), (-40, 40), (-745.1, -700)]),
    "erf": (mpmath.erf, [(-6, 6), (-1, 1), (0.7, 0.8), (1e-20, 1), (1e-300, 1e-10)]),
    "sqrt": (mpmath.sqrt, [TINY, (1e-300, 1e300)]),
    "recip": (lambda x: 1 / x, [(1e-300, 1e300)]),
}

BINARY = {
    "pow": (
        mpmath.power,
        [((1e-300, 1e300), (-1, 1)), ((0.5, 2), (-700, 700)), ((0.99, 1.01), (-50000, 50000)),
         ((1e-5, 1e5), (-20, 20)), (TINY, (0.1, 1)), ((2, 100), (-200, -150))],
    ),
    "atan2": (
        mpmath.atan2,
        [((-3, 3), (-3, 3)), ((1e-300, 1e300), (-5, 5)), ((1e-300, 1e300), (1e-300, 1e300)), ((1e-3, 1e3), (-1e3, -1e-3))],
    ),
    "hypot": (mpmath.hypot, [((-3, 3), (-3, 3)), ((1e-300, 1e300), (1e-300, 1e300)), (TINY, TINY), ((1e300, 1e308), (1e300, 1e308))]),
}

random.seed(20261104)


def sample(interval):
    a, b = interval
    if a * b > 0 and max(abs(a), abs(b)) / min(abs(a), abs(b)) > 1000:
        s = math.copysign(1, a)
        la, lb = sorted((math.log2(abs(a)), math.log2(abs(b))))
        return s * 2.0 ** random.uniform(la, lb)
    return random.uniform(a, b)


def special_neighbours(name):
    """Multiples of π/2, where the reduction of sin, cos and tan cancels."""
    if name in ("sin", "cos", "tan"):
        for k in [1, 2, 3, 4, 7, 100, 999, 51471, 573204, 710010, 1000000]:
            x = float(mpmath.pi / 2 * k)
            for d in (-1, 0, 1):
                yield from_bits(bits(x) + d)
        # The f64 closest to a multiple of π/2 (Muller, "Elementary Functions", §11).
        yield 6381956970095103.0 * 2.0**797
    if name in ("exp", "expm1", "sinh", "cosh"):
        for k in range(-3, 4):
            yield float(mpmath.log(2) * (k + mpf(1) / 2))
        for x in (709.782712893384, 709.7827128933841, 710.4758600739439, -708.3964185322641):
            if name in ("sinh", "cosh") or x < 710:
                yield x


for name, (f, intervals) in FUNCTIONS.items():
    points = list(special_neighbours(name))
    for interval in intervals:
        points += [sample(interval) for _ in range(count)]
    for x in points:
        y, rest = nearest(f(mpf(x)))
        print(f"{name} {bits(x):x} {bits(y):x} {rest:.3f}")
for name, (f, boxes) in BINARY.items():
    for bx, by in boxes:
        for _ in range(count):
            x, y = sample(bx), sample(by)
            r, rest = nearest(f(mpf(x), mpf(y)))
            print(f"{name} {bits(x):x} {bits(y):x} {bits(r):x} {rest:.3f}")
