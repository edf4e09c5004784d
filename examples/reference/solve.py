"""The optima of the examples, computed without Riesz: writes expected.json beside this file.

    python3 -m venv VENV && VENV/bin/pip install -r requirements.txt
    VENV/bin/python solve.py

Each optimum is computed twice. The value that is written comes from 40-digit arithmetic (mpmath): a
closed form where there is one, else Newton's method until the gradient is below 1e-30, rounded once to
double. The check is a solver of SciPy in double precision, which shares no code and no derivative
formula's arithmetic with the first; the script fails when the two differ by more than the tolerance it
records. The problems are stated here a second time, by hand, in NumPy; nothing reads the .rz files.
"""

import csv
import json
import platform
from pathlib import Path

import mpmath
import numpy as np
import scipy
from mpmath import mp, mpf
from scipy.optimize import minimize, rosen
from scipy.special import expit

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data"
mp.dps = 40


def read(name):
    """The numbers of a CSV file with one header row."""
    with open(DATA / name, newline="") as file:
        _, *rows = csv.reader(file)
    return np.array([[float(cell) for cell in row] for row in rows])


def column(values):
    """A NumPy vector as an mpmath column, exactly."""
    return mpmath.matrix([mpf(float(value)) for value in values])


def exact(array):
    """A NumPy matrix as an mpmath matrix, exactly."""
    return mpmath.matrix([[mpf(float(value)) for value in row] for row in array])


def entry(objective, start, variables, method, check, difference, tolerance):
    """One example's record; refuses a disagreement between the two computations."""
    if not abs(difference) <= tolerance:
        raise SystemExit(f"the two computations differ by {difference}, more than {tolerance}")
    return {
        "objective": float(objective),
        "objective_digits": mpmath.nstr(objective, 25, strip_zeros=False),
        "objective_at_start": float(start),
        "variables": variables,
        "method": method,
        "check": check,
        "check_difference": float(difference),
    }


def logistic():
    """sum(softplus(X*w + b) - y.*(X*w + b)) + c/2*||w||^2."""
    table = read("breast_cancer_standardised.csv")
    y, X, c = table[:, 0], table[:, 1:], 1.0
    design = np.hstack([X, np.ones((len(y), 1))])
    penalty = np.diag([c] * X.shape[1] + [0.0])

    def value(t):
        z = design @ t
        return np.sum(np.logaddexp(0, z) - y * z) + 0.5 * t @ penalty @ t

    def gradient(t):
        return design.T @ (expit(design @ t) - y) + penalty @ t

    def hessian(t):
        p = expit(design @ t)
        return design.T @ (design * (p * (1 - p))[:, None]) + penalty

    start = np.zeros(design.shape[1])
    options = {"gtol": 1e-12, "maxiter": 500}
    check = minimize(value, start, jac=gradient, hess=hessian, method="trust-exact", options=options)

    # Newton's method in 40 digits, from zero, on the same doubles.
    A, b, D = exact(design), column(y), exact(penalty)
    rows, unknowns = design.shape
    t = mpmath.matrix(unknowns, 1)
    for _ in range(50):
        p = [1 / (1 + mpmath.exp(-z)) for z in A * t]
        g = A.T * mpmath.matrix([p[i] - b[i] for i in range(rows)]) + D * t
        if mpmath.norm(g) < mpf("1e-30"):
            break
        weighted = A.copy()
        for i in range(rows):
            for j in range(unknowns):
                weighted[i, j] *= p[i] * (1 - p[i])
        t -= mpmath.lu_solve(A.T * weighted + D, g)
    else:
        raise SystemExit("Newton's method did not converge")
    z = A * t
    objective = mpmath.fsum(mpmath.log(1 + mpmath.exp(z[i])) - b[i] * z[i] for i in range(rows))
    objective += (t.T * D * t)[0] / 2
    return entry(
        objective,
        value(start),
        {"w": [float(v) for v in t[:-1]], "b": float(t[unknowns - 1])},
        "Newton's method in 40-digit arithmetic until the gradient norm is below 1e-30",
        "scipy.optimize.minimize(method='trust-exact') in double precision",
        mpf(check.fun) - objective,
        1e-11,
    )


def rosenbrock():
    """sum(100*(q - p^2)^2 + (1 - p)^2): both squares vanish at p = q = 1 and nowhere else."""
    half = 50

    def value(x):
        return np.sum(100 * (x[half:] - x[:half] ** 2) ** 2 + (1 - x[:half]) ** 2)

    def gradient(x):
        p, q = x[:half], x[half:]
        return np.concatenate([-400 * p * (q - p**2) - 2 * (1 - p), 200 * (q - p**2)])

    start = np.concatenate([np.full(half, -1.2), np.ones(half)])
    if not np.isclose(value(start), half * rosen([-1.2, 1.0]), rtol=1e-14):
        raise SystemExit("the function is not 50 copies of SciPy's two-dimensional one")
    check = minimize(value, start, jac=gradient, method="BFGS", options={"gtol": 1e-9})
    return entry(
        mpf(0),
        value(start),
        {"p": [1.0] * half, "q": [1.0] * half},
        "closed form: a sum of squares that vanishes only where every variable is 1",
        "scipy.optimize.minimize(method='BFGS') in double precision",
        mpf(check.fun),
        1e-15,
    )


def ridge():
    """||X*w + b - y||^2 + c*||w||^2, by the normal equations of all unknowns together."""
    table = read("wine_standardised.csv")
    y, X, c = table[:, 0], table[:, 1:13], 10.0
    design = np.hstack([X, np.ones((len(y), 1))])
    penalty = np.diag([c] * X.shape[1] + [0.0])
    A, b, D = exact(design), column(y), exact(penalty)
    t = mpmath.lu_solve(A.T * A + D, A.T * b)
    residual = A * t - b
    objective = (residual.T * residual)[0] + (t.T * D * t)[0]
    # The check stacks sqrt(c)*w below the residual: an ordinary least-squares problem, by the SVD.
    stacked = np.vstack([design, np.sqrt(penalty)])
    target = np.concatenate([y, np.zeros(len(penalty))])
    check = scipy.linalg.lstsq(stacked, target)[0]
    return entry(
        objective,
        y @ y,
        {"w": [float(v) for v in t[:-1]], "b": float(t[len(t) - 1])},
        "closed form: the normal equations, solved in 40-digit arithmetic",
        "scipy.linalg.lstsq (SVD) on the stacked system in double precision",
        mpf(float(np.sum((stacked @ check - target) ** 2))) - objective,
        1e-11,
    )


def covariance():
    """tr(S*X) - logdet(X): X = inv(S), with the value n + logdet(S)."""
    D = read("iris.csv")[:, :4]
    rows, n = D.shape
    centred = exact(D)
    for j in range(n):
        mean = mpmath.fsum(centred[i, j] for i in range(rows)) / rows
        for i in range(rows):
            centred[i, j] -= mean
    S = centred.T * centred / rows
    X = S**-1
    objective = n + mpmath.log(mpmath.det(S))

    # The check minimises over the Cholesky factor L of X, so it cannot leave the domain.
    cov = np.cov(D.T, bias=True)
    lower = np.tril_indices(n)

    def factor(t):
        L = np.zeros((n, n))
        L[lower] = t
        return L

    def value(t):
        L = factor(t)
        return np.trace(L.T @ cov @ L) - np.sum(np.log(np.diag(L) ** 2))

    def gradient(t):
        L = factor(t)
        return (2 * cov @ L - np.diag(2 / np.diag(L)))[lower]

    check = minimize(value, np.eye(n)[lower], jac=gradient, method="BFGS", options={"gtol": 1e-9})
    return entry(
        objective,
        np.trace(cov),
        {"X": [[float(X[i, j]) for j in range(n)] for i in range(n)]},
        "closed form: X = inv(S) and n + logdet(S), in 40-digit arithmetic",
        "scipy.optimize.minimize(method='BFGS') over the Cholesky factor in double precision",
        mpf(check.fun) - objective,
        1e-10,
    )


def main():
    """Computes all four and writes expected.json."""
    result = {
        "computed_with": {
            "python": platform.python_version(),
            "mpmath": mpmath.__version__,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
        },
    }
    for example in (logistic, rosenbrock, ridge, covariance):
        result[example.__name__] = example()
        print(example.__name__, result[example.__name__]["objective_digits"])
    with open(HERE / "expected.json", "w") as file:
        json.dump(result, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    main()
