"""The distributions of scipy.stats: the derivative of each cdf is the pdf."""

import numpy as np
from scipy import stats

from benchmarks.accuracy.suites import Case

QUANTILES = np.linspace(0.01, 0.99, 20)
# Shapes as in SciPy's own tests, rounded.
SHAPES: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(("anglit", "arcsine", "cauchy", "cosine", "expon", "gibrat", "gumbel_l"), ()),
    **dict.fromkeys(("gumbel_r", "halfcauchy", "halflogistic", "halfnorm", "hypsecant"), ()),
    **dict.fromkeys(
        ("kstwobign", "landau", "laplace", "levy", "levy_l", "logistic", "maxwell"), ()
    ),
    **dict.fromkeys(("moyal", "norm", "rayleigh", "semicircular", "uniform", "wald"), ()),
    "alpha": (3.57,),
    "argus": (1.0,),
    "beta": (2.31, 0.627),
    "betaprime": (5.0, 6.0),
    "bradford": (0.299,),
    "burr": (10.5, 4.3),
    "burr12": (10.0, 4.0),
    "chi": (78.0,),
    "chi2": (55.0,),
    "crystalball": (2.0, 3.0),
    "dgamma": (1.1,),
    "dpareto_lognorm": (3.0, 1.2, 1.5, 2.0),
    "dweibull": (2.07,),
    "erlang": (10,),
    "exponnorm": (1.5,),
    "exponpow": (2.7,),
    "exponweib": (2.89, 1.95),
    "f": (29.0, 18.0),
    "fatiguelife": (29.0,),
    "fisk": (3.09,),
    "foldcauchy": (4.72,),
    "foldnorm": (1.95,),
    "gamma": (1.99,),
    "genexpon": (9.13, 16.2, 3.28),
    "genextreme": (-0.1,),
    "gengamma": (4.42, 3.12),
    "genhalflogistic": (0.773,),
    "genhyperbolic": (0.5, 1.5, -0.5),
    "geninvgauss": (2.3, 1.5),
    "genlogistic": (0.412,),
    "gennorm": (1.3,),
    "genpareto": (0.1,),
    "gompertz": (0.947,),
    "halfgennorm": (0.675,),
    "invgamma": (4.07,),
    "invgauss": (0.145,),
    "invweibull": (10.6,),
    "irwinhall": (10,),
    "jf_skew_t": (8.0, 4.0),
    "johnsonsb": (4.32, 3.18),
    "johnsonsu": (2.55, 2.25),
    "kappa3": (1.0,),
    "kappa4": (0.1, 0.1),
    "laplace_asymmetric": (2.0,),
    "loggamma": (0.414,),
    "loglaplace": (3.25,),
    "lognorm": (0.954,),
    "loguniform": (0.01, 1.25),
    "lomax": (1.88,),
    "mielke": (10.4, 4.6),
    "nakagami": (4.97,),
    "ncf": (27.0, 27.0, 0.416),
    "nct": (14.0, 0.24),
    "ncx2": (21.0, 1.06),
    "norminvgauss": (1.25, 0.5),
    "pareto": (2.62,),
    "pearson3": (0.1,),
    "powerlaw": (1.66,),
    "powerlognorm": (2.14, 0.446),
    "powernorm": (4.45,),
    "rdist": (1.6,),
    "recipinvgauss": (0.63,),
    "rel_breitwigner": (36.5,),
    "rice": (0.775,),
    "skewcauchy": (0.5,),
    "skewnorm": (4.0,),
    "studentized_range": (3.0, 10.0),
    "t": (2.74,),
    "trapezoid": (0.2, 0.8),
    "triang": (0.158,),
    "truncexpon": (4.69,),
    "truncnorm": (-1.1, 2.7),
    "truncpareto": (1.8, 5.3),
    "truncweibull_min": (2.5, 0.25, 1.75),
    "tukeylambda": (3.13,),
    "vonmises": (3.99,),
    "vonmises_line": (3.99,),
    "weibull_max": (2.87,),
    "weibull_min": (1.79,),
    "wrapcauchy": (0.0311,),
}
LEFT_OUT = {
    "geninvgauss": "its cdf is a numerical integral, good to 1e-10",
    "genhyperbolic": "its cdf is a numerical integral, and takes seconds",
    "kstwobign": "its pdf is good to 1e-8 only, around x = 0.85",
    "norminvgauss": "its cdf is a numerical integral, good to 1e-10",
    "studentized_range": "its cdf and pdf are numerical integrals, and take seconds",
    "vonmises_line": "inside a period it is vonmises",
}


def make_case(name: str) -> Case:
    frozen = getattr(stats, name)(*SHAPES[name])
    # short digits: nothing is gained by points that are quantiles to the last bit
    x = np.array([float(f"{point:.10g}") for point in frozen.ppf(QUANTILES)])
    return Case(name, frozen.cdf, x, frozen.pdf(x))


def make_distributions() -> list[Case]:
    """A second or two, spent by ppf; scipy.stats takes another to import."""
    with np.errstate(all="ignore"):
        return [make_case(name) for name in SHAPES if name not in LEFT_OUT]


DISTRIBUTIONS = make_distributions
