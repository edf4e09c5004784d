"""CasADi: scalar expression graphs, turned to C and compiled by gcc; only where it is a rival."""

import os
import subprocess
import tempfile

import casadi as ca
import numpy as np

import data


def compiled(function):
    """The function as C, compiled for this machine."""
    folder = tempfile.mkdtemp()
    here = os.getcwd()
    os.chdir(folder)
    try:
        function.generate("f.c", {"with_header": False})
        flags = ["-O3", "-march=native", "-ffast-math", "-fPIC", "-shared"]
        subprocess.check_call(["gcc", *flags, "f.c", "-o", "f.so", "-lm"])
    finally:
        os.chdir(here)
    return ca.external(function.name(), os.path.join(folder, "f.so"))


def variant(function, args, has_objective=True):
    """A call on buffers that are bound once, which costs least."""
    buffer, call = function.buffer()
    inputs = [np.array(a, dtype=float).ravel(order="F") for a in args]
    outputs = [np.zeros(function.nnz_out(i)) for i in range(function.n_out())]
    for i, a in enumerate(inputs):
        buffer.set_arg(i, memoryview(a))
    for i, a in enumerate(outputs):
        buffer.set_res(i, memoryview(a))

    def read(_, keep=(function, buffer, inputs)):
        return (outputs[0][0], outputs[1]) if has_objective else (None, outputs)

    return call, read


def gradient(x, f):
    """Value and gradient as a function."""
    return ca.Function("f", [x], [f, ca.gradient(f, x)])


class Peer:
    """A method for each case gives its variants: name → (call, reader of the result)."""

    def __init__(self, _name, threads):
        self.version, self.threads = f"CasADi {ca.__version__}", threads

    @staticmethod
    def rosenbrock(x):
        return ca.sum1(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    def b_rosen_grad(self, n, dtype):
        if dtype == "float32" or int(n) > 1000:
            return None
        x = ca.SX.sym("x", int(n))
        return {"gcc": variant(compiled(gradient(x, self.rosenbrock(x))), [data.stream(4, int(n))])}

    def b_rosen_hvp(self, n, dtype):
        if dtype == "float32" or int(n) > 1000:
            return None
        x, v = ca.SX.sym("x", int(n)), ca.SX.sym("v", int(n))
        product = ca.jtimes(ca.gradient(self.rosenbrock(x), x), x, v)
        f = compiled(ca.Function("f", [x, v], [product]))
        return {"gcc": variant(f, [data.stream(4, int(n)), data.stream(5, int(n))], False)}

    def h_ba(self, n, dtype):
        if dtype == "float32":
            return None
        p, q = ca.SX.sym("p", 15), ca.SX.sym("q", 2)
        error = ca.vertcat(*data.residual(ca.vertsplit(p), ca.vertsplit(q), ca.sqrt, ca.sin, ca.cos))
        f = compiled(ca.Function("f", [p, q], [ca.densify(ca.jacobian(error, p))]))
        args = [a.T for a in data.reprojection(int(n))]
        variants = {"map": variant(f.map(int(n)), args, False)}
        if self.threads > 1:
            variants["threads"] = variant(f.map(int(n), "thread", self.threads), args, False)
        return variants

    def k_dispatch(self, n, dtype):
        if dtype == "float32":
            return None
        x = ca.SX.sym("x", int(n))
        f = data.graph(x, ca.sin, ca.tanh, ca.sum1)
        return {"gcc": variant(compiled(gradient(x, f)), [data.stream(7, int(n))])}
