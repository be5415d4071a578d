"""Run PyTorch's own optimizers, each tensor by itself (foreach=False), in float64."""

import inspect
from importlib import import_module

import torch

from tests.optimizers.peers.problem import rate_at

# NAdam and ASGD keep numbers of their state in the default dtype
torch.set_default_dtype(torch.float64)

KINDS = {
    kind.__name__.lower(): kind
    for kind in (
        *(torch.optim.SGD, torch.optim.Adagrad, torch.optim.Adadelta, torch.optim.RMSprop),
        *(torch.optim.Rprop, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adamax),
        *(torch.optim.NAdam, torch.optim.RAdam, torch.optim.Adafactor, torch.optim.Muon),
        torch.optim.ASGD,
    )
}
NAMES = {
    "decay": {"rmsprop": "alpha", "adadelta": "rho"},
    "initial_accumulator": "initial_accumulator_value",
    "adjust_learning_rate": "adjust_lr_fn",
    "learning_rate": "lr",
}
PAIRS = {"betas": ("b1", "b2"), "eps": ("eps1", "eps2")}
DEFAULT_OF_PAIRS = {"b1": 0.9, "b2": 0.999, "eps1": None, "eps2": 1e-3}


def keywords_of(name, given):
    keywords = dict(given)
    for theirs, pair in PAIRS.items():
        if any(ours in keywords for ours in pair):
            keywords[theirs] = tuple(keywords.pop(k, DEFAULT_OF_PAIRS[k]) for k in pair)
    for ours, theirs in NAMES.items():
        if ours in keywords:
            theirs = theirs[name] if isinstance(theirs, dict) else theirs
            keywords[theirs] = keywords.pop(ours)
    if "lr" in keywords:
        keywords["lr"] = rate_at(keywords["lr"], 0)
    if "foreach" in inspect.signature(KINDS[name]).parameters:
        keywords["foreach"] = False
    return keywords


def run(name, given, start, gradients):
    """Yield after each step the parameters, and of ASGD the averages."""
    params = {k: torch.tensor(v, requires_grad=True) for k, v in start.items()}
    optimizer = KINDS[name](list(params.values()), **keywords_of(name, given))
    for step in range(len(next(iter(gradients.values())))):
        if "learning_rate" in given:
            optimizer.param_groups[0]["lr"] = rate_at(given["learning_rate"], step)
        for k, p in params.items():
            p.grad = torch.tensor(gradients[k][step])
        optimizer.step()
        found = {"points": {k: p.detach().numpy().copy() for k, p in params.items()}}
        if name == "asgd":
            ax = {k: optimizer.state[p]["ax"].numpy().copy() for k, p in params.items()}
            found["average"] = ax
        yield found


def without_bfloat16():
    """Let torch.optim.Muon orthogonalize in the matrix's own dtype: its code less one cast."""
    module = import_module("torch.optim._muon")
    source = inspect.getsource(module._zeropower_via_newtonschulz)
    cast = "grad.bfloat16()"
    assert source.count(cast) == 1
    before = module._zeropower_via_newtonschulz
    exec(source.replace(cast, "grad.clone()"), module.__dict__)
    return lambda: setattr(module, "_zeropower_via_newtonschulz", before)
