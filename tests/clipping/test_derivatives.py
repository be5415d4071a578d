import numpy as np

from anygrad import clipping
from anygrad.autodiff import grad
from anygrad.backends import namespace_of
from tests.support import assert_close, to_host


def test_clipping_differentiates(xp):
    weights = xp.asarray([1.0, 2.0, 3.0])
    clips = [
        lambda g: clipping.clip_by_global_norm([g], 1.0)[0][0],
        lambda g: clipping.clip_by_global_norm([g], 1.0)[1] * g,
        lambda g: clipping.global_norm(g) * g,
        lambda g: clipping.clip_by_norm(g, 1.0),
        lambda g: clipping.clip_by_value(g, 1.0),
    ]
    for clip in clips:
        for values in ([0.6, 0.8, 2.0], [0.06, 0.08, 0.2]):
            slope = grad(lambda g: namespace_of(g).sum(clip(g) * weights))  # noqa: B023
            x = np.asarray(values)
            # central differences in plain NumPy on the values of the same clip
            h = 1e-6
            by_hand = [
                to_host(weights)
                @ (to_host(clip(xp.asarray(x + e))) - to_host(clip(xp.asarray(x - e))))
                for e in h * np.eye(3)
            ]
            assert_close(
                slope(xp.asarray(x)), np.asarray(by_hand) / (2 * h), scale=1e5
            )  # h^2 + eps/h


def test_clipping_differentiates_at_zero(xp):
    for clip in (
        lambda g: clipping.clip_by_global_norm(g, 1.0)[0],
        lambda g: clipping.clip_by_norm(g, 1.0),
    ):
        slope = grad(lambda g: namespace_of(g).sum(clip(g)))  # noqa: B023
        assert_close(slope(xp.zeros((2,))), np.ones(2))


def test_constants_may_stand_beside_what_is_differentiated(quick_xp):
    xp = quick_xp
    plain = xp.asarray([2.0, -1.0])

    def by_tree(clip):
        def loss(x):
            clipped = clip({"x": x, "constant": plain})
            return sum(namespace_of(leaf).sum(leaf) for leaf in clipped.values())

        return loss

    losses = [
        by_tree(lambda tree: clipping.clip_by_global_norm(tree, 1.0)[0]),
        by_tree(lambda tree: clipping.clip_by_global_norm(tree, 1.0, ord=3)[0]),
        by_tree(lambda tree: clipping.normalize(tree)[0]),
        by_tree(lambda tree: clipping.clip_per_example(tree, 1.0)[0]),
        by_tree(lambda tree: clipping.clip_by_norm(tree, 1.0)),
        # the limit alone depends on x
        lambda x: namespace_of(x).sum(clipping.clip_adaptively(plain, x, 0.1)),
    ]
    h, x = 1e-6, np.asarray([1.5, 0.5])
    for loss in losses:
        by_hand = [
            (float(to_host(loss(xp.asarray(x + e)))) - float(to_host(loss(xp.asarray(x - e)))))
            / (2 * h)
            for e in h * np.eye(2)
        ]
        # h^2 + eps / h
        assert_close(grad(loss)(xp.asarray(x)), np.asarray(by_hand), scale=1e5)
