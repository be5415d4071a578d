"""Write torch.json and optax.json: what the peers' own optimizers do, step by step, in float64.

Run ``python -m tests.optimizers.peers.generate`` where torch and optax are installed. The tests
read the files only, so they need neither. problem.json has the parameters at the start and the
gradients of each step; of each run the parameters after the steps KEPT are written.

A row with "precision" repeats what the peer computes in less than float64; the same case stands
again with "patched", where that one cast is taken out of the peer's code. The rows under "defects"
are what optax does, and no optimizer should follow.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

from tests.optimizers.peers.cases_optax import CASES as OPTAX_CASES
from tests.optimizers.peers.cases_optax import DEFECTS, WHAT
from tests.optimizers.peers.cases_torch import CASES as TORCH_CASES
from tests.optimizers.peers.problem import (
    KEPT,
    make_gradients,
    make_quadratic,
    make_start,
    make_values,
)

HERE = Path(__file__).parent
MATRIX, CENTRE = make_quadratic()


def listed(tree):
    return {k: v.tolist() for k, v in tree.items()}


def quadratic(params):
    g = MATRIX @ (np.concatenate([params["b"], params["s"]]) - CENTRE)
    return {"b": g[:6], "s": g[6:]}


def row_of(peer, function, optimizer, given, leaves, path, **more):
    row = {"peer": peer, "function": function, "optimizer": optimizer, "given": given}
    row |= {"leaves": leaves, **more}
    for step, found in enumerate(path, 1):
        for kind, arrays in found.items():
            if step in KEPT:
                assert all(np.isfinite(a).all() for a in arrays.values()), row
                row.setdefault(kind, {})[str(step)] = listed(arrays)
    return row


def torch_rows():
    from tests.optimizers.peers import run_torch

    gradients, start = make_gradients(), make_start()
    for name, given in TORCH_CASES:
        leaves = ["w"] if name == "muon" else list(start)
        of_leaves = {k: start[k] for k in leaves}

        def row(name=name, given=given, leaves=leaves, of_leaves=of_leaves, **more):
            path = run_torch.run(name, given, of_leaves, gradients)
            function = run_torch.KINDS[name].__name__
            return row_of("torch", function, name, given, leaves, path, **more)

        if name == "muon":
            yield row(precision="bfloat16")
            back = run_torch.without_bfloat16()
            yield row(patched="bfloat16")
            back()
        else:
            yield row()


def optax_rows(cases):
    from tests.optimizers.peers import run_optax

    gradients, values, start = make_gradients(), make_values(), make_start()
    for function, name, given in cases:
        leaves = ["b", "s"] if function == "sam" else list(start)
        of_leaves = {k: start[k] for k in leaves}

        def row(function=function, name=name, given=given, of_leaves=of_leaves, **more):
            path = run_optax.run(function, given, of_leaves, gradients, values, quadratic)
            return row_of("optax", function, name, given, list(of_leaves), path, **more)

        if cases is DEFECTS:
            yield row(what=WHAT[function])
        elif function == "adafactor" or "warmup_steps" in given:
            yield row(precision="float32")
            back = run_optax.in_float64()
            yield row(patched="float32")
            back()
        else:
            yield row()


def write(name, head, **lists):
    """Write one JSON object, with a line for each row of the lists."""
    compact = (",", ":")
    parts = [f'"{k}":{json.dumps(v, separators=compact)}' for k, v in head.items()]
    for key, rows in lists.items():
        lines = ",\n".join(json.dumps(row, separators=compact) for row in rows)
        parts.append(f'"{key}":[\n{lines}\n]')
    (HERE / name).write_text("{\n" + ",\n".join(parts) + "\n}\n")


def main():
    head = {
        "start": listed(make_start()),
        "gradients": listed(make_gradients()),
        "values": make_values().tolist(),
        "quadratic": {"matrix": MATRIX.tolist(), "centre": CENTRE.tolist()},
        "kept": KEPT,
    }
    write("problem.json", head)
    sources = {name: version(name) for name in ("torch", "optax", "jax", "numpy")}
    write("torch.json", {"sources": sources}, trajectories=torch_rows())
    optax = {"trajectories": optax_rows(OPTAX_CASES), "defects": optax_rows(DEFECTS)}
    write("optax.json", {"sources": sources}, **optax)


if __name__ == "__main__":
    main()
