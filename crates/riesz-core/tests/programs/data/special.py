"""Writes special.tsv: values of the scalar functions to twice the precision of a double.

    python3 special.py [points per range, 12 unless told] > special.tsv

Needs mpmath. One line: name, x, y (or -), and the value as two doubles, high and low, whose sum it
is; all doubles as 16 hexadecimal digits of their bits. Where a function takes an order (sinc,
polygamma), y is the order.
"""

import math
import random
import struct
import sys

import mpmath
from mpmath import mp, mpf

mp.prec = 500
random.seed(20050)
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 12
INF, NAN = float("inf"), float("nan")
TINY, MIN, MAX = 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308


def bits(x):
    return "%016x" % struct.unpack("<Q", struct.pack("<d", x))[0]


def emit(name, x, y, value):
    if isinstance(value, float) or mpmath.isinf(value):
        value = float(value)
        high, low = value, 0.0
    else:
        high = to_double(value)
        low = 0.0 if math.isinf(high) else float(value - mpf(high))
    print(name, bits(x), "-" if y is None else bits(y), bits(high), bits(low), sep="\t")


def to_double(v):
    """Correctly rounded, subnormals and overflow included."""
    if v == 0:
        return 0.0
    exponent = max(int(mpmath.floor(mpmath.log(abs(v), 2))), -1022)
    unit = mpf(2) ** (exponent - 52)
    n = int(mpmath.nint(v / unit))
    try:
        return math.ldexp(n, exponent - 52)
    except OverflowError:
        return math.copysign(INF, n)


def uniform(lo, hi):
    return [random.uniform(lo, hi) for _ in range(COUNT)]


def scales(lo, hi, signs=(1,)):
    """Magnitudes spread evenly in the exponent."""
    a, b = math.log(lo), math.log(hi)
    out = []
    for _ in range(COUNT):
        x = math.exp(random.uniform(a, b)) if lo > MIN else math.ldexp(random.random(), random.randint(-1074, -1020))
        out.append(random.choice(signs) * max(x, TINY))
    return out


def near(*points):
    """The doubles beside a point, close and less close."""
    out = []
    for p in points:
        x = float(p)
        out += [math.nextafter(x, INF), math.nextafter(x, -INF), x]
        out += [x * (1 + s * 2.0**-k) for k in (50, 40, 30, 20, 12) for s in (1, -1)]
    return out


BOTH = (1, -1)
SMALL = lambda: scales(TINY, MIN, BOTH) + scales(1e-300, 1e-20, BOTH) + scales(1e-20, 1e-3, BOTH)
POSITIVE_SMALL = lambda: [abs(x) for x in SMALL()]


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def softplus(x):
    return mpmath.log1p(mpmath.exp(x))


def sinc(x, n):
    # The n-th derivative of sin(pi x)/(pi x), by its integral's series.
    x, n = mpf(x), int(n)
    if n == 0 and x != 0:
        return mpmath.sinpi(x) / (mpmath.pi * x)
    z = mpmath.pi * x
    with mpmath.workprec(mp.prec + int(8 * abs(z)) + 100 if abs(z) < 400 else mp.prec):
        if abs(z) < 400:
            total, k = mpf(0), (n + 1) // 2
            while True:
                e = 2 * k - n
                term = (-1) ** k * z**e / (mpmath.factorial(e) * (2 * k + 1))
                total += term
                if k > abs(z) + n and abs(term) < abs(total) * mpf(2) ** -mp.prec:
                    break
                k += 1
                if term == 0 and k > n + 2:
                    break
            return total * mpmath.pi**n
        g = mpmath.sinpi(x) / z
        for k in range(1, n + 1):
            s = [mpmath.sinpi, mpmath.cospi, lambda t: -mpmath.sinpi(t), lambda t: -mpmath.cospi(t)][k % 4](x)
            g = (s - k * g) / z
        return g * mpmath.pi**n


ROWS = {
    "square": (lambda x: x * x, lambda: uniform(-3, 3) + scales(1e-160, 1e160, BOTH)),
    "recip": (lambda x: 1 / x, lambda: uniform(-3, 3) + scales(1e-305, 1e305, BOTH)),
    "sqrt": (mpmath.sqrt, lambda: uniform(0, 9) + POSITIVE_SMALL() + scales(1, 1e308)),
    "rsqrt": (lambda x: 1 / mpmath.sqrt(x), lambda: uniform(0, 9) + POSITIVE_SMALL() + scales(1, 1e308)),
    "cbrt": (lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), lambda: uniform(-9, 9) + SMALL() + scales(1, 1e308, BOTH)),
    "exp": (mpmath.exp, lambda: uniform(-3, 3) + SMALL() + uniform(-745, 709)),
    "exp2": (lambda x: mpf(2) ** x, lambda: uniform(-3, 3) + SMALL() + uniform(-1074, 1024)),
    "expm1": (mpmath.expm1, lambda: uniform(-3, 3) + SMALL() + uniform(-100, 709)),
    "log": (mpmath.log, lambda: uniform(0, 3) + POSITIVE_SMALL() + scales(1, 1e308) + near(1)),
    "log2": (lambda x: mpmath.log(x) / mpmath.log(2), lambda: uniform(0, 3) + POSITIVE_SMALL() + scales(1, 1e308) + near(1)),
    "log10": (mpmath.log10, lambda: uniform(0, 3) + POSITIVE_SMALL() + scales(1, 1e308) + near(1)),
    "log1p": (mpmath.log1p, lambda: uniform(-1, 3) + SMALL() + scales(1, 1e308) ),
    "sin": (mpmath.sin, lambda: uniform(-10, 10) + SMALL() + scales(10, 1e308, BOTH) + near(math.pi, 2 * math.pi)),
    "cos": (mpmath.cos, lambda: uniform(-10, 10) + SMALL() + scales(10, 1e308, BOTH) + near(math.pi / 2)),
    "tan": (mpmath.tan, lambda: uniform(-10, 10) + SMALL() + scales(10, 1e308, BOTH) + near(math.pi, math.pi / 2)),
    "asin": (mpmath.asin, lambda: uniform(-1, 1) + SMALL() + [x for x in near(1, -1) if abs(x) <= 1]),
    "acos": (mpmath.acos, lambda: uniform(-1, 1) + SMALL() + [x for x in near(1, -1) if abs(x) <= 1]),
    "atan": (mpmath.atan, lambda: uniform(-5, 5) + SMALL() + scales(1, 1e308, BOTH)),
    "sinh": (mpmath.sinh, lambda: uniform(-3, 3) + SMALL() + uniform(-710, 710)),
    "cosh": (mpmath.cosh, lambda: uniform(-3, 3) + SMALL() + uniform(-710, 710)),
    "tanh": (mpmath.tanh, lambda: uniform(-3, 3) + SMALL() + uniform(-30, 30)),
    "asinh": (lambda x: mpmath.sign(x) * mpmath.log1p(abs(x) + x * x / (1 + mpmath.sqrt(1 + x * x))), lambda: uniform(-3, 3) + SMALL() + scales(1, 1e308, BOTH)),
    "acosh": (mpmath.acosh, lambda: uniform(1, 4) + scales(1, 1e308) + [x for x in near(1) if x >= 1]),
    "atanh": (lambda x: mpmath.log1p(2 * x / (1 - x)) / 2, lambda: uniform(-1, 1) + SMALL() + [x for x in near(1, -1) if abs(x) < 1]),
    "sigmoid": (sigmoid, lambda: uniform(-3, 3) + SMALL() + uniform(-745, 60)),
    "softplus": (softplus, lambda: uniform(-3, 3) + SMALL() + uniform(-745, 60) + scales(60, 1e308)),
    "erf": (mpmath.erf, lambda: uniform(-3, 3) + SMALL() + uniform(-6, 6)),
    "erfc": (mpmath.erfc, lambda: uniform(-3, 3) + SMALL() + uniform(-6, 26.5)),
    "erfinv": (lambda x: erfinv(x), lambda: uniform(-1, 1) + SMALL() + [x for x in near(1, -1, 0.5, 0.85) if abs(x) < 1]),
    "lgamma": (lambda x: lgamma(x), lambda: uniform(0, 5) + SMALL() + scales(1, 1e305) + uniform(-20, 0) + uniform(-200, 0)
        + near(1, 2, -2.4570247382208006, -2.7476826467274127, -3.1435808883499798, -3.955294284858598, -4.039361839740537, -5.008218168180143, 2.5e305)
        + [-1e4 - 0.3, -123456.789, -1e9 - 0.25]),
    "digamma": (lambda x: digamma(x), lambda: uniform(0, 5) + SMALL() + scales(1, 1e305) + uniform(-20, 0) + uniform(-200, 0)
        + near(1, 2, 1.4616321449683622, -0.5040830082644554, -1.5734984731623905, -2.610720868444144, -3.635293366436901)
        + [-1e4 - 0.3, -123456.789, -1e9 - 0.25]),
}

PAIRS = {
    "pow": (lambda x, y: mpf(x) ** mpf(y), lambda: list(zip(uniform(0, 3), uniform(-9, 9)))
        + list(zip(scales(1e-300, 1e300), uniform(-1, 1))) + list(zip(uniform(0.999, 1.001), scales(1, 1e5, BOTH)))
        + [(-x, float(round(y))) for x, y in zip(uniform(0, 3), uniform(-30, 30))]),
    "atan2": (lambda x, y: mpmath.atan2(x, y), lambda: list(zip(uniform(-3, 3), uniform(-3, 3)))
        + list(zip(scales(1e-300, 1e300, BOTH), scales(1e-300, 1e300, BOTH))) + list(zip(scales(TINY, MIN, BOTH), scales(TINY, MIN, BOTH)))),
    "hypot": (lambda x, y: mpmath.sqrt(mpf(x) ** 2 + mpf(y) ** 2), lambda: list(zip(uniform(-3, 3), uniform(-3, 3)))
        + list(zip(scales(1e-300, 1e300, BOTH), scales(1e-300, 1e300, BOTH))) + list(zip(scales(TINY, MIN, BOTH), scales(TINY, MIN, BOTH)))
        + [(1e308, 1e308), (1.5e308, 1e307)]),
    "logaddexp": (lambda x, y: mpmath.log(mpmath.exp(x) + mpmath.exp(y)), lambda: list(zip(uniform(-3, 3), uniform(-3, 3)))
        + list(zip(uniform(-700, 700), uniform(-700, 700))) + [(x, x + d) for x, d in zip(uniform(-700, 700), uniform(-3, 3))]
        + [(x, float(mpmath.log1p(-mpmath.exp(x)))) for x in uniform(-3, -0.001)] + [(-math.log(2), -math.log(2))]),
    "xlogy": (lambda x, y: mpf(x) * mpmath.log(y), lambda: list(zip(uniform(-3, 3), uniform(0, 3)))
        + list(zip(scales(1e-150, 1e150, BOTH), scales(1e-300, 1e300))) + [(0.0, x) for x in uniform(0, 3)[:3]]),
    "sinc": (sinc, lambda: [(x, float(n)) for n in (0, 1, 2, 3, 6) for x in uniform(-3, 3) + [0.0, 0.5, 1.0, 2.0, 1e-300, 1e-8, -1e-3]
        + uniform(-40, 40)[:8] + [1000.25, 123456.7]]),
    "polygamma": (lambda x, n: polygamma(int(n), x), lambda: [(x, float(n)) for n in (1, 2, 3, 5, 10)
        for x in uniform(0, 5) + scales(1e-20, 1e-3) + scales(1, 1e6) + uniform(-20, 0)]),
}


def erfinv(x):
    # Newton from a double, to the working precision; 1 - |x| is exact here.
    x = mpf(x)
    if abs(x) < mpf("1e-30"):
        return x * mpmath.sqrt(mpmath.pi) / 2
    return mpmath.erfinv(x)


def lgamma(x):
    x = mpf(x)
    if abs(x) < mpf("1e-40"):
        return -mpmath.log(abs(x)) - mpmath.euler * x
    if x > 0:
        return mpmath.loggamma(x)
    return mpmath.log(mpmath.pi / abs(mpmath.sinpi(x))) - mpmath.loggamma(1 - x)


def digamma(x):
    x = mpf(x)
    if abs(x) < mpf("1e-40"):
        return -1 / x - mpmath.euler
    if x > 0:
        return mpmath.digamma(x)
    return mpmath.digamma(1 - x) - mpmath.pi * mpmath.cospi(x) / mpmath.sinpi(x)


def polygamma(n, x):
    x = mpf(x)
    sign = (-1) ** (n + 1)
    if x > 0:
        return sign * mpmath.factorial(n) * mpmath.zeta(n + 1, x)
    # Upwards by the recurrence, to an argument in (1, 2).
    steps = int(-mpmath.floor(x)) + 1
    terms = mpmath.fsum(1 / (x + i) ** (n + 1) for i in range(steps))
    return sign * mpmath.factorial(n) * (terms + mpmath.zeta(n + 1, x + steps))


def main():
    for name, (f, points) in ROWS.items():
        for x in points():
            try:
                emit(name, x, None, f(mpf(x)))
            except ZeroDivisionError:
                continue
    for name, (f, points) in PAIRS.items():
        for x, y in points():
            emit(name, x, y, f(mpf(x), mpf(y)))


if __name__ == "__main__":
    main()
