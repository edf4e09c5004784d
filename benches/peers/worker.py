"""One process that prepares and times cases on request; src/worker.rs explains the requests, and
crates/gradbench/src/peers.rs those for GradBench's evals.

    python worker.py --peer jax --threads 1
"""

import argparse
import importlib
import json
import os
import statistics
import sys
import time

PEERS = {
    "jax": "jax_cases",
    "torch": "torch_cases",
    "torchc": "torch_cases",
    "casadi": "casadi_cases",
    "floor": "floor_cases",
}

# Those that have GradBench's evals.
GRADBENCH = {"jax": "gradbench.jax_evals", "torch": "gradbench.torch_evals"}

# A call that takes so many seconds says enough by itself.
LONG = 0.5


def limit_threads(threads):
    """Confines this process to some cores and tells every thread pool; before the pools start."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["JAX_PLATFORMS"] = "cpu"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def measure(call, seconds, sample=2e-3):
    """Median time of one call, and the number of samples; as in src/worker.rs."""

    def batch(calls):
        if hasattr(call, "batch"):
            return call.batch(calls) / calls
        began = time.perf_counter()
        for _ in range(calls):
            call()
        return (time.perf_counter() - began) / calls

    first = batch(1)
    if first > LONG:
        return {"median_s": first, "samples": 1}
    calls = 1
    while batch(calls) * calls < sample and not getattr(call, "is_estimate", False):
        calls *= 2
    end = time.perf_counter() + seconds
    samples = []
    while len(samples) < 3 or time.perf_counter() < end:
        samples.append(batch(calls))
    return {"median_s": statistics.median(samples), "samples": len(samples)}


def checksum(value, np):
    """The sum of the absolute values of all entries."""
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return sum(checksum(part, np) for part in value)
    return float(np.abs(np.asarray(value, dtype=np.float64)).sum())


def main():
    """Answers requests until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--peer", choices=PEERS, required=True)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    limit_threads(chosen.threads)
    import numpy as np

    module = importlib.import_module(PEERS[chosen.peer])
    peer = module.Peer(chosen.peer, chosen.threads)
    ready = {}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "measure" in request:
                answer = measure(ready[request["measure"]], request["seconds"])
            elif "eval" in request:
                ready.clear()
                answer = prepare_eval(chosen.peer, request, ready)
            else:
                ready.clear()
                answer = prepare(peer, request, ready, np)
        except Exception as error:  # a peer may fail at anything; the table then says so
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(answer), flush=True)


def prepare(peer, request, ready, np):
    """Every variant of a case; the numbers are those of the first."""
    function = getattr(peer, request["case"], None)
    variants = function(request["n"], request["dtype"]) if function else None
    if not variants:
        return {"missing": True}
    peer.variants = variants  # a variant may own memory that its call uses
    numbers = None
    for name, (call, result) in variants.items():
        objective, derivative = result(call())
        ready[name] = call
        numbers = numbers or (objective, checksum(derivative, np))
    objective, total = numbers
    return {
        "objective": None if objective is None else float(objective),
        "checksum": total,
        "variants": list(ready),
        "version": peer.version,
    }


def prepare_eval(peer, request, ready):
    """Every variant of an eval's derivative; the numbers of those that work go to a file."""
    from gradbench import inputs

    evals = importlib.import_module(GRADBENCH[peer])
    with open(request["input"], encoding="utf-8") as file:
        given = getattr(inputs, request["eval"])(json.load(file))
    failed = {}
    with open(request["output"], "wb") as file:
        for name, (call, read) in getattr(evals, request["eval"])(given).items():
            try:
                inputs.flat(read(call())).tofile(file)
                ready[name] = call
            except Exception as error:  # one way of writing it may fail where another works
                failed[name] = f"{type(error).__name__}: {error}"[:300]
    return {"variants": list(ready), "failed": failed}


if __name__ == "__main__":
    main()
