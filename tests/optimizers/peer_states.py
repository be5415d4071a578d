"""What states of PyTorch and optax look like, for tests that need neither."""

from collections import namedtuple

import numpy as np

from anygrad import trees

# as optax has them
AdamState = namedtuple("ScaleByAdamState", "count mu nu")
RmsState = namedtuple("ScaleByRmsState", "nu")
StdDevState = namedtuple("ScaleByRStdDevState", "mu nu")
RssState = namedtuple("ScaleByRssState", "sum_of_squares")
TraceState = namedtuple("TraceState", "trace")
ScheduleState = namedtuple("ScaleByScheduleState", "count")
MuonState = namedtuple("MuonState", "count mu ns_coeffs")
FactoredState = namedtuple("FactoredState", "count v_row v_col v")
EmptyState = namedtuple("EmptyState", "")
MaskedNode = namedtuple("MaskedNode", "")
MaskedState = namedtuple("MaskedState", "inner_state")
PartitionState = namedtuple("PartitionState", "inner_states")
InjectState = namedtuple("InjectStatefulHyperparamsState", "count hyperparams inner_state")
DogState = namedtuple("DoGState", "is_init_step init_params max_dist sum_sq_norm_grads")
ScheduleFreeState = namedtuple(
    "ScheduleFreeState", "b1 weight_sum step_count max_lr base_optimizer_state z"
)

PATHS = ["layer/w", "layer/b", "scale"]  # PyTorch's order, not the sorted one


def zeros(xp=np, dtype=None):
    dtype = dtype or xp.float64
    return {
        "layer": {"w": xp.zeros((2, 3), dtype=dtype), "b": xp.zeros((2,), dtype=dtype)},
        "scale": xp.zeros((), dtype=dtype),
    }


def draw(seed):
    rng = np.random.default_rng(seed)
    return {
        "layer": {"w": rng.standard_normal((2, 3)), "b": rng.standard_normal(2)},
        "scale": np.asarray(rng.standard_normal()),
    }


def by_path(tree):
    return dict(zip(map(str, trees.paths(tree)), trees.leaves(tree), strict=True))


def torch_state(*fields, step=5, lr=0.25, order=PATHS, dtype=np.float64):
    """What state_dict() gives: each field of each parameter filled with numbers of its own."""
    values = {name: by_path(draw(seed)) for seed, name in enumerate(fields)}
    state = {}
    for key, path in enumerate(order):
        state[key] = {name: np.asarray(values[name][path], dtype=dtype) for name in fields}
        if step is not None:
            state[key]["step"] = np.float32(step)
    return {"state": state, "param_groups": [{"lr": lr, "params": list(range(len(order)))}]}
