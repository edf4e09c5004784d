"""PyTorch: eager (`torch`), and the same compiled (`torchc`) where that works."""

import torch
import torch.nn.functional as F

import data


class Peer:
    """A method for each case gives its variants: name → (call, reader of the result)."""

    def __init__(self, name, threads):
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        self.compiles = name == "torchc"
        self.version = f"PyTorch {torch.__version__}"

    def compiled(self, function):
        """The function as this peer runs it."""
        if not self.compiles:
            return function
        torch._dynamo.reset()
        return torch.compile(function, fullgraph=False, dynamic=False)

    @staticmethod
    def arrays(values, dtype):
        return [torch.tensor(value, dtype=getattr(torch, dtype)) for value in values]

    def gradient(self, loss, parameters):
        """Value and gradient of a function of some parameters."""
        for p in parameters:
            p.requires_grad_(True)
        forward = self.compiled(loss)

        def call():
            value = forward(*parameters)
            return value, torch.autograd.grad(value, parameters)

        return call, lambda result: (result[0].detach(), [g.detach() for g in result[1]])

    def derivative(self, function, *args):
        """A function that gives derivatives only."""
        forward = self.compiled(function)
        return lambda: forward(*args), lambda result: (None, result.detach())

    def training(self, loss, parameters):
        """Steps of gradient descent that change the parameters in place."""
        parameters = [p.clone().requires_grad_(True) for p in parameters]
        forward = self.compiled(loss)
        start = forward(*parameters)
        slopes = torch.autograd.grad(start, parameters)

        def call():
            slope = torch.autograd.grad(forward(*parameters), parameters)
            with torch.no_grad():
                torch._foreach_add_(parameters, slope, alpha=-0.01)

        return call, lambda _: (start.detach(), list(slopes))

    def a_logreg(self, n, dtype):
        w, x, y = self.arrays(data.logistic(n), dtype)

        def softplus(w):
            z = x @ w
            return (F.softplus(z) - y * z).mean()

        def entropy(w):
            return F.binary_cross_entropy_with_logits(x @ w, y)

        # The formula by itself first: F.softplus is the identity beyond 20, no difference here.
        return {f.__name__: self.gradient(f, [w.clone()]) for f in (softplus, entropy)}

    @staticmethod
    def rosenbrock(x):
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    def b_rosen_grad(self, n, dtype):
        return {"": self.gradient(self.rosenbrock, self.arrays([data.stream(4, int(n))], dtype))}

    def b_rosen_hvp(self, n, dtype):
        x, v = self.arrays([data.stream(4, int(n)), data.stream(5, int(n))], dtype)
        gradient = torch.func.grad(self.rosenbrock)
        variants = {
            "forward": self.derivative(lambda x, v: torch.func.jvp(gradient, (x,), (v,))[1], x, v)
        }
        if not self.compiles:
            z = x.clone().requires_grad_(True)

            def twice():
                (g,) = torch.autograd.grad(self.rosenbrock(z), z, create_graph=True)
                return torch.autograd.grad(g, z, v)[0]

            variants["reverse"] = self.derivative(twice)
        return variants

    def c_chain(self, n, dtype):
        def chain(x):
            return (torch.tanh(x) * torch.exp(-(x**2)) + torch.log1p(x**2) * torch.sin(x)).sum()

        return {"": self.gradient(chain, self.arrays([2 * data.stream(6, int(n))], dtype))}

    def d_mlp(self, _n, dtype):
        p = self.arrays(data.layers([784, 512, 512, 10], 20), dtype)
        (x,), labels = self.arrays([data.stream(30, 128, 784)], dtype), torch.tensor(data.digits(31, 128))

        def loss(w1, b1, w2, b2, w3, b3):
            h = F.relu(torch.addmm(b1, x, w1))
            h = F.relu(torch.addmm(b2, h, w2))
            return F.cross_entropy(torch.addmm(b3, h, w3), labels)

        return {"": self.training(loss, p)}

    def d_tinymlp(self, _n, dtype):
        p = self.arrays(data.layers([16, 32, 1], 34), dtype)
        x, y = self.arrays([data.stream(32, 32, 16), data.stream(33, 32, 1)], dtype)

        def loss(w1, b1, w2, b2):
            return ((torch.addmm(b2, torch.tanh(torch.addmm(b1, x, w1)), w2) - y) ** 2).mean()

        return {"": self.training(loss, p)}

    def e_transformer(self, _n, dtype):
        parameters, x = data.transformer()
        parameters, (x,) = self.arrays(parameters, dtype), self.arrays([x], dtype)
        batch, length, width, heads = data.TRANSFORMER.values()

        def make(fused):
            def loss(g1, s1, wq, wk, wv, wo, g2, s2, w1, b1, w2, b2):
                h = F.layer_norm(x, (width,), g1, s1, 1e-5)
                q, k, v = (
                    (h @ w).view(batch, length, heads, width // heads).transpose(1, 2)
                    for w in (wq, wk, wv)
                )
                if fused:
                    mixed = F.scaled_dot_product_attention(q, k, v)
                else:
                    scores = q @ k.transpose(-1, -2) / (width // heads) ** 0.5
                    mixed = torch.softmax(scores, -1) @ v
                y = x + mixed.transpose(1, 2).reshape(batch, length, width) @ wo
                h = F.layer_norm(y, (width,), g2, s2, 1e-5)
                y = y + F.gelu(h @ w1 + b1, approximate="tanh") @ w2 + b2
                return (y * y).mean()

            return self.training(loss, parameters)

        return {"plain": make(False), "fused": make(True)}

    def f_cnn(self, _n, dtype):
        parameters, x, labels = data.cnn()
        parameters, (x,), labels = self.arrays(parameters, dtype), self.arrays([x], dtype), torch.tensor(labels)

        def make(last):
            format = torch.channels_last if last else torch.contiguous_format
            pictures = x.contiguous(memory_format=format)
            p = [q.contiguous(memory_format=format) if q.dim() == 4 else q for q in parameters]

            def loss(k1, c1, k2, c2, w1, d1, w2, d2):
                h = F.max_pool2d(F.relu(F.conv2d(pictures, k1, c1, padding=1)), 2)
                h = F.max_pool2d(F.relu(F.conv2d(h, k2, c2, padding=1)), 2)
                h = F.relu(torch.addmm(d1, h.flatten(1), w1))
                return F.cross_entropy(torch.addmm(d2, h, w2), labels)

            return self.training(loss, p)

        return {"nchw": make(False), "nhwc": make(True)}

    def g_jac(self, _n, dtype):
        args = [data.stream(72, 100), data.weights(70, 100, 200, 100), data.weights(71, 200, 1000, 200)]
        x, w1, w2 = self.arrays(args, dtype)

        def layers(x):
            return torch.tanh(w2 @ torch.tanh(w1 @ x))

        modes = {"forward": torch.func.jacfwd, "reverse": torch.func.jacrev}
        return {name: self.derivative(mode(layers), x) for name, mode in modes.items()}

    def g_hess_lse(self, _n, dtype):
        args = [0.1 * data.stream(75, 200), data.stream(73, 1000, 200), data.stream(74, 1000)]
        x, a, b = self.arrays(args, dtype)

        def f(x):
            return torch.logsumexp(a @ x + b, 0) + 0.5 * (x * x).sum()

        def make(hessian):
            both = self.compiled(lambda x: (f(x), hessian(x)))
            return lambda: both(x), lambda result: result

        twice = torch.func.jacrev(torch.func.jacrev(f))
        return {"forward": make(torch.func.hessian(f)), "reverse": make(twice)}

    def h_ba(self, n, dtype):
        p, q = self.arrays(data.reprojection(int(n)), dtype)
        columns = [c.contiguous() for c in p.T]
        feature = [c.contiguous() for c in q.T]

        def residual(columns):
            return data.residual(columns, feature, torch.sqrt, torch.sin, torch.cos)

        if self.compiles:
            total = torch.func.jacrev(lambda p: torch.stack([t.sum() for t in residual(list(p))]))
            return {"columns": self.derivative(total, torch.stack(columns))}
        for c in columns:
            c.requires_grad_(True)
        ones = torch.ones(int(n), dtype=p.dtype)

        def call():
            first, second = residual(columns)
            options = {"retain_graph": True, "allow_unused": True}
            return [*torch.autograd.grad(first, columns, ones, **options), *torch.autograd.grad(second, columns, ones, **options)]

        return {"columns": (call, lambda result: (None, [g for g in result if g is not None]))}

    def i_gmm(self, n, dtype):
        parameters, x = data.mixture(n)
        parameters, (x,) = self.arrays(parameters, dtype), self.arrays([x], dtype)
        count, d = x.shape
        k = len(parameters[0])
        rows, columns = torch.tril_indices(d, d, -1)

        def log_posterior(alpha, mu, q, l):
            place = (torch.arange(k)[:, None], rows[None], columns[None])
            factors = torch.zeros(k, d, d, dtype=x.dtype).index_put(place, l)
            factors = factors + torch.diag_embed(torch.exp(q))
            z = torch.bmm(x[None] - mu[:, None], factors.transpose(1, 2))
            inner = alpha + q.sum(1) - 0.5 * (z * z).sum(-1).T
            fit = torch.logsumexp(inner, 1).sum() - count * torch.logsumexp(alpha, 0)
            return fit + 0.5 * ((torch.exp(q) ** 2).sum() + (l**2).sum()) - q.sum()

        return {"": self.gradient(log_posterior, parameters)}

    def matrix(self, f, n, dtype, *more):
        """The gradient of a function of a square matrix; compilation does not help here."""
        if self.compiles:
            return None
        a, *more = self.arrays([data.stream(100, int(n), int(n)), *more], dtype)
        eye = torch.eye(int(n), dtype=a.dtype)
        return self.gradient(lambda a: f(a, eye, *more), [a])

    def j_logdet(self, n, dtype):
        def slogdet(a, eye):
            return torch.linalg.slogdet(a.T @ a + eye)[1]

        def cholesky(a, eye):
            return 2 * torch.linalg.cholesky(a.T @ a + eye).diagonal().log().sum()

        if self.compiles:
            return None
        return {f.__name__: self.matrix(f, n, dtype) for f in (slogdet, cholesky)}

    def j_trinv(self, n, dtype):
        variant = self.matrix(lambda a, eye: torch.linalg.inv(a.T @ a + eye).trace(), n, dtype)
        return variant and {"": variant}

    def j_solve(self, n, dtype):
        def f(a, eye, b):
            return (torch.linalg.solve(a + eye * (int(n) / 4), b) ** 2).sum()

        variant = self.matrix(f, n, dtype, data.stream(101, int(n)))
        return variant and {"": variant}

    def k_dispatch(self, n, dtype):
        args = self.arrays([data.stream(7, int(n))], dtype)
        return {"": self.gradient(lambda x: data.graph(x, torch.sin, torch.tanh, torch.sum), args)}

    def l_rnn(self, _n, dtype):
        if self.compiles:
            return None
        w, u, b, x, start = self.arrays(data.recurrent(), dtype)

        def loss(w, u, b):
            h, total, driven = start, 0.0, x @ u.T + b
            for t in range(1000):
                h = torch.tanh(torch.mv(w, h) + driven[t])
                total = total + (h * h).sum()
            return total / 1000

        return {"": self.gradient(loss, [w, u, b])}

    def l_ode_rk4(self, _n, dtype):
        if self.compiles:
            return None
        w, _, b, _, start = self.arrays(data.recurrent(), dtype)

        def loss(w, b):
            def slope(y):
                return torch.tanh(torch.mv(w, y) + b) - y

            y = start
            for _ in range(1000):
                k1 = slope(y)
                k2 = slope(y + 0.005 * k1)
                k3 = slope(y + 0.005 * k2)
                k4 = slope(y + 0.01 * k3)
                y = y + 0.01 / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
            return (y * y).sum()

        return {"": self.gradient(loss, [w, b])}
