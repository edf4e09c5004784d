"""JAX: everything jitted, the result waited for."""

import jax
import jax.numpy as jnp
from jax import lax

import data

jax.config.update("jax_enable_x64", True)


def both(result):
    """Objective and derivative of a value_and_grad."""
    return result[0], jax.tree_util.tree_leaves(result[1])


def only(result):
    """Derivatives without an objective."""
    return None, jax.tree_util.tree_leaves(result)


def variant(function, args, read=both):
    """A compiled function that waits for its result, and how to read that."""
    compiled = jax.jit(function)
    return lambda: jax.block_until_ready(compiled(*args)), read


def training(loss, parameters, *fixed):
    """Steps of gradient descent that go on from where the last one ended, in donated memory."""
    gradient = jax.jit(jax.value_and_grad(loss))(parameters, *fixed)

    def step(parameters, *fixed):
        value, slope = jax.value_and_grad(loss)(parameters, *fixed)
        return value, [p - 0.01 * g for p, g in zip(parameters, slope)]

    compiled = jax.jit(step, donate_argnums=0)
    state = [[jnp.array(p) for p in parameters]]

    def call():
        state[0] = jax.block_until_ready(compiled(state[0], *fixed))[1]

    return call, lambda _: both(gradient)


class Peer:
    """A method for each case gives its variants: name → (call, reader of the result)."""

    def __init__(self, _name, _threads):
        self.version = f"JAX {jax.__version__}"

    @staticmethod
    def arrays(values, dtype):
        return [jnp.asarray(value, dtype=dtype) for value in values]

    def a_logreg(self, n, dtype):
        args = self.arrays(data.logistic(n), dtype)

        def loss(w, x, y):
            z = x @ w
            return jnp.mean(jax.nn.softplus(z) - y * z)

        return {"": variant(jax.value_and_grad(loss), args)}

    @staticmethod
    def rosenbrock(x):
        return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    def b_rosen_grad(self, n, dtype):
        args = self.arrays([data.stream(4, int(n))], dtype)
        return {"": variant(jax.value_and_grad(self.rosenbrock), args)}

    def b_rosen_hvp(self, n, dtype):
        args = self.arrays([data.stream(4, int(n)), data.stream(5, int(n))], dtype)
        gradient = jax.grad(self.rosenbrock)
        return {"": variant(lambda x, v: jax.jvp(gradient, (x,), (v,))[1], args, only)}

    def c_chain(self, n, dtype):
        args = self.arrays([2 * data.stream(6, int(n))], dtype)

        def chain(x):
            return jnp.sum(jnp.tanh(x) * jnp.exp(-(x**2)) + jnp.log1p(x**2) * jnp.sin(x))

        return {"": variant(jax.value_and_grad(chain), args)}

    @staticmethod
    def cross_entropy(scores, labels):
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(scores), labels[:, None], 1))

    def d_mlp(self, _n, dtype):
        p = self.arrays(data.layers([784, 512, 512, 10], 20), dtype)
        (x,), labels = self.arrays([data.stream(30, 128, 784)], dtype), jnp.asarray(data.digits(31, 128))

        def loss(p, x, labels):
            h = jax.nn.relu(x @ p[0] + p[1])
            h = jax.nn.relu(h @ p[2] + p[3])
            return self.cross_entropy(h @ p[4] + p[5], labels)

        return {"": training(loss, p, x, labels)}

    def d_tinymlp(self, _n, dtype):
        p = self.arrays(data.layers([16, 32, 1], 34), dtype)
        x, y = self.arrays([data.stream(32, 32, 16), data.stream(33, 32, 1)], dtype)

        def loss(p, x, y):
            return jnp.mean((jnp.tanh(x @ p[0] + p[1]) @ p[2] + p[3] - y) ** 2)

        return {"": training(loss, p, x, y)}

    def e_transformer(self, _n, dtype):
        parameters, x = data.transformer()
        parameters, (x,) = self.arrays(parameters, dtype), self.arrays([x], dtype)
        batch, length, width, heads = data.TRANSFORMER.values()

        def norm(x, gain, shift):
            centred = x - x.mean(-1, keepdims=True)
            variance = (centred**2).mean(-1, keepdims=True)
            return centred * lax.rsqrt(variance + 1e-5) * gain + shift

        def loss(p, x):
            h = norm(x, p[0], p[1])
            q, k, v = (
                (h @ w).reshape(batch, length, heads, width // heads).transpose(0, 2, 1, 3)
                for w in p[2:5]
            )
            scores = jnp.einsum("bhid,bhjd->bhij", q, k) / (width // heads) ** 0.5
            mixed = jnp.einsum("bhij,bhjd->bhid", jax.nn.softmax(scores, -1), v)
            x = x + mixed.transpose(0, 2, 1, 3).reshape(x.shape) @ p[5]
            h = norm(x, p[6], p[7])
            x = x + jax.nn.gelu(h @ p[8] + p[9], approximate=True) @ p[10] + p[11]
            return jnp.mean(x * x)

        return {"": training(loss, parameters, x)}

    def f_cnn(self, _n, dtype):
        parameters, x, labels = data.cnn()
        parameters, (x,), labels = self.arrays(parameters, dtype), self.arrays([x], dtype), jnp.asarray(labels)

        def make(last):
            names = ("NHWC", "OIHW", "NHWC") if last else ("NCHW", "OIHW", "NCHW")
            window = (1, 2, 2, 1) if last else (1, 1, 2, 2)

            def layer(x, kernel, bias):
                y = lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=names)
                y = jax.nn.relu(y + (bias if last else bias[:, None, None]))
                return lax.reduce_window(y, -jnp.inf, lax.max, window, window, "VALID")

            def loss(p, x, labels):
                h = x.transpose(0, 2, 3, 1) if last else x
                h = layer(layer(h, p[0], p[1]), p[2], p[3])
                h = (h.transpose(0, 3, 1, 2) if last else h).reshape(64, -1)
                return self.cross_entropy(jax.nn.relu(h @ p[4] + p[5]) @ p[6] + p[7], labels)

            return training(loss, parameters, x, labels)

        return {"nchw": make(False), "nhwc": make(True)}

    def g_jac(self, _n, dtype):
        args = [data.stream(72, 100), data.weights(70, 100, 200, 100), data.weights(71, 200, 1000, 200)]
        args = self.arrays(args, dtype)

        def layers(x, w1, w2):
            return jnp.tanh(w2 @ jnp.tanh(w1 @ x))

        modes = {"forward": jax.jacfwd, "reverse": jax.jacrev}
        return {name: variant(mode(layers), args, only) for name, mode in modes.items()}

    def g_hess_lse(self, _n, dtype):
        args = self.arrays([0.1 * data.stream(75, 200), data.stream(73, 1000, 200), data.stream(74, 1000)], dtype)

        def f(x, a, b):
            return jax.scipy.special.logsumexp(a @ x + b) + 0.5 * jnp.sum(x * x)

        def make(hessian):
            return variant(lambda *args: (f(*args), hessian(*args)), args)

        return {"forward": make(jax.hessian(f)), "reverse": make(jax.jacrev(jax.jacrev(f)))}

    def h_ba(self, n, dtype):
        p, q = self.arrays(data.reprojection(int(n)), dtype)

        def one(p, q):
            return jnp.stack(data.residual(p, q, jnp.sqrt, jnp.sin, jnp.cos))

        def columns(p, q):
            y, back = jax.vjp(lambda p: one(p, q), p)
            one_of = jnp.ones_like(y[0])
            zero = jnp.zeros_like(one_of)
            return back(jnp.stack([one_of, zero]))[0], back(jnp.stack([zero, one_of]))[0]

        return {
            "forward": variant(jax.vmap(jax.jacfwd(one)), (p, q), only),
            "reverse": variant(jax.vmap(jax.jacrev(one)), (p, q), only),
            "columns": variant(columns, (jnp.array(p.T), jnp.array(q.T)), only),
        }

    def i_gmm(self, n, dtype):
        parameters, x = data.mixture(n)
        parameters, (x,) = self.arrays(parameters, dtype), self.arrays([x], dtype)
        count, d = x.shape
        rows, columns = jnp.tril_indices(d, -1)

        def log_posterior(p, x):
            alpha, mu, q, l = p
            factors = jnp.zeros((len(alpha), d, d), x.dtype).at[:, rows, columns].set(l)
            factors = factors + jax.vmap(jnp.diag)(jnp.exp(q))
            z = jnp.einsum("kij,knj->kni", factors, x[None] - mu[:, None])
            inner = alpha + q.sum(1) - 0.5 * jnp.sum(z * z, -1).T
            lse = jax.scipy.special.logsumexp
            fit = jnp.sum(lse(inner, 1)) - count * lse(alpha)
            return fit + 0.5 * (jnp.sum(jnp.exp(q) ** 2) + jnp.sum(l**2)) - jnp.sum(q)

        return {"": variant(jax.value_and_grad(log_posterior), (parameters, x))}

    def j_logdet(self, n, dtype):
        args = self.arrays([data.stream(100, int(n), int(n))], dtype)
        eye = jnp.eye(int(n))

        def slogdet(a):
            return jnp.linalg.slogdet(a.T @ a + eye)[1]

        def cholesky(a):
            return 2 * jnp.sum(jnp.log(jnp.diag(jnp.linalg.cholesky(a.T @ a + eye))))

        return {f.__name__: variant(jax.value_and_grad(f), args) for f in (slogdet, cholesky)}

    def j_trinv(self, n, dtype):
        args = self.arrays([data.stream(100, int(n), int(n))], dtype)
        eye = jnp.eye(int(n))
        return {"": variant(jax.value_and_grad(lambda a: jnp.trace(jnp.linalg.inv(a.T @ a + eye))), args)}

    def j_solve(self, n, dtype):
        args = self.arrays([data.stream(100, int(n), int(n)), data.stream(101, int(n))], dtype)
        shift = jnp.eye(int(n)) * (int(n) / 4)
        f = jax.value_and_grad(lambda a, b: jnp.sum(jnp.linalg.solve(a + shift, b) ** 2))
        return {"": variant(f, args)}

    def k_dispatch(self, n, dtype):
        args = self.arrays([data.stream(7, int(n))], dtype)
        return {"": variant(jax.value_and_grad(lambda x: data.graph(x, jnp.sin, jnp.tanh, jnp.sum)), args)}

    def l_rnn(self, _n, dtype):
        w, u, b, x, h = self.arrays(data.recurrent(), dtype)

        def make(unroll):
            def loss(p, x, h):
                w, u, b = p

                def step(carry, x):
                    h = jnp.tanh(w @ carry[0] + u @ x + b)
                    return (h, carry[1] + jnp.sum(h * h)), None

                (_, total), _ = lax.scan(step, (h, jnp.zeros((), h.dtype)), x, unroll=unroll)
                return total / 1000

            return variant(jax.value_and_grad(loss), ((w, u, b), x, h))

        return {f"unroll{unroll}": make(unroll) for unroll in (1, 8)}

    def l_ode_rk4(self, _n, dtype):
        w, _, b, _, y = self.arrays(data.recurrent(), dtype)

        def loss(p, y):
            w, b = p

            def slope(y):
                return jnp.tanh(w @ y + b) - y

            def step(y, _):
                k1 = slope(y)
                k2 = slope(y + 0.005 * k1)
                k3 = slope(y + 0.005 * k2)
                k4 = slope(y + 0.01 * k3)
                return y + 0.01 / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

            y, _ = lax.scan(step, y, None, length=1000)
            return jnp.sum(y * y)

        return {"": variant(jax.value_and_grad(loss), ((w, b), y))}
