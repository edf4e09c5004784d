"""The inputs of GradBench's evals as arrays, the same for every system, and outputs as plain numbers.

Riesz's `gradbench calibrate` writes the input as JSON, in GradBench's form. What does not depend on
the unknowns and needs no arithmetic on large arrays (places of entries, repetition of the one camera
of ba) is made here, before the clock starts; GradBench allows that.
"""

import math
from types import SimpleNamespace

import numpy as np


def array(values):
    """Numbers in double precision."""
    return np.asarray(values, dtype=np.float64)


def gmm(given):
    """A mixture: its unknowns, its points, where `l` stands in the factors, and the prior."""
    d, m = given["d"], given.get("m", 0)
    gamma = float(given.get("gamma", 1))
    columns, rows = np.triu_indices(d, 1)  # below the diagonal, column by column
    freedom = d + m + 1
    gammas = (math.lgamma(0.5 * (freedom + 1 - j)) for j in range(1, d + 1))
    log_gamma = 0.25 * d * (d - 1) * math.log(math.pi) + sum(gammas)
    normalisation = freedom * d * (math.log(gamma) - 0.5 * math.log(2)) - log_gamma
    constant = given["k"] * normalisation - 0.5 * given["n"] * d * math.log(2 * math.pi)
    return SimpleNamespace(
        unknowns={name: array(given[name]) for name in ("alpha", "mu", "q", "l")},
        x=array(given["x"]),
        places=(rows, columns),
        gamma=gamma,
        m=m,
        constant=constant,
    )


def ba(given):
    """Cameras, points, weights and features, and the camera and point of each observation."""
    n, m, p = given["n"], given["m"], given["p"]
    observation = np.arange(p)
    return SimpleNamespace(
        cameras=np.tile(array(given["cam"]), (n, 1)),
        points=np.tile(array(given["x"]), (m, 1)),
        weights=np.full(p, float(given["w"])),
        features=np.tile(array(given["feat"]), (p, 1)),
        of_camera=observation % n,
        of_point=observation % m,
    )


def ends(rows, columns, values):
    """Of a sparse matrix GradBench wants the first thirty entries of each array and its last."""

    def short(array):
        return np.append(np.asarray(array[:30]), np.asarray(array[-1]))

    return {"rows": short(rows), "cols": short(columns), "vals": short(values)}


def lstm(given):
    """Gates `[layers, weight or bias, gate, bits]`, both ends, hidden and cell states, the text."""
    state = array(given["state"])
    layers, bits = len(state) // 2, state.shape[1]
    return SimpleNamespace(
        gates=array(given["main_params"]).reshape(layers, 2, 4, bits),
        extra=array(given["extra_params"]),
        hidden=state[0::2],
        cell=state[1::2],
        text=array(given["sequence"]),
    )


def ht(given):
    """The hand and what was measured. The pose bends three bones of each finger of four, the first of
    the three to the side too."""
    model = given["data"]["model"]
    finger = np.arange(5)
    return SimpleNamespace(
        theta=array(given["theta"]),
        us=array(given["us"]),
        points=array(given["data"]["points"]),
        corners=np.asarray(model["triangles"])[given["data"]["correspondences"]],
        parents=model["parents"],
        relative=array(model["base_relatives"]),
        inverse_rest=array(model["inverse_base_absolutes"]),
        rest=array(model["base_positions"]),
        weights=array(model["weights"]),
        mirror=array([-1 if model["is_mirrored"] else 1, 1, 1]),
        # Bones that bend and the numbers of their angles; the same for those that turn to the side.
        bends=(
            (4 * finger[:, None] + [2, 3, 4]).ravel(),
            (4 * finger[:, None] + [6, 8, 9]).ravel(),
        ),
        sides=(4 * finger + 2, 4 * finger + 7),
    )


def kmeans(given):
    """Points and centroids."""
    return SimpleNamespace(points=array(given["points"]), centroids=array(given["centroids"]))


def lse(given):
    """Some numbers."""
    return SimpleNamespace(x=array(given["x"]))


def llsq(given):
    """A polynomial's coefficients, and the number of points."""
    return SimpleNamespace(x=array(given["x"]), n=given["n"])


def ode(given):
    """Coefficients, and the number of steps."""
    return SimpleNamespace(x=array(given["x"]), steps=given["s"])


def det(given):
    """A matrix."""
    return SimpleNamespace(a=array(given["A"]).reshape(given["ell"], given["ell"]))


def particle(given):
    """The place of the charge where the search starts, as a vector of one number."""
    return SimpleNamespace(w=array([given["w"]]))


def saddle(given):
    """Where both searches start."""
    return SimpleNamespace(start=array(given["start"]))


def flat(output):
    """Every number of an output, fields in the order of their names."""
    if isinstance(output, dict):
        return np.concatenate([flat(output[name]) for name in sorted(output)])
    return np.ravel(np.asarray(output, dtype=np.float64))
