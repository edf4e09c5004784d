"""GradBench's derivatives in PyTorch, eager, and compiled where that pays.

A function for each eval takes its input (inputs.py) and gives the ways of writing it that may be the
fastest: name → (call, reader of the result).
"""

import numpy as np
import torch
from torch.func import grad, jacfwd, jacrev, jvp, vmap

from gradbench import formulas, inputs


def tensors(*arrays):
    """Arrays as tensors that own their memory."""
    return [torch.tensor(np.asarray(array)) for array in arrays]


def both(function, *args, read=lambda result: result.detach()):
    """A function of tensors as it stands, and compiled."""
    torch._dynamo.reset()
    compiled = torch.compile(function, dynamic=False)
    return {"eager": (lambda: function(*args), read), "compiled": (lambda: compiled(*args), read)}


def gradients(function, *unknowns, read=lambda slopes: slopes[0]):
    """The gradient of a function of tensors, forward as it stands and compiled."""
    unknowns = [x.requires_grad_(True) for x in unknowns]
    torch._dynamo.reset()
    compiled = torch.compile(function, dynamic=False)

    def gradient(f):
        return lambda: torch.autograd.grad(f(*unknowns), unknowns)

    return {"eager": (gradient(function), read), "compiled": (gradient(compiled), read)}


def gmm(given):
    """The gradient of the log posterior of a mixture."""
    count, d = given.x.shape
    rows, columns, x = tensors(*given.places, given.x)
    names = list(given.unknowns)

    def log_posterior(alpha, mu, q, l):
        factors = torch.diag_embed(torch.exp(q))
        k = torch.arange(len(alpha))[:, None]
        factors = factors.index_put((k, rows, columns), l)
        z = x @ factors.mT - (mu[:, None] @ factors.mT)
        log_det = q.sum(1)
        beta = (alpha + log_det)[:, None] - 0.5 * z.square().sum(-1)
        fit = torch.logsumexp(beta, 0).sum() - count * torch.logsumexp(alpha, 0)
        squares = torch.exp(q).square().sum() + l.square().sum()
        return fit - 0.5 * given.gamma**2 * squares + given.m * log_det.sum() + given.constant

    unknowns = tensors(*given.unknowns.values())
    return gradients(log_posterior, *unknowns, read=lambda slopes: dict(zip(names, slopes)))


def ba(given):
    """The sparse Jacobian in compressed rows."""
    n, m, p = len(given.cameras), len(given.points), len(given.weights)
    cameras, points, weights, features = tensors(given.cameras, given.points, given.weights, given.features)
    of_camera, of_point = tensors(given.of_camera, given.of_point)

    def matrix(values):
        """The pattern is built anew each time, as GradBench asks for the full matrix."""
        last = 11 * n + 3 * m + torch.arange(p)
        columns = torch.empty(p, 2, 15, dtype=torch.int64)
        columns[:, :, :11] = (11 * of_camera[:, None] + torch.arange(11))[:, None]
        columns[:, :, 11:14] = (11 * n + 3 * of_point[:, None] + torch.arange(3))[:, None]
        columns[:, :, 14] = last[:, None]
        rows = torch.cat([15 * torch.arange(2 * p + 1), 30 * p + 1 + torch.arange(p)])
        weight_slopes = vmap(grad(lambda w: 1 - w * w))(weights)
        return rows, torch.cat([columns.view(-1), last]), torch.cat([values.reshape(-1), weight_slopes])

    features = features.T.contiguous()

    def gathered():
        return [*cameras[of_camera].T.contiguous(), *points[of_point].T.contiguous(), weights]

    def residual(unknowns):
        return formulas.residual(unknowns[:11], unknowns[11:14], unknowns[14], features, torch)

    def eager():
        """Every unknown as a vector, and one pass back for each of the two rows."""
        unknowns = [u.detach().requires_grad_(True) for u in gathered()]
        errors, one = residual(unknowns), torch.ones_like(weights)
        rows = (torch.autograd.grad(e, unknowns, one, True, materialize_grads=True) for e in errors)
        return torch.stack([u for row in rows for u in row], 1)

    # The sums of all errors have the same two rows for each observation.
    slopes = jacrev(lambda u: torch.stack([error.sum() for error in residual(u)]))

    def compiled():
        return slopes(torch.stack(gathered())).permute(2, 0, 1)

    torch._dynamo.reset()
    read = lambda result: inputs.ends(*result)
    ways = {"eager": eager, "compiled": torch.compile(compiled, dynamic=False)}
    return {name: (lambda blocks=blocks: matrix(blocks()), read) for name, blocks in ways.items()}


def lstm(given):
    """The gradient of a recurrent model's loss on a text; Python goes through its characters."""
    gates, extra, text = tensors(given.gates, given.extra, given.text)
    start = tensors(given.hidden, given.cell)
    characters, bits = given.text.shape

    def step(below, hidden, cell, gates):
        """One character."""

        def gate(x, number, layer=slice(None)):
            return torch.addcmul(gates[layer, 1, number], gates[layer, 0, number], x)

        # What depends on the step before only, for all layers at once.
        change = torch.sigmoid(gate(hidden, 1)) * torch.tanh(gate(hidden, 3))
        hiddens, cells = [], []
        for layer in range(len(hidden)):
            kept = torch.addcmul(change[layer], cell[layer], torch.sigmoid(gate(below, 0, layer)))
            below = torch.sigmoid(gate(below, 2, layer)) * torch.tanh(kept)
            hiddens.append(below)
            cells.append(kept)
        return torch.stack(hiddens), torch.stack(cells)

    def loss(gates, extra, step):
        hidden, cell = start
        tops = []
        for below in (text[:-1] * extra[0]).unbind(0):
            hidden, cell = step(below, hidden, cell, gates)
            tops.append(hidden[-1])
        y = torch.stack(tops) * extra[1] + extra[2]
        scores = y - torch.log(2 + torch.exp(y).sum(1, keepdim=True))
        return -(text[1:] * scores).sum() / (bits * (characters - 1))

    unknowns = [x.requires_grad_(True) for x in (gates, extra)]
    torch._dynamo.reset()
    # As it stands every step is a hundred small calls: ten times slower, so it is not timed.
    compiled = torch.compile(step, dynamic=False)
    read = lambda slopes: torch.cat([g.reshape(-1) for g in slopes])
    return {"compiled": (lambda: torch.autograd.grad(loss(*unknowns, compiled), unknowns), read)}


def rotation(axis):
    """The matrix of the rotation about an axis by its length; the identity for small ones."""
    square = axis.dot(axis)
    turns = square.sqrt() >= 1e-4
    angle = torch.where(turns, square, 1.0).sqrt()
    a, sin, cos = axis / angle, torch.sin(angle), torch.cos(angle)
    eye = torch.eye(3, dtype=axis.dtype)
    cross = torch.linalg.cross(a.expand(3, 3), eye).T
    turned = (1 - cos) * torch.outer(a, a) + cos * eye + sin * cross
    return torch.where(turns, turned, eye)


def ht(given):
    """The Jacobian of a hand's residuals by the pose and each point's own place on its triangle."""
    relative, inverse_rest, rest, weights = tensors(given.relative, given.inverse_rest, given.rest, given.weights)
    us, points, corners, mirror = tensors(given.us, given.points, given.corners, given.mirror)
    (bends, angles), (sides, side_angles) = tensors(*given.bends), tensors(*given.sides)

    def mesh(theta):
        none = torch.zeros(len(relative), dtype=theta.dtype)
        bend, side = none.index_put((bends,), theta[angles]), none.index_put((sides,), theta[side_angles])
        sx, cx, sz, cz = torch.sin(bend), torch.cos(bend), torch.sin(side), torch.cos(side)
        o, i = torch.zeros_like(bend), torch.ones_like(bend)
        rows = [cz, -sz * cx, sz * sx, o, sz, cz * cx, -cz * sx, o, o, sx, cx, o, o, o, o, i]
        local = relative @ torch.stack(rows, -1).reshape(-1, 4, 4)
        bones = []
        for bone, parent in enumerate(given.parents):
            bones.append(local[bone] if parent < 0 else bones[parent] @ local[bone])
        from_rest = torch.stack(bones) @ inverse_rest
        # The rotation is linear, so it turns the bones, of which there are fewer than vertices.
        turned = (rotation(theta[:3]) * mirror) @ from_rest[:, :3]
        shares = (weights[:, :, None] * rest[:, None, :]).reshape(len(rest), -1)
        return shares @ turned.mT.reshape(-1, 3) + theta[3:6]

    def residuals(unknowns):
        # Every point's own coordinates move together: each residual depends on one pair of them.
        own, theta = unknowns[:-26], unknowns[-26:]
        vertices = mesh(theta)
        if not len(own):
            return points - vertices[corners]
        u, v = (us + own).T[:, :, None]
        a, b, c = (vertices.index_select(0, corner) for corner in corners.T)
        return points - (u * a + v * b + (1 - u - v) * c)

    def jacobian(unknowns):
        return jacfwd(residuals)(unknowns).reshape(-1, len(unknowns))

    return both(jacobian, torch.cat([torch.zeros(2, dtype=torch.float64), *tensors(given.theta)]))


def kmeans(given):
    """The gradient over the diagonal of the Hessian, by its product with ones."""
    points, centroids = tensors(given.points, given.centroids)

    def cost(centroids):
        lengths = centroids.square().sum(1)
        nearest = torch.addmm(lengths, points, centroids.T, alpha=-2).argmin(1)
        return (points - centroids.index_select(0, nearest)).square().sum()

    def direction(centroids):
        slope, diagonal = jvp(grad(cost), (centroids,), (torch.ones_like(centroids),))
        return slope / diagonal

    return both(direction, centroids)


def lse(given):
    """The gradient of log Σ exp, composed as the eval asks."""

    def f(x):
        largest = x.detach().max()
        return largest + torch.log(torch.exp(x - largest).sum())

    return gradients(f, *tensors(given.x))


def llsq(given):
    """The gradient of least squares of a polynomial against the sign function."""

    def horner(x, t):
        y = torch.zeros_like(t)
        for coefficient in x.flip(0).unbind():
            y = torch.addcmul(coefficient, y, t)
        return y

    def powers(x, t):
        return x[0] + t[:, None].expand(-1, len(x) - 1).cumprod(1) @ x[1:]

    def ways(polynomial):
        def f(x):
            t = -1 + 2 * torch.arange(given.n, dtype=x.dtype) / (given.n - 1)
            return 0.5 * (torch.sign(t) - polynomial(x, t)).square().sum()

        return gradients(f, *tensors(given.x))

    return {"eager": ways(powers)["eager"], "compiled": ways(horner)["compiled"]}


def ode(given):
    """The gradient of the last component of a system solved by Runge and Kutta's method."""
    h = 2 / given.steps

    def step(x, y):
        def field(y):
            return x * torch.cat([torch.ones(1, dtype=y.dtype), y[:-1]])

        k1 = field(y)
        k2 = field(y + h / 2 * k1)
        k3 = field(y + h / 2 * k2)
        k4 = field(y + h * k3)
        return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    (x,) = tensors(given.x)
    x.requires_grad_(True)
    torch._dynamo.reset()

    def gradient(step):
        def call():
            y = torch.zeros_like(x)
            for _ in range(given.steps):
                y = step(x, y)
            return torch.autograd.grad(y[-1], x)

        return call, lambda slopes: slopes[0]

    return {"eager": gradient(step), "compiled": gradient(torch.compile(step, dynamic=False))}


# Up to this size the minors of a matrix are written out element by element.
WRITTEN_OUT = 4


def det(given):
    """The gradient of a determinant by expansion by minors."""

    def expand(a):
        """The determinants of a stack of matrices, which lies along the last axis."""
        n = len(a)
        if n <= WRITTEN_OUT:
            return formulas.minors(list(a), list(range(n)))
        minors = [torch.cat([a[1:, :j], a[1:, j + 1 :]], 1) for j in range(n)]
        rest = expand(torch.stack(minors, 2).reshape(n - 1, n - 1, -1)).reshape(n, -1)
        signs = (-1.0) ** torch.arange(n, dtype=a.dtype)
        return (signs[:, None] * a[0] * rest).sum(0)

    return gradients(lambda a: expand(a[:, :, None])[0], *tensors(given.a))


def slope_back(f):
    """Value and gradient by a pass back, which can be differentiated itself."""

    def value_and_slope(x):
        x = x if x.requires_grad else x.detach().requires_grad_(True)
        value = f(x)
        return value, torch.autograd.grad(value, x, create_graph=True)[0]

    return value_and_slope


def settled(value_and_slope):
    """The same, where nothing differentiates it any more."""

    def without_graph(x):
        value, slope = value_and_slope(x)
        return value.detach(), slope.detach()

    return without_graph


def minimum(value_and_slope, start):
    """The point where GradBench's gradient descent ends; plain Python around tensors."""
    small = rate = 1e-5
    x, successes = start, 0
    value, slope = value_and_slope(x)
    while slope.norm() > small:
        if successes == 10:
            rate, successes = 2 * rate, 0
            continue
        moved = x - rate * slope
        if (x - moved).norm() <= small:
            break
        moved_value, moved_slope = value_and_slope(moved)
        if moved_value < value:
            x, value, slope, successes = moved, moved_value, moved_slope, successes + 1
        else:
            rate, successes = rate / 2, 0
    return x


def particle(given):
    """The place of a charge for which a particle lands nearest to the origin; both modes reverse."""
    start, velocity, down, fixed = tensors([0.0, 8.0], [0.75, 0.0], [[0.0, 1.0], [0.0, 0.0]], [[10.0, 10.0], [10.0, 0.0]])
    (w,) = tensors(given.w)

    def path(w):
        charges = fixed - down * w
        potential = slope_back(lambda x: (1 / torch.linalg.vector_norm(x - charges, dim=1)).sum())
        x, v = start, velocity
        while True:
            force = potential(x)[1]
            x = x + 0.1 * v
            if x[1] <= 0:
                return (x[0] - x[1] / v[1] * v[0]) ** 2
            v = v - 0.1 * force

    return {"rr": (lambda: minimum(settled(slope_back(path)), w), lambda w: w)}


def saddle(given):
    """A saddle point by nested descent, the outer derivative through the inner; both modes reverse."""
    (start,) = tensors(given.start)

    def height(p, q):
        return p.square().sum() - q.square().sum()

    def farthest(p):
        return minimum(slope_back(lambda q: -height(p, q)), start)

    def search():
        p = minimum(settled(slope_back(lambda p: height(p, farthest(p)))), start)
        return torch.cat([p, farthest(p)]).detach()

    return {"rr": (search, lambda r: r)}
