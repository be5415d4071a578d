"""Fits the tables of ``mathematics/roots.py``; run as a script it prints them."""

from mpmath import mpf

from tests.compiler.native.fitting import fit

COUNTS = {"float64": 4, "float32": 3}
BITS = {"float64": 53, "float32": 24}


def refinement(dtype):
    """((1 - h)**(-1/3) - 1) / h, as far as the first guess of a root may be off."""
    third = mpf(1) / 3
    end = mpf("0.1036")
    return fit(
        lambda h: ((1 - h) ** -third - 1) / h,
        (-end, end),
        COUNTS[dtype],
        weight=abs,
        bits=BITS[dtype],
    )


TABLES = {"REFINEMENT": refinement}

if __name__ == "__main__":
    for name, made in TABLES.items():
        for dtype in BITS:
            print(name, dtype, made(dtype))
