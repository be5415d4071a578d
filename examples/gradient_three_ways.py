"""One gradient three ways: by differences, by the chain rule in the library, by hand.

The function is the misfit of y = a exp(-b t) to noisy data, at a guess of a and b.
"""

import argparse

import anygrad as ag

T = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
Y = [2.05, 1.21, 0.75, 0.44, 0.28, 0.17]
GUESS = [1.5, 0.8]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy"])
    ag.configure(backend=parser.parse_args().backend)
    t, y, guess = (ag.asarray(values) for values in (T, Y, GUESS))

    def misfit(p):
        xp = ag.namespace(p)
        return xp.sum((p[0] * xp.exp(-p[1] * t) - y) ** 2)

    def slope_by_hand(p):
        xp = ag.namespace(p)
        decay = xp.exp(-p[1] * t)
        residual = p[0] * decay - y
        return 2 * xp.stack([xp.sum(residual * decay), xp.sum(-residual * p[0] * t * decay)])

    by_hand = slope_by_hand(guess)
    ways = {
        "central differences": ag.differences.gradient(misfit, guess),
        "one-sided differences": ag.differences.gradient(misfit, guess, method="forward"),
        "complex step": ag.differences.gradient(misfit, guess, method="complex"),
        "automatic": ag.grad(misfit)(guess),
        "by hand": by_hand,
    }
    print(f"{'':22} {'df/da':>20} {'df/db':>20} {'off by':>8}")
    for name, slope in ways.items():
        (a, b), far = ag.to_numpy(slope), ag.to_numpy(abs(slope - by_hand)).max()
        print(f"{name:22} {a:20.15f} {b:20.15f} {far:8.0e}")

    print("\nIs the gradient by hand right?")
    print(ag.check_gradients(misfit, guess, grad=slope_by_hand))
    print("\nAnd with a sign forgotten?")
    print(ag.check_gradients(misfit, guess, grad=lambda p: abs(slope_by_hand(p))))


if __name__ == "__main__":
    main()
