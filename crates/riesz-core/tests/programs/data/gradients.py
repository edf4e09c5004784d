"""Writes gradients.tsv: derivatives of the scalar functions to twice the precision of a double.

    python3 gradients.py [points per range, 12 unless told] > gradients.tsv

Needs mpmath. The points are those of special.py. One line: name, the number of the argument (0 or 1),
x, y (or -), and the derivative as two doubles, high and low, whose sum it is; all doubles as 16
hexadecimal digits of their bits.
"""

import mpmath
from mpmath import mpf, sqrt

import special
from special import PAIRS, ROWS, bits, digamma, erfinv, polygamma, sigmoid, sinc, to_double

pi = lambda: +mpmath.pi
gauss = lambda x: 2 / sqrt(pi()) * mpmath.exp(-x * x)

SLOPES = {
    "square": lambda x: 2 * x,
    "recip": lambda x: -1 / x**2,
    "sqrt": lambda x: 1 / (2 * sqrt(x)),
    "rsqrt": lambda x: -1 / (2 * x * sqrt(x)),
    "cbrt": lambda x: 1 / (3 * mpmath.cbrt(abs(x)) ** 2),
    "exp": mpmath.exp,
    "exp2": lambda x: mpmath.log(2) * mpf(2) ** x,
    "expm1": mpmath.exp,
    "log": lambda x: 1 / x,
    "log2": lambda x: 1 / (x * mpmath.log(2)),
    "log10": lambda x: 1 / (x * mpmath.log(10)),
    "log1p": lambda x: 1 / (1 + x),
    "sin": mpmath.cos,
    "cos": lambda x: -mpmath.sin(x),
    "tan": lambda x: 1 + mpmath.tan(x) ** 2,
    "asin": lambda x: 1 / sqrt(1 - x * x),
    "acos": lambda x: -1 / sqrt(1 - x * x),
    "atan": lambda x: 1 / (1 + x * x),
    "sinh": mpmath.cosh,
    "cosh": mpmath.sinh,
    "tanh": lambda x: mpmath.sech(x) ** 2,
    "asinh": lambda x: 1 / sqrt(1 + x * x),
    "acosh": lambda x: 1 / sqrt((x - 1) * (x + 1)),
    "atanh": lambda x: 1 / ((1 - x) * (1 + x)),
    "sigmoid": lambda x: sigmoid(x) * sigmoid(-x),
    "softplus": sigmoid,
    "erf": gauss,
    "erfc": lambda x: -gauss(x),
    "erfinv": lambda x: sqrt(pi()) / 2 * mpmath.exp(erfinv(x) ** 2),
    "lgamma": digamma,
    "digamma": lambda x: polygamma(1, x),
}

PARTIALS = {
    "pow": (lambda x, y: y * x ** (y - 1), lambda x, y: x**y * mpmath.log(x)),
    "atan2": (lambda x, y: y / (x * x + y * y), lambda x, y: -x / (x * x + y * y)),
    "hypot": (lambda x, y: x / sqrt(x * x + y * y), lambda x, y: y / sqrt(x * x + y * y)),
    "logaddexp": (lambda x, y: sigmoid(x - y), lambda x, y: sigmoid(y - x)),
    "xlogy": (lambda x, y: mpmath.log(y), lambda x, y: x / y),
    "sinc": (lambda x, n: sinc(x, n + 1), None),
    "polygamma": (lambda x, n: polygamma(int(n) + 1, x), None),
}


def emit(name, which, x, y, value):
    high = to_double(value)
    low = 0.0 if high in (special.INF, -special.INF) else float(value - mpf(high))
    print(name, which, bits(x), "-" if y is None else bits(y), bits(high), bits(low), sep="\t")


def main():
    for name, slope in SLOPES.items():
        for x in ROWS[name][1]():
            # Where mpmath reflects, it needs as many digits as x has.
            if name == "digamma" and x < -1e6:
                continue
            try:
                emit(name, 0, x, None, slope(mpf(x)))
            except ZeroDivisionError:
                continue
    for name, partials in PARTIALS.items():
        for x, y in PAIRS[name][1]():
            for which, partial in enumerate(partials):
                # A power of a negative number has no derivative by its exponent.
                if partial is None or (name == "pow" and which == 1 and x < 0):
                    continue
                try:
                    emit(name, which, x, y, partial(mpf(x), mpf(y)))
                except ZeroDivisionError:
                    continue


if __name__ == "__main__":
    main()
