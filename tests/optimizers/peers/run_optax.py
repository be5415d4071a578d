"""Run optax's own optimizers in float64."""

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402  after the switch to float64
import numpy as np  # noqa: E402
import optax  # noqa: E402

from tests.optimizers.peers.problem import rate_at  # noqa: E402

NAMES = {
    "adagrad": {"initial_accumulator": "initial_accumulator_value"},
    "rmsprop": {"initial_accumulator": "initial_scale"},
    "adadelta": {"decay": "rho"},
    "signum": {"momentum": "beta"},
    "muon": {"momentum": "beta", "ns_coefficients": "ns_coeffs"},
    "adafactor": {"d": "clipping_threshold", "eps1": "eps", "weight_decay": "weight_decay_rate"},
    "prodigy": {"b3": "beta3"},
}
IN_CONTRIB = (
    *("ademamix", "muon", "schedule_free_sgd", "schedule_free_adamw"),
    *("prodigy", "dog", "dowg", "sam"),
)
SCHEDULED = ("learning_rate", "scaling")


def schedule(rate):
    return (lambda step: rate_at(rate, step)) if isinstance(rate, dict) else rate


def sgd(keywords):
    return optax.sgd(keywords.pop("learning_rate"), keywords.pop("momentum", None))


def make(function, given):
    keywords = {NAMES.get(function, {}).get(k, k): v for k, v in given.items()}
    keywords.pop("decoupled_weight_decay", None)
    for key in set(SCHEDULED) & set(keywords):
        keywords[key] = schedule(keywords[key])
    if "beta2_decay" in keywords:
        keywords["decay_rate"] = -keywords.pop("beta2_decay")
    if function == "prodigy":
        keywords["betas"] = keywords.pop("b1", 0.9), keywords.pop("b2", 0.999)
    if function == "rprop":
        for pair, names in {
            "etas": ("eta_minus", "eta_plus"),
            "step_sizes": ("min_step_size", "max_step_size"),
        }.items():
            keywords.update(zip(names, keywords.pop(pair, ()), strict=False))
    if function == "lookahead":
        return optax.lookahead(sgd(keywords), **keywords)
    if function == "sam":
        adversary = optax.chain(optax.contrib.normalize(), optax.sgd(keywords.pop("rho")))
        return optax.contrib.sam(sgd(keywords), adversary, **keywords)
    return getattr(optax.contrib if function in IN_CONTRIB else optax, function)(**keywords)


def tree(arrays):
    return {k: np.asarray(v) for k, v in arrays.items()}


def run(function, given, start, gradients, values, quadratic):
    """Yield after each step the parameters, and what else the optimizer is evaluated at."""
    optimizer = make(function, given)
    params = {k: jnp.asarray(v) for k, v in start.items()}
    if function == "lookahead":
        params = optax.LookaheadParams.init_synced(params)
    update = optimizer.update if function == "sam" else jax.jit(optimizer.update)
    state = optimizer.init(params)
    for step, value in enumerate(values):
        extra = {"value": value} if function == "polyak_sgd" else {}
        if function == "sam":
            g = quadratic(params)
            if given.get("opaque_mode"):
                extra["grad_fn"] = lambda p, _: quadratic(p)
        else:
            g = {k: jnp.asarray(gradients[k][step]) for k in start}
        updates, state = update(g, state, params, **extra)
        params = optax.apply_updates(params, updates)
        if function == "lookahead":
            yield {"points": tree(params.fast), "slow": tree(params.slow)}
            continue
        found = {"points": tree(params)}
        if function.startswith("schedule_free"):
            found["evaluation"] = tree(optax.contrib.schedule_free_eval_params(state, params))
        yield found


def in_float64():
    """Take float32 out of adafactor (its decay, its momentum) and of the schedule-free warm-up."""
    from optax._src import factorized
    from optax.contrib._schedule_free import _schedule

    kept = factorized.scale_by_factored_rms.__defaults__
    ema, warmup = optax.adafactor.__defaults__, _schedule.warmup_constant_schedule

    def decay(count, exponent):
        return 1.0 - jnp.array(count + 1, jnp.float64) ** (-exponent)

    def float64_warmup(init_value, peak_value, warmup_steps):
        assert init_value == 0
        return lambda count: peak_value * jnp.minimum(jnp.float64(count) / warmup_steps, 1.0)

    assert kept[-1] is factorized._decay_rate_pow
    assert ema[7] is jnp.float32
    factorized.scale_by_factored_rms.__defaults__ = (*kept[:-1], decay)
    optax.adafactor.__defaults__ = (*ema[:7], jnp.float64, *ema[8:])
    _schedule.warmup_constant_schedule = float64_warmup

    def back():
        factorized.scale_by_factored_rms.__defaults__ = kept
        optax.adafactor.__defaults__ = ema
        _schedule.warmup_constant_schedule = warmup

    return back
