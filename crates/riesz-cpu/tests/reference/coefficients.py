"""The polynomial coefficients in src/simd/math/coefficients.rs.

Each is the interpolant at the Chebyshev nodes of the interval (within a small factor of the
minimax polynomial), solved in 80 digits with mpmath and rounded to f64. Run:

    python3 coefficients.py > ../../src/simd/math/coefficients.rs

The error printed beside each table is the largest error of the *function built from it* relative
to that function, in units of 2^-53, before any rounding of arithmetic (f32: of 2^-24).
"""
from mpmath import mp, mpf, cos, pi, matrix, lu_solve, exp, log, atan, asin, sin, erf, erfc, sqrt, atanh, polyval, expm1

mp.dps = 80


def fit(g, a, b, degree):
    n = degree + 1
    a, b = mpf(a), mpf(b)
    nodes = [(a + b) / 2 + (b - a) / 2 * cos(pi * (2 * k + 1) / (2 * n)) for k in range(n)]
    m = matrix(n, n)
    rhs = matrix(n, 1)
    for i, t in enumerate(nodes):
        for j in range(n):
            m[i, j] = t**j
        rhs[i] = g(t)
    c = lu_solve(m, rhs)
    return [c[j] for j in range(n)]


def worst(coefficients, g, weight, a, b):
    c = [mpf(float(v)) for v in coefficients][::-1]
    out = mpf(0)
    for k in range(401):
        t = mpf(a) + (mpf(b) - mpf(a)) * (mpf(k) + mpf("0.123")) / 401
        out = max(out, abs((polyval(c, t) - g(t)) * weight(t)))
    return out


TABLES = []


def table(name, doc, g, weight, a, b, degree, single=None):
    c = fit(g, a, b, degree)
    e = worst(c, g, weight, a, b)
    TABLES.append((name, doc, "f64", c, float(e * 2**53)))
    if single is not None:
        c = fit(g, a, b, single)
        e = worst(c, g, weight, a, b)
        TABLES.append((name + "_F32", doc, "f32", c, float(e * 2**24)))



def second(r):
    """(e^r - 1 - r) / r^2, also at the node r = 0."""
    return mpf(1) / 2 + r / 6 if abs(r) < mpf(10) ** -30 else (expm1(r) - r) / r**2


LN2 = log(mpf(2))
half_ln2 = log(mpf(2)) / 2 * mpf("1.001")
table("EXP", "(e^r - 1 - r) / r^2 for |r| <= ln(2)/2",
      second, lambda r: r, -half_ln2, half_ln2, 10, 4)
table("EXP2", "(2^r - 1 - r ln 2) / r^2 for |r| <= 1/2",
      lambda r: second(r * LN2) * LN2**2, lambda r: r**2, "-0.5", "0.5", 10, 4)
z = mpf(3) - 2 * sqrt(mpf(2))  # s at the ends of [sqrt(1/2), sqrt(2)]
zz = z * z
table("LOG", "(2 atanh(s)/s - 2) / z, z = s^2, s = (m-1)/(m+1), m in [sqrt 1/2, sqrt 2]",
      lambda t: (2 * atanh(sqrt(t)) / sqrt(t) - 2) / t, lambda t: t / 2, "1e-30", zz, 6, 3)
table("POW_LOG", "(2 atanh(s)/s - 2 - 2z/3) / z^2, as above",
      lambda t: (2 * atanh(sqrt(t)) / sqrt(t) - 2 - 2 * t / 3) / t**2, lambda t: t**2 / 2, "1e-25", zz, 8, 3)
q = (pi / 4 * mpf("1.001"))**2
table("SIN", "(sin r / r - 1) / z, z = r^2, |r| <= pi/4",
      lambda t: (sin(sqrt(t)) / sqrt(t) - 1) / t, lambda t: t, "1e-30", q, 6, 3)
table("COS", "(cos r - 1 + z/2) / z^2, z = r^2, |r| <= pi/4",
      lambda t: (cos(sqrt(t)) - 1 + t / 2) / t**2, lambda t: t**2, "1e-25", q, 5, 3)
t8 = (sqrt(mpf(2)) - 1)**2 * mpf("1.001")
table("ATAN", "(atan t / t - 1) / z, z = t^2, |t| <= tan(pi/8)",
      lambda t: (atan(sqrt(t)) / sqrt(t) - 1) / t, lambda t: t, "1e-30", t8, 11, 4)
table("ASIN", "(asin x / x - 1) / z, z = x^2, |x| <= 1/2",
      lambda t: (asin(sqrt(t)) / sqrt(t) - 1) / t, lambda t: t, "1e-30", "0.25", 12, 5)
table("ERF", "(erf x / x - 2/sqrt(pi)) / z, z = x^2, |x| <= 3/4",
      lambda t: (erf(sqrt(t)) / sqrt(t) - 2 / sqrt(pi)) / t, lambda t: t, "1e-30", mpf("0.5625"), 9, 4)
K = mpf(2)


def erfcx(u):
    x = K * (1 + u) / (1 - u)
    return exp(x * x) * erfc(x)


def weight_erfc(u):
    x = K * (1 + u) / (1 - u)
    return exp(-x * x) / erf(x)


table("ERFC", "e^(x^2) erfc x as a polynomial in (x-2)/(x+2), 3/4 <= x <= 6",
      erfcx, weight_erfc, (mpf("0.75") - K) / (mpf("0.75") + K), (6 - K) / (6 + K), 16, 8)

print("//! Made by `tests/reference/coefficients.py`; do not edit by hand.")
print("//!")
print("//! Coefficients by rising power. The figure is the error of the function built from the table,")
print("//! in units of 2^-53 (f64) or 2^-24 (f32) of that function.")
print("#![allow(clippy::excessive_precision, clippy::approx_constant, clippy::unreadable_literal)]")
for name, doc, kind, c, e in TABLES:
    print()
    print(f"/// {doc}; {e:.3f}.")
    print(f"pub const {name}: [{kind}; {len(c)}] = [")
    for v in c:
        print(f"    {float(v)!r},")
    print("];")
