"""What a replayed step asks of a GPU: few launches, and never to wait."""

import numpy as np
import pytest

import anygrad as ag
from anygrad import clipping
from tests.optimizers.devices.counted import (
    CALLS,
    STEPS,
    count_step,
    leaves_of,
    not_compiled,
    on_gpu,
)
from tests.support import forbid_host_copies
from tests.support.host_copies import HiddenHostCopy

pytestmark = pytest.mark.usefixtures("lookalike")

RAISES = "clip_by_global_norm-raise in a chain"


@pytest.mark.parametrize("name", [name for name in STEPS if name != RAISES])
def test_no_step_waits_for_the_device(name):
    found = count_step(STEPS[name], leaves=4)
    assert found["launch"] > 0
    assert not found["read"]
    assert not found["synchronize"]


def test_a_clip_that_raises_looks():
    with pytest.raises(HiddenHostCopy):
        count_step(STEPS[RAISES], leaves=4)


# sums of every leaf, in two stages; sums of leaves, and flags; the scale; the step
JOINT = 5
MOST = {
    "adam": 1,
    "adan": 1,
    "asgd": 1,
    "radam": 1,
    "rprop": 1,
    "schedule_free_adamw": 1,
    "schedule_free_sgd": 1,
    "sgd": 1,
    "clip_by_value + adam": 1,
    "clip_by_value + sgd": 1,
    "clip_by_global_norm + adam": JOINT,
    "clip_by_global_norm + sgd": JOINT,
    "clip_by_global_norm-skip in a chain": JOINT,
    "clip_by_global_norm-zero in a chain": JOINT + 1,
    "normalize in a chain": JOINT,
    "dynamic_loss_scale in a chain": JOINT,
    # a norm for each leaf, and with the clip the joint one for the state
    "lars": 4,
    "lamb": 6,
    "clip_by_norm + adam": 7,
    "monitored adam": 6,
}
# copies of arguments that are kept; a reduction of flags alone
BESIDE = {"adan": 24, "dynamic_loss_scale in a chain": 1}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MOST)
def test_steps_of_many_leaves_are_few_launches(name, dtype):
    found = count_step(STEPS[name], leaves=24, dtype=dtype)
    assert found["launch"] <= MOST[name]
    assert sum(found[kind] for kind in CALLS if kind != "index") == BESIDE.get(name, 0), found


def test_a_compiled_norm_reads_every_leaf_in_one_kernel():
    from tests.support.lookalike_cupy import counting

    grads = on_gpu(leaves_of(24))
    with ag.use_settings(kernels="always"), not_compiled():
        norm = ag.compile(clipping.global_norm)
        for _ in range(3):
            norm(grads)
        with forbid_host_copies(), counting.counting() as found:
            norm(grads)
        text = str(norm.ir(grads))
    assert found["launch"] == JOINT - 1
    assert not any(found[kind] for kind in CALLS)
    reads = [line for line in text.splitlines() if " = abs(" in line]
    assert len(reads) == len(grads) == len(np.unique(reads))
