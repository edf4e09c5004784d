"""What other systems need for the work of Riesz's benchmarks. Prints one JSON object per line.

    python3 -m venv VENV && VENV/bin/pip install -r requirements.txt
    VENV/bin/python peers.py --peer jax --threads 1
    VENV/bin/python peers.py --peer numpy --threads 1 --cases logistic,rosenbrock_grad

README.md in this folder defines the cases and the generator of the data, so that the Rust side can work
on the same numbers and compare `objective` and `checksum` to the last digits.
"""

import argparse
import csv
import json
import os
import statistics
import time
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "examples/data/breast_cancer_standardised.csv"
LOGISTIC_SIZES = ["569x30", "1000x100", "100000x100"]
ROSENBROCK_SIZES = [10, 1_000, 1_000_000]
CASES = ["logistic", "rosenbrock_grad", "rosenbrock_hvp"]


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--peer", choices=["jax", "numpy"], default="jax")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--dtypes", default="float64,float32")
    parser.add_argument("--seconds", type=float, default=1.0, help="time to spend on each figure")
    chosen = parser.parse_args()
    for case in chosen.cases.split(","):
        if case not in CASES:
            parser.error(f"unknown case {case}; the cases are {', '.join(CASES)}")
    for dtype in chosen.dtypes.split(","):
        if dtype not in ("float64", "float32"):
            parser.error(f"unknown dtype {dtype}; it is float64 or float32")
    if chosen.threads < 1:
        parser.error("--threads must be 1 or more")
    return chosen


def limit_threads(threads):
    """Confines this process to some cores and tells every thread pool; before NumPy and JAX load."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["NPROC"] = str(threads)  # the size of XLA's pool
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < threads:
            raise SystemExit(f"{threads} threads asked for, but only {len(cores)} cores are there")
        os.sched_setaffinity(0, cores[:threads])


def uniform(stream, *shape):
    """The first numbers of a stream: SplitMix64 started from `stream`, its top 53 bits over 2^53."""
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = np.uint64(stream) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(shape)


def symmetric(stream, *shape):
    """The same numbers in [-1, 1)."""
    return 2 * uniform(stream, *shape) - 1


def logistic_data(size):
    """(w, b, X, y): the point, then the data."""
    rows, columns = map(int, size.split("x"))
    if size == LOGISTIC_SIZES[0]:
        with open(TABLE, newline="") as file:
            _, *lines = csv.reader(file)
        table = np.array([[float(cell) for cell in line] for line in lines])
        X, y = table[:, 1:], table[:, 0]
    else:
        X, y = symmetric(1, rows, columns), (uniform(2, rows) < 0.5).astype(np.float64)
    return 0.1 * symmetric(3, columns), np.array(0.1), X, y


def timed(function, seconds):
    """Median and minimum of the time of one call; each sample is at least half a millisecond long."""
    function()
    began = time.perf_counter()
    function()
    once = time.perf_counter() - began
    inner = max(1, int(5e-4 / max(once, 1e-7)))
    samples = []
    end = time.perf_counter() + seconds
    while len(samples) < 15 or time.perf_counter() < end:
        began = time.perf_counter()
        for _ in range(inner):
            function()
        samples.append((time.perf_counter() - began) / inner)
    return statistics.median(samples), min(samples)


class Numpy:
    """Gradients written by hand: the reference for the numbers, not a rival for the times."""

    def __init__(self):
        self.version = np.__version__

    def array(self, value, dtype):
        return np.asarray(value, dtype=dtype)

    def wait(self, result):
        return result

    def logistic(self):
        def call(w, b, X, y):
            z = X @ w + b
            e = np.exp(-np.abs(z))
            p = np.where(z >= 0, 1, e) / (1 + e)
            value = np.sum(np.maximum(z, 0) + np.log1p(e) - y * z) + w @ w / 2
            return value, (X.T @ (p - y) + w, np.sum(p - y))

        return call

    def rosenbrock_grad(self):
        def call(x):
            a, r = 1 - x[:-1], x[1:] - x[:-1] ** 2
            g = np.zeros_like(x)
            g[:-1] = -400 * x[:-1] * r - 2 * a
            g[1:] += 200 * r
            return np.sum(100 * r**2 + a**2), g

        return call

    def rosenbrock_hvp(self):
        def call(x, v):
            h = np.zeros_like(x)
            dr = v[1:] - 2 * x[:-1] * v[:-1]
            r = x[1:] - x[:-1] ** 2
            h[:-1] = -400 * (v[:-1] * r + x[:-1] * dr) + 2 * v[:-1]
            h[1:] += 200 * dr
            return h

        return call


class Jax:
    """jax.jit of value_and_grad, and of the forward derivative of the gradient."""

    def __init__(self):
        import jax

        jax.config.update("jax_enable_x64", True)
        self.jax, self.version = jax, jax.__version__

    def array(self, value, dtype):
        return self.jax.numpy.asarray(value, dtype=dtype)

    def wait(self, result):
        return self.jax.block_until_ready(result)

    def logistic(self):
        softplus, total = self.jax.nn.softplus, self.jax.numpy.sum

        def value(w, b, X, y):
            z = X @ w + b
            return total(softplus(z) - y * z) + 0.5 * (w @ w)

        return self.jax.jit(self.jax.value_and_grad(value, argnums=(0, 1)))

    def rosenbrock(self, x):
        return self.jax.numpy.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    def rosenbrock_grad(self):
        return self.jax.jit(self.jax.value_and_grad(self.rosenbrock))

    def rosenbrock_hvp(self):
        gradient = self.jax.grad(self.rosenbrock)
        return self.jax.jit(lambda x, v: self.jax.jvp(gradient, (x,), (v,))[1])


def checksum(gradient):
    """The sum of the absolute values of all entries, added up in double precision."""
    parts = gradient if isinstance(gradient, tuple) else (gradient,)
    return float(sum(np.abs(np.asarray(part, dtype=np.float64)).sum() for part in parts))


def problems(case):
    """(n, arguments of the function in double precision) for every size of a case."""
    if case == "logistic":
        for size in LOGISTIC_SIZES:
            yield size, logistic_data(size)
    else:
        for n in ROSENBROCK_SIZES:
            yield n, (symmetric(4, n), symmetric(5, n))[: 2 if case == "rosenbrock_hvp" else 1]


def main(chosen):
    """Runs and prints every chosen case."""
    peer = Jax() if chosen.peer == "jax" else Numpy()
    for case in chosen.cases.split(","):
        function = getattr(peer, case)()
        for n, data in problems(case):
            for dtype in chosen.dtypes.split(","):
                inputs = [peer.array(value, dtype) for value in data]
                result = peer.wait(function(*inputs))
                objective, gradient = (None, result) if case == "rosenbrock_hvp" else result
                median, least = timed(lambda: peer.wait(function(*inputs)), chosen.seconds)
                record = {
                    "peer": chosen.peer,
                    "version": peer.version,
                    "case": case,
                    "n": n,
                    "dtype": dtype,
                    "threads": chosen.threads,
                    "median_s": median,
                    "min_s": least,
                    "objective": None if objective is None else float(objective),
                    "checksum": checksum(gradient),
                }
                print(json.dumps(record), flush=True)


if __name__ == "__main__":
    CHOSEN = arguments()
    limit_threads(CHOSEN.threads)
    import numpy as np  # only now, so that its thread pool sees the limit

    main(CHOSEN)
