"""GradBench's derivatives in JAX: everything jitted, the result waited for.

A function for each eval takes its input (inputs.py) and gives the ways of writing it that may be the
fastest: name → (call, reader of the result).
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from gradbench import formulas, inputs

jax.config.update("jax_enable_x64", True)


def variant(function, *args, read=lambda result: result):
    """A compiled function that waits for its result."""
    compiled, args = jax.jit(function), jax.tree.map(jnp.asarray, args)
    return lambda: jax.block_until_ready(compiled(*args)), read


def gmm(given):
    """The gradient of the log posterior of a mixture."""
    count, d = given.x.shape
    rows, columns = given.places

    def log_posterior(p, x):
        alpha, q, l = p["alpha"], p["q"], p["l"]
        factors = jnp.zeros((len(alpha), d, d)).at[:, rows, columns].set(l)
        factors = factors + jax.vmap(jnp.diag)(jnp.exp(q))
        z = jnp.einsum("kij,nj->kni", factors, x) - jnp.einsum("kij,kj->ki", factors, p["mu"])[:, None]
        log_det = q.sum(1)
        beta = (alpha + log_det)[:, None] - 0.5 * jnp.sum(z * z, -1)
        logsumexp = jax.scipy.special.logsumexp
        fit = jnp.sum(logsumexp(beta, 0)) - count * logsumexp(alpha)
        squares = jnp.sum(jnp.exp(q) ** 2) + jnp.sum(l**2)
        return fit - 0.5 * given.gamma**2 * squares + given.m * jnp.sum(log_det) + given.constant

    return {"": variant(jax.grad(log_posterior), given.unknowns, given.x)}


def ba(given):
    """The sparse Jacobian in compressed rows."""
    n, m, p = len(given.cameras), len(given.points), len(given.weights)

    def residual(unknowns, feature):
        return formulas.residual(unknowns[:11], unknowns[11:14], unknowns[14], feature, jnp)

    def by_observation(camera, point, weight, feature):
        unknowns = jnp.concatenate([camera, point, weight[:, None]], 1)
        return jax.vmap(jax.jacrev(lambda u, f: jnp.stack(residual(u, f))))(unknowns, feature)

    def by_columns(camera, point, weight, feature):
        """Every unknown as a vector, and one pass back for each of the two rows."""
        y, back = jax.vjp(lambda u: residual(u, feature.T), [*camera.T, *point.T, weight])
        one, zero = jnp.ones_like(y[0]), jnp.zeros_like(y[0])
        return jnp.stack([*back((one, zero))[0], *back((zero, one))[0]], 1).reshape(-1, 2, 15)

    def matrix(blocks, cameras, points, weights, features, of_camera, of_point):
        """The pattern is built anew each time, as GradBench asks for the full matrix."""
        values = blocks(cameras[of_camera], points[of_point], weights, features)
        weight_slopes = jax.vmap(jax.grad(lambda w: 1 - w * w))(weights)
        last = 11 * n + 3 * m + jnp.arange(p)
        camera, point = 11 * of_camera[:, None, None], 11 * n + 3 * of_point[:, None, None]
        place = jnp.arange(15)
        columns = jnp.where(place < 14, point + place - 11, last[:, None, None])
        columns = jnp.broadcast_to(jnp.where(place < 11, camera + place, columns), (p, 2, 15))
        return (
            jnp.concatenate([15 * jnp.arange(2 * p + 1), 30 * p + 1 + jnp.arange(p)]),
            jnp.concatenate([columns.ravel(), last]),
            jnp.concatenate([values.ravel(), weight_slopes]),
        )

    args = given.cameras, given.points, given.weights, given.features, given.of_camera, given.of_point
    read = lambda result: inputs.ends(*result)
    ways = {"observations": by_observation, "columns": by_columns}
    return {name: variant(partial(matrix, blocks), *args, read=read) for name, blocks in ways.items()}


def lstm(given):
    """The gradient of a recurrent model's loss on a text."""
    characters, bits = given.text.shape
    layers = len(given.hidden)

    def loss(p, hidden, cell, text):
        gates, extra = p

        def gate(x, number, layer=slice(None)):
            return x * gates[layer, 0, number] + gates[layer, 1, number]

        def step(carry, below):
            hidden, cell = carry
            # What depends on the step before only, for all layers at once.
            change = jax.nn.sigmoid(gate(hidden, 1)) * jnp.tanh(gate(hidden, 3))
            hiddens, cells = [], []
            for i in range(layers):
                kept = cell[i] * jax.nn.sigmoid(gate(below, 0, i)) + change[i]
                below = jax.nn.sigmoid(gate(below, 2, i)) * jnp.tanh(kept)
                hiddens.append(below)
                cells.append(kept)
            return (jnp.stack(hiddens), jnp.stack(cells)), below

        _, top = lax.scan(step, (hidden, cell), text[:-1] * extra[0])
        y = top * extra[1] + extra[2]
        scores = y - jnp.log(2 + jnp.sum(jnp.exp(y), 1, keepdims=True))
        return -jnp.sum(text[1:] * scores) / (bits * (characters - 1))

    def gradient(*args):
        return jnp.concatenate([g.ravel() for g in jax.grad(loss)(*args)])

    return {"": variant(gradient, (given.gates, given.extra), given.hidden, given.cell, given.text)}


def rotation(axis):
    """The matrix of the rotation about an axis by its length; the identity for small ones."""
    square = jnp.dot(axis, axis)
    turns = jnp.sqrt(square) >= 1e-4
    angle = jnp.sqrt(jnp.where(turns, square, 1.0))
    a, (sin, cos) = axis / angle, (jnp.sin(angle), jnp.cos(angle))
    cross = jnp.cross(a, jnp.eye(3), axisb=0, axisc=0)
    turned = (1 - cos) * jnp.outer(a, a) + cos * jnp.eye(3) + sin * cross
    return jnp.where(turns, turned, jnp.eye(3))


def ht(given):
    """The Jacobian of a hand's residuals by the pose and each point's own place on its triangle."""

    def mesh(theta, relative, inverse_rest, rest, weights):
        bend = jnp.zeros(len(relative)).at[given.bends[0]].set(theta[given.bends[1]])
        side = jnp.zeros(len(relative)).at[given.sides[0]].set(theta[given.sides[1]])
        (sx, cx), (sz, cz) = ((jnp.sin(angle), jnp.cos(angle)) for angle in (bend, side))
        o, i = jnp.zeros_like(bend), jnp.ones_like(bend)
        rows = [cz, -sz * cx, sz * sx, o, sz, cz * cx, -cz * sx, o, o, sx, cx, o, o, o, o, i]
        local = relative @ jnp.stack(rows, -1).reshape(-1, 4, 4)
        bones = []
        for bone, parent in enumerate(given.parents):
            bones.append(local[bone] if parent < 0 else bones[parent] @ local[bone])
        from_rest = jnp.stack(bones) @ inverse_rest
        # The rotation is linear, so it turns the bones, of which there are fewer than vertices.
        turned = (rotation(theta[:3]) * given.mirror) @ from_rest[:, :3]
        shares = weights[:, :, None] * rest[:, None, :]
        return shares.reshape(len(rest), -1) @ turned.transpose(0, 2, 1).reshape(-1, 3) + theta[3:6]

    def residuals(unknowns, us, points, corners, *hand):
        # Every point's own coordinates move together: each residual depends on one pair of them.
        own, theta = unknowns[:-26], unknowns[-26:]
        vertices = mesh(theta, *hand)
        if not len(own):
            return points - vertices[corners]
        u, v = (us + own).T[:, :, None]
        a, b, c = vertices[corners.T]
        return points - (u * a + v * b + (1 - u - v) * c)

    def jacobian(*args):
        return jax.jacfwd(residuals)(*args).reshape(-1, len(args[0]))

    hand = given.relative, given.inverse_rest, given.rest, given.weights
    unknowns = jnp.concatenate([jnp.zeros(2), given.theta])
    return {"": variant(jacobian, unknowns, given.us, given.points, given.corners, *hand)}


def kmeans(given):
    """The gradient over the diagonal of the Hessian, by its product with ones."""

    def cost(centroids, points):
        # Which one is nearest shows in a product of matrices; the distance is taken to that one only.
        lengths = jnp.sum(centroids**2, 1)
        nearest = jnp.argmin(lengths - 2 * points @ centroids.T, 1)
        return jnp.sum((points - centroids[nearest]) ** 2)

    def direction(centroids, points):
        gradient = jax.grad(lambda c: cost(c, points))
        slope, diagonal = jax.jvp(gradient, (centroids,), (jnp.ones_like(centroids),))
        return slope / diagonal

    return {"": variant(direction, given.centroids, given.points)}


def lse(given):
    """The gradient of log Σ exp, composed as the eval asks."""

    def f(x):
        largest = lax.stop_gradient(jnp.max(x))
        return largest + jnp.log(jnp.sum(jnp.exp(x - largest)))

    return {"": variant(jax.grad(f), given.x)}


def llsq(given):
    """The gradient of least squares of a polynomial against the sign function."""

    def f(x):
        t = -1 + 2 * jnp.arange(given.n) / (given.n - 1)
        return 0.5 * jnp.sum((jnp.sign(t) - jnp.polyval(x[::-1], t, unroll=len(x))) ** 2)

    return {"": variant(jax.grad(f), given.x)}


def ode(given):
    """The gradient of the last component of a system solved by Runge and Kutta's method."""
    h = 2 / given.steps

    def last(x):
        def field(y):
            return x * jnp.concatenate([jnp.ones(1), y[:-1]])

        def step(y, _):
            k1 = field(y)
            k2 = field(y + h / 2 * k1)
            k3 = field(y + h / 2 * k2)
            k4 = field(y + h * k3)
            return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

        y, _ = lax.scan(step, jnp.zeros_like(x), None, length=given.steps)
        return y[-1]

    return {"": variant(jax.grad(last), given.x)}


# Up to this size the minors of a matrix are written out element by element.
WRITTEN_OUT = 5


def det(given):
    """The gradient of a determinant by expansion by minors."""

    def expand(a):
        """The determinants of a stack of matrices, which lies along the last axis."""
        n = len(a)
        if n <= WRITTEN_OUT:
            return formulas.minors(list(a), list(range(n)))
        minors = [jnp.concatenate([a[1:, :j], a[1:, j + 1 :]], 1) for j in range(n)]
        rest = expand(jnp.stack(minors, 2).reshape(n - 1, n - 1, -1)).reshape(n, -1)
        signs = (-1.0) ** jnp.arange(n)
        return jnp.sum(signs[:, None] * a[0] * rest, 0)

    return {"": variant(jax.grad(lambda a: expand(a[:, :, None])[0]), given.a)}


def forward(f):
    """Value and gradient by one forward pass for each unknown."""

    def both(x):
        value = f(x)
        return value, value

    def slope(x):
        gradient, value = jax.jacfwd(both, has_aux=True)(x)
        return value, gradient

    return slope


def minimum(value_and_slope, start):
    """The point where GradBench's gradient descent ends. JAX cannot go back through such a loop."""
    small = 1e-5

    def raised(successes, rate):
        return jnp.where(successes == 10, 0, successes), jnp.where(successes == 10, 2 * rate, rate)

    def goes_on(state):
        x, _, slope, successes, rate = state
        move = x - (x - raised(successes, rate)[1] * slope)
        return (jnp.linalg.norm(slope) > small) & (jnp.linalg.norm(move) > small)

    def step(state):
        x, value, slope, successes, rate = state
        successes, rate = raised(successes, rate)
        next_x = x - rate * slope
        next_value, next_slope = value_and_slope(next_x)
        better = next_value < value
        good = next_x, next_value, next_slope, successes + 1, rate
        bad = x, value, slope, 0, rate / 2
        return tuple(jnp.where(better, g, b) for g, b in zip(good, bad))

    return lax.while_loop(goes_on, step, (start, *value_and_slope(start), jnp.array(0), jnp.array(small)))[0]


# Letters of GradBench: the mode of the outer derivative, which here must be forward, and of the inner.
MODES = {"fr": jax.value_and_grad, "ff": forward}


def particle(given):
    """The place of a charge for which a particle lands nearest to the origin."""

    def path(w, inner):
        charges = jnp.array([[10.0, 10.0], [10.0, 0.0]]) - jnp.array([[0.0, 1.0], [0.0, 0.0]]) * w
        potential = inner(lambda x: jnp.sum(1 / jnp.linalg.norm(x - charges, axis=1)))

        def step(state):
            x, v = state
            next_x = x + 0.1 * v
            return next_x, jnp.where(next_x[1] > 0, v - 0.1 * potential(x)[1], v)

        start = jnp.array([0.0, 8.0]), jnp.array([0.75, 0.0])
        x, v = lax.while_loop(lambda state: state[0][1] > 0, step, start)
        return (x[0] - x[1] / v[1] * v[0]) ** 2

    def search(inner):
        return variant(lambda w: minimum(forward(lambda w: path(w, inner)), w), given.w)

    return {name: search(inner) for name, inner in MODES.items()}


def saddle(given):
    """A saddle point by nested descent; the outer derivative goes through the inner descent."""

    def height(p, q):
        return jnp.sum(p**2) - jnp.sum(q**2)

    def search(inner):
        def f(start):
            farthest = lambda p: minimum(inner(lambda q: -height(p, q)), start)
            p = minimum(forward(lambda p: height(p, farthest(p))), start)
            return jnp.concatenate([p, farthest(p)])

        return variant(f, given.start)

    return {name: search(inner) for name, inner in MODES.items()}
