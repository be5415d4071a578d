"""Find the operation that makes a gradient nan, and mend it where it is made.

A lens blurs a line of points: the distance of each point to the middle goes through a root, which
has no derivative at the point in the middle itself. The value is fine, one gradient is not.
"""

import argparse

import anygrad as ag


def blur(points, width):
    xp = ag.namespace(points, width)
    distance = xp.sqrt(points * points)
    return xp.sum(xp.exp(-distance / width))


def mended(points, width):
    xp = ag.namespace(points, width)
    away = points != 0.0
    inside = xp.where(away, points * points, xp.ones_like(points))  # harmless where not used
    distance = xp.where(away, xp.sqrt(inside), xp.zeros_like(points))
    return xp.sum(xp.exp(-distance / width))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", default="numpy", help="numpy or cupy")
    backend = parser.parse_args().backend
    with ag.use_backend(backend):
        points = ag.asarray([-1.0, 0.0, 2.0])
        width = ag.asarray(1.5)

    print(ag.trace(blur)(points, width))
    print()
    try:
        with ag.debug_nans():
            ag.grad(blur)(points, width)
    except ag.errors.NonFiniteError as error:
        print("found:", str(error).split(";")[0])
        print(f"at line {error.line.number}: {error.line.source}")
    with ag.debug_nans():
        gradient = ag.grad(mended)(points, width)
    print("mended:", ag.to_numpy(gradient).round(4).tolist())


if __name__ == "__main__":
    main()
