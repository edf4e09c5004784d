"""The numbers of the benchmarks, the same as in src/data.rs, where the generator is explained."""

import math

import numpy as np


def stream(number, *shape):
    """The first numbers of a stream in [-1, 1), filled row by row."""
    count = math.prod(shape)
    with np.errstate(over="ignore"):
        z = np.arange(count, dtype=np.uint64) + (np.uint64(number) << np.uint64(40))
        z *= np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return ((z >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1).reshape(shape)


def weights(number, before, *shape):
    """Weights of a layer, by the width of the layer before."""
    return stream(number, *shape) / math.sqrt(before)


def digits(number, count):
    """Whole numbers 0 … 9, by cutting [-1, 1) in ten parts."""
    return ((stream(number, count) + 1) * 5).astype(np.int64).clip(0, 9)


def logistic(size):
    """Weights, data, labels."""
    rows, columns = map(int, size.split("x"))
    labels = (stream(2, rows) > 0).astype(np.float64)
    return 0.1 * stream(3, columns), stream(1, rows, columns), labels


def layers(widths, first):
    """A weight matrix and a bias for each pair of neighbouring widths."""
    made = []
    for i, (before, after) in enumerate(zip(widths, widths[1:])):
        made.append(weights(first + 2 * i, before, before, after))
        made.append(0.1 * stream(first + 2 * i + 1, after))
    return made


TRANSFORMER = {"batch": 8, "length": 128, "width": 256, "heads": 8}


def transformer():
    """The twelve parameters, in the order of cases/transformer.rs, and the input."""
    d = TRANSFORMER["width"]
    parameters = [1 + 0.1 * stream(40, d), 0.1 * stream(41, d)]
    parameters += [weights(number, d, d, d) for number in (42, 43, 44, 45)]
    parameters += [1 + 0.1 * stream(46, d), 0.1 * stream(47, d)]
    parameters += [weights(48, d, d, 4 * d), 0.1 * stream(49, 4 * d)]
    parameters += [weights(50, 4 * d, 4 * d, d), 0.1 * stream(51, d)]
    return parameters, stream(52, TRANSFORMER["batch"], TRANSFORMER["length"], d)


def cnn():
    """The eight parameters, in the order of cases/cnn.rs, the pictures and the labels."""
    parameters = [
        weights(60, 9, 32, 1, 3, 3),
        0.1 * stream(61, 32),
        weights(62, 288, 64, 32, 3, 3),
        0.1 * stream(63, 64),
        weights(64, 3136, 3136, 128),
        0.1 * stream(65, 128),
        weights(66, 128, 128, 10),
        0.1 * stream(67, 10),
    ]
    return parameters, stream(68, 64, 1, 28, 28), digits(69, 64)


def reprojection(count):
    """Fifteen parameters and two features for each observation."""
    p = 0.3 * stream(80, count, 15)
    p[:, 6] += 1
    p[:, 13] += 5
    p[:, 14] += 1
    return p, stream(81, count, 2)


def residual(p, q, sqrt, sin, cos):
    """The reprojection error, for systems that have arithmetic and these three functions."""
    r, centre, (f, u0, v0, k1, k2), x, w = p[0:3], p[3:6], p[6:11], p[11:14], p[14]
    x = [a - b for a, b in zip(x, centre)]
    angle = sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2])
    c, s, inverse = cos(angle), sin(angle), 1 / angle
    a = [t * inverse for t in r]
    cross = [
        a[1] * x[2] - a[2] * x[1],
        a[2] * x[0] - a[0] * x[2],
        a[0] * x[1] - a[1] * x[0],
    ]
    along = (a[0] * x[0] + a[1] * x[1] + a[2] * x[2]) * (1 - c)
    y = [x[i] * c + cross[i] * s + a[i] * along for i in range(3)]
    px, py = y[0] / y[2], y[1] / y[2]
    square = px * px + py * py
    scale = (1 + k1 * square + k2 * square * square) * f
    return w * (px * scale + u0 - q[0]), w * (py * scale + v0 - q[1])


def mixture(size):
    """Logits, means, log-diagonals, what is below the diagonals; then the points."""
    n, d, k = (int(part) for part in size.replace("D", "N").replace("K", "N").split("N")[1:])
    below = 0.3 * stream(94, k, d * (d - 1) // 2)
    return (stream(91, k), stream(92, k, d), 0.3 * stream(93, k, d), below), stream(90, n, d)


def recurrent():
    """Two matrices, a bias, a thousand inputs, a start."""
    return (
        weights(110, 16, 16, 16),
        weights(111, 16, 16, 16),
        0.1 * stream(112, 16),
        stream(113, 1000, 16),
        stream(114, 16),
    )


def graph(x, sin, tanh, total):
    """Twenty operations."""
    y = x
    for _ in range(4):
        y = sin(y) * x + 0.5 * y
    y = tanh(y)
    return total(y * y + x)
