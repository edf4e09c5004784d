"""The floor: kernels written by hand in C (floor/kernels.c), and for the cases that products of
matrices dominate, the operations of those products over the rate of a large product by NumPy's BLAS,
measured at that moment. What is triangular or symmetric counts half. The mixture has both."""

import ctypes
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

import data

SOURCE = Path(__file__).resolve().parents[1] / "floor/kernels.c"
FLAGS = "-O3 -march=native -mprefer-vector-width=512 -ffast-math -fopenmp -fPIC -shared".split()
# Sine and cosine of one number would become one call, of which there is no vector form.
FLAGS += ["-fno-builtin-cos", "-fno-builtin-cosf"]

# Multiplications and additions of the products in a case.
OPERATIONS = {
    "d_mlp": lambda _: 2 * 128 * (3 * (784 * 512 + 512 * 512 + 512 * 10) - 784 * 512),
    "e_transformer": lambda _: 3 * 2 * 1024 * (12 * 256 * 256) + 3 * 2 * 2 * 8 * 8 * 128 * 128 * 32,
    "f_cnn": lambda _: 2 * 64 * (2 * 784 * 32 * 9 + 3 * (196 * 64 * 288 + 3136 * 128 + 128 * 10)),
    "g_jac": lambda _: 2 * 1000 * 200 * 100,
    "g_hess_lse": lambda _: 1000 * 200 * 200,
    "i_gmm": lambda n: 2 * np.prod([int(p) for p in n.replace("D", "N").replace("K", "N").split("N")[1:]])
    * int(n.split("D")[1].split("K")[0]),
    "j_logdet": lambda n: 4 * int(n) ** 3,
    "j_trinv": lambda n: 5 * int(n) ** 3,
    "j_solve": lambda n: 2 * int(n) ** 3 / 3,
}


class Estimate:
    """Operations over the rate of a product of two matrices of 1024 by 1024."""

    is_estimate = True

    def __init__(self, operations, dtype):
        self.operations = operations
        self.matrix = np.ones((1024, 1024), dtype=dtype)

    def __call__(self):
        return None

    def batch(self, calls):
        """What that many calls would take."""
        began = time.perf_counter()
        self.matrix @ self.matrix
        return calls * self.operations * (time.perf_counter() - began) / (2 * 1024**3)


class Kernel:
    """A call of a kernel on arrays that are bound once; many calls cost Python only one."""

    def __init__(self, function, seconds, dtype, *args, size):
        real = ctypes.c_double if dtype == "float64" else ctypes.c_float
        function.restype = real
        self.gradient = np.zeros(size, dtype=dtype)
        arrays = [a for a in args if not isinstance(a, int)]
        kept = [np.int64 if a.dtype == np.int64 else dtype for a in arrays]
        self.arrays = [np.ascontiguousarray(a, dtype=of) for a, of in zip(arrays, kept)]
        pointers = iter([a.ctypes.data_as(ctypes.c_void_p) for a in self.arrays])
        bound = [ctypes.c_long(a) if isinstance(a, int) else next(pointers) for a in args]
        self.bound = [*bound, self.gradient.ctypes.data_as(ctypes.c_void_p)]
        self.function = function
        self.seconds = seconds
        seconds.restype = ctypes.c_double

    def __call__(self):
        return self.function(*self.bound)

    def batch(self, calls):
        """The time of many calls, measured in C. Whole numbers and pointers are passed alike."""
        args = [a if isinstance(a, ctypes.c_void_p) else ctypes.c_void_p(a.value) for a in self.bound]
        args += [None] * (6 - len(args))
        return self.seconds(ctypes.c_long(calls), self.function, *args)


class Peer:
    """A method for each case gives its variants: name → (call, reader of the result)."""

    def __init__(self, _name, threads):
        self.version = "gcc"
        self.threads = threads
        folder = tempfile.mkdtemp()
        library = Path(folder) / "kernels.so"
        subprocess.check_call(["gcc", *FLAGS, str(SOURCE), "-o", str(library), "-lm"])
        self.library = ctypes.CDLL(str(library))

    def __getattr__(self, case):
        if case not in OPERATIONS:
            raise AttributeError(case)

        return lambda n, dtype: self.estimate(case, n, dtype)

    def estimate(self, case, n, dtype):
        """What the products of a case would take."""
        call = Estimate(OPERATIONS[case](n), dtype)
        return {"products": (call, lambda _: (None, None))}

    def kernel(self, name, dtype, *args, size, has_objective=True):
        """The one variant of a case."""
        function = self.library[f"{name}_{dtype}"]
        call = Kernel(function, self.library.seconds, dtype, *args, size=size)
        return {"C": (call, lambda value: (value if has_objective else None, call.gradient))}

    def a_logreg(self, n, dtype):
        w, x, y = data.logistic(n)
        return self.kernel("logistic", dtype, *x.shape, x, y, w, size=len(w))

    def b_rosen_grad(self, n, dtype):
        return self.kernel("rosenbrock", dtype, int(n), data.stream(4, int(n)), size=int(n))

    def b_rosen_hvp(self, n, dtype):
        args = data.stream(4, int(n)), data.stream(5, int(n))
        return self.kernel("rosenbrock_product", dtype, int(n), *args, size=int(n), has_objective=False)

    def c_chain(self, n, dtype):
        return self.kernel("chain", dtype, int(n), 2 * data.stream(6, int(n)), size=int(n))

    def h_ba(self, n, dtype):
        p, q = data.reprojection(int(n))
        size = 30 * int(n)
        return self.kernel("reprojection", dtype, int(n), p.T, q.T, size=size, has_objective=False)

    def k_dispatch(self, n, dtype):
        return self.kernel("graph", dtype, data.stream(7, int(n)), size=int(n))

    def i_gmm(self, n, dtype):
        variants = {}
        if self.threads == 1:
            parameters, x = data.mixture(n)
            flat = np.concatenate([part.ravel() for part in parameters])
            sizes = np.array([*x.shape, len(parameters[0])], dtype=np.int64)
            variants = self.kernel("mixture", dtype, sizes, x, flat, size=len(flat))
        return {**variants, **self.estimate("i_gmm", n, dtype)}

    def l_rnn(self, _n, dtype):
        return self.kernel("recurrent", dtype, *data.recurrent(), size=528)

    def l_ode_rk4(self, _n, dtype):
        w, _, b, _, y = data.recurrent()
        return self.kernel("runge_kutta", dtype, w, b, y, size=272)
