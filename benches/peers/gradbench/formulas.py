"""What is the same text for every system: arithmetic on numbers or arrays, functions from `m`."""


def residual(camera, point, weight, feature, m):
    """The two weighted distances of a point's image from the feature (eval ba). By Rodrigues' formula,
    to first order at no rotation."""
    r, centre, (focal, u0, v0, k1, k2) = camera[:3], camera[3:6], camera[6:]
    x = [a - b for a, b in zip(point, centre)]

    def dot(a, b):
        return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]

    def cross(a, b):
        return [a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2] for i in range(3)]

    square = dot(r, r)
    turns = square != 0
    angle = m.sqrt(m.where(turns, square, 1.0))
    sin, cos = m.sin(angle), m.cos(angle)
    a = [t / angle for t in r]
    along, about, first = dot(a, x) * (1 - cos), cross(a, x), cross(r, x)
    turned = [x[i] * cos + about[i] * sin + a[i] * along for i in range(3)]
    y = [m.where(turns, turned[i], x[i] + first[i]) for i in range(3)]
    px, py = y[0] / y[2], y[1] / y[2]
    square = px * px + py * py
    scale = (1 + k1 * square + k2 * square * square) * focal
    return weight * (px * scale + u0 - feature[0]), weight * (py * scale + v0 - feature[1])


def minors(rows, columns):
    """A determinant by expansion by minors, element by element (eval det)."""
    if len(columns) == 1:
        return rows[0][columns[0]]
    rest = [minors(rows[1:], columns[:j] + columns[j + 1 :]) for j in range(len(columns))]
    return sum((-1) ** j * rows[0][column] * rest[j] for j, column in enumerate(columns))
