import sys

import numpy as np
import pytest

from anygrad import plots
from anygrad.errors import ArgumentError, MissingPackageError, ShapeError
from anygrad.plots.canvas import WRONG
from anygrad.training import History
from tests.support import to_host

pytest.importorskip("matplotlib")

PNG = b"\x89PNG\r\n\x1a\n"


def history(xp):
    made = History()
    for step in range(100):
        made.record(step, loss=xp.asarray(2.0 / (step + 1)), gradient_norm=xp.asarray(0.5))
    made.record(99, accuracy=0.9)
    return made


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


@pytest.fixture(autouse=True)
def draw_coarsely(monkeypatch):
    monkeypatch.setattr("anygrad.plots.canvas.DPI", 20)


def test_each_column_gets_a_panel(tmp_path):
    figure = plots.training_curves(history(np), tmp_path / "curves.png")
    assert titles(figure) == ["loss", "gradient norm", "accuracy"]
    assert (tmp_path / "curves.png").read_bytes().startswith(PNG)
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]


def test_the_curve_is_the_history(xp):
    figure = plots.training_curves(history(xp), columns=["loss"])
    (axes,) = figure.axes
    raw, mean = axes.get_lines()
    np.testing.assert_array_equal(raw.get_ydata(), 2.0 / np.arange(1, 101))
    # 100 values, so the running mean is over 2
    np.testing.assert_allclose(mean.get_ydata()[[0, 1, 99]], [2.0, 1.5, (2 / 99 + 2 / 100) / 2])
    assert axes.get_yscale() == "log"


def test_a_loss_that_reaches_zero_has_a_linear_axis():
    figure = plots.training_curves({"loss": np.asarray([1.0, 0.0])})
    assert figure.axes[0].get_yscale() == "linear"


def test_nan_and_a_single_value_can_be_drawn(tmp_path):
    values = {"loss": np.asarray([1.0, np.nan, 0.5]), "norm": np.asarray([3.0])}
    plots.training_curves(values, tmp_path / "curves.png")
    plots.training_curves({"loss": np.asarray([np.nan])}, tmp_path / "nan.png")


def test_marks_cross_their_panel():
    figure = plots.training_curves(history(np), marks={"gradient_norm": 1.0})
    assert figure.axes[1].get_lines()[-1].get_ydata() == [1.0, 1.0]


def test_wrong_predictions_stand_out(xp):
    images = xp.asarray(np.random.default_rng(0).random((5, 4, 4)))
    figure = plots.image_grid(images, np.arange(5), np.asarray([0, 1, 2, 3, 9]), columns=3)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["0", "1", "2", "3", "4, not 9"]
    assert [text.get_color() == WRONG for text in axes.texts] == [False] * 4 + [True]
    for drawn, image in zip(axes.get_images(), to_host(images), strict=True):
        np.testing.assert_array_equal(drawn.get_array(), image)
    corners = [tuple(drawn.get_extent()[::3]) for drawn in axes.get_images()]
    assert corners == [(0, 0), (6, 0), (12, 0), (0, 6.2), (6, 6.2)]  # left, top


def test_a_grid_needs_no_predictions(tmp_path):
    figure = plots.image_grid(np.ones((2, 3, 3)), path=tmp_path / "grid.png")
    assert len(figure.axes[0].texts) == 0
    assert (tmp_path / "grid.png").read_bytes().startswith(PNG)


def test_a_race_draws_each_path(xp):
    paths = {
        "one": xp.asarray(np.linspace([-1.0, 1.0], [1.0, 1.0], 20)),
        "two": xp.asarray(np.linspace([-1.0, 1.0], [0.0, 0.0], 10)),
    }

    def bowl(x, y):
        return x**2 + 10 * y**2

    figure = plots.race(paths, bowl, minimum=(0.0, 0.0), title="Bowl")
    (axes,) = figure.axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["one (19 steps)", "two (9 steps)"]
    np.testing.assert_array_equal(axes.get_lines()[0].get_xydata(), to_host(paths["one"]))
    left, right = axes.get_xlim()
    assert left < -1 < 1 < right


def test_a_path_may_leave_the_picture(tmp_path):
    path = np.asarray([[0.0, 0.0], [1.0, 1.0], [np.inf, np.nan]])
    figure = plots.race({"diverging": path}, lambda x, y: x * y, tmp_path / "race.png")
    assert (tmp_path / "race.png").read_bytes().startswith(PNG)
    assert figure.axes[0].get_xlim()[1] < 2


def bowl(x, y):
    return x**2 + 10 * y**2


def test_a_grid_of_races_has_a_panel_each_and_one_legend(xp, tmp_path):
    line = xp.asarray(np.linspace([-1.0, 1.0], [1.0, 1.0], 20))
    short = xp.asarray(np.linspace([-1.0, 1.0], [0.0, 0.0], 10))
    minima = [(0.0, 0.0), (0.5, 0.5)]
    landscapes = {
        "bowl": plots.Landscape(bowl, {"one": line, "two": short}, minima),
        "plane": plots.Landscape(np.add, {"two": line}, limits=((-3.0, 3.0), (-2.0, 2.0))),
        "bowl again": plots.Landscape(bowl, {"three": short}),
    }
    figure = plots.race_grid(landscapes, tmp_path / "grid.png", title="Three")
    assert (tmp_path / "grid.png").read_bytes().startswith(PNG)
    assert titles(figure)[:3] == list(landscapes)
    assert [axes.get_visible() for axes in figure.axes] == [True, True, True, False]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["one", "two", "three"]
    lines = [{x.get_label(): x for x in axes.get_lines()} for axes in figure.axes]
    np.testing.assert_array_equal(lines[0]["two"].get_xydata(), to_host(short))
    colours = [lines[panel]["two"].get_color() for panel in (0, 1)]
    assert colours == [legend.get_lines()[1].get_color()] * 2
    assert sum(x.get_marker() == "*" for x in figure.axes[0].get_lines()) == len(minima)
    assert (figure.axes[1].get_xlim(), figure.axes[1].get_ylim()) == ((-3, 3), (-2, 2))


def test_more_racers_than_colours_differ_in_their_dashes():
    paths = {str(k): np.asarray([[0.0, 0.0], [1.0, k]]) for k in range(9)}
    figure = plots.race_grid({"bowl": plots.Landscape(bowl, paths)}, columns=5)
    assert len(figure.axes) == 1
    lines = figure.legends[0].get_lines()
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 9


def test_the_summary_holds_curves_and_images(tmp_path):
    images = np.zeros((20, 8, 8))
    figure = plots.training_summary(
        history(np), images, np.zeros(20, int), np.ones(20, int), tmp_path / "s.png", title="T"
    )
    texts = [text.get_text() for text in figure.findobj(match=lambda a: hasattr(a, "get_text"))]
    assert "T" in texts
    assert texts.count("0, not 1") == 20
    assert (tmp_path / "s.png").read_bytes().startswith(PNG)


def test_pyplot_is_never_touched(tmp_path):
    loaded = "matplotlib.pyplot" in sys.modules
    plots.training_curves(history(np), tmp_path / "curves.svg")
    assert ("matplotlib.pyplot" in sys.modules) == loaded
    assert (tmp_path / "curves.svg").read_bytes().startswith(b"<?xml")


def test_a_missing_matplotlib_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingPackageError, match="pip install"):
        plots.training_curves({"loss": np.ones(3)})


@pytest.mark.parametrize(
    ("draw", "error", "words"),
    [
        (lambda: plots.training_curves({}), ArgumentError, "no columns"),
        (
            lambda: plots.training_curves({"loss": np.ones(3)}, columns=["los"]),
            ArgumentError,
            "Did you mean 'loss'",
        ),
        (lambda: plots.image_grid(np.ones((8, 8))), ShapeError, "height, width"),
        (lambda: plots.image_grid(np.ones((0, 8, 8))), ArgumentError, "0 images"),
        (lambda: plots.image_grid(np.ones((2, 8, 8)), np.ones(3)), ShapeError, "predicted"),
        (lambda: plots.image_grid(np.ones((2, 8, 8)), columns=0), ArgumentError, "columns"),
        (lambda: plots.race({}, np.add), ArgumentError, "no finite point"),
        (lambda: plots.race({"a": np.ones(3)}, np.add), ShapeError, r"paths\['a'\]"),
        (lambda: plots.race_grid({}), ArgumentError, "0 of them"),
        (
            lambda: plots.race_grid({"flat": plots.Landscape(np.add, {})}),
            ArgumentError,
            r"landscapes\['flat'\]\.paths\): got no finite point",
        ),
        (
            lambda: plots.race_grid({"flat": plots.Landscape(np.add, {"a": np.ones(3)})}),
            ShapeError,
            r"paths\['a'\]\): got shape \(3,\)",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, error, words):
    with pytest.raises(error, match=words):
        draw()


STEPS = np.logspace(-12, 0, 25)


def test_errors_are_drawn_over_their_steps(xp, tmp_path):
    errors = {"forward": xp.asarray(STEPS), "central": xp.asarray(STEPS**2), "mine": STEPS * 0.0}
    figure = plots.error_against_step(
        xp.asarray(STEPS[::-1].copy()),
        {
            name: values[::-1] if name == "mine" else xp.flip(values)
            for name, values in errors.items()
        },
        tmp_path / "errors.png",
        ladder=(0.1, 1e-14, 1e-13),
        rounding=1e-16,
        title="x[0]",
    )
    assert (tmp_path / "errors.png").read_bytes().startswith(PNG)
    (axes,) = figure.axes
    assert (axes.get_xscale(), axes.get_yscale(), titles(figure)) == ("log", "log", ["x[0]"])
    lines = {line.get_label(): line for line in axes.get_lines()}
    np.testing.assert_allclose(lines["forward"].get_xdata(), STEPS)
    np.testing.assert_allclose(lines["forward"].get_ydata(), STEPS)
    np.testing.assert_allclose(lines["central"].get_ydata(), STEPS**2)
    assert np.all(lines["mine"].get_ydata() > 0.0)  # zeros stand at the lower edge
    np.testing.assert_allclose(lines["rounding / step"].get_ydata(), 1e-16 / STEPS)
    assert lines["ladder"].get_xdata()[0] == 0.1
    assert lines["its error bar"].get_ydata()[0] == 1e-13
    assert sorted(text.get_text() for text in axes.texts) == ["h", "h$^2$"]
    expected = [line for line in axes.get_lines() if line.get_linestyle() == "--"]
    np.testing.assert_allclose(expected[1].get_ydata(), STEPS**2)


@pytest.mark.parametrize(("name", "order"), [("forward", 1), ("central", 2), ("fourth order", 4)])
def test_the_slope_that_is_expected_goes_through_truncation_and_not_rounding(name, order):
    steps = np.logspace(-12, 0, 49)
    errors = 3.0 * steps**order + np.where(steps < 1e-4, 1.0, 0.0)
    errors[-1] *= 100.0  # too large a step for any power
    errors[-4:-1], errors[-9:-4] = np.inf, 0.0
    figure = plots.error_against_step(steps, {name: errors})
    (axes,) = figure.axes
    (expected,) = [line for line in axes.get_lines() if line.get_linestyle() == "--"]
    np.testing.assert_allclose(expected.get_ydata(), 3.0 * steps**order)
    (text,) = axes.texts
    x, y = text.xy
    assert y == pytest.approx(3.0 * x**order)
    assert steps[0] < x < steps[-1]


def test_the_picture_holds_all_errors_and_the_ladder():
    errors = {"mine": np.linspace(1e-6, 1e-3, 25), "zero": np.zeros(25)}
    figure = plots.error_against_step(STEPS, errors, ladder=(1e5, 1e-9, 1e-1))
    (axes,) = figure.axes
    low, high = axes.get_ylim()
    assert 1e-10 < low < 1e-9
    assert 1e-1 < high <= 10.0
    assert axes.get_xlim() == (STEPS[0], STEPS[-1])
    (zero,) = [line for line in axes.get_lines() if line.get_label() == "zero"]
    assert np.all(zero.get_ydata() == low)
    assert axes.get_xlabel() == "step"
    assert "difference" in axes.get_ylabel()


@pytest.mark.parametrize("bar", [0.0, np.inf])
def test_a_ladder_without_error_stands_at_the_lower_edge_and_no_bar_is_no_line(bar):
    figure = plots.error_against_step(STEPS, {"mine": STEPS}, ladder=(0.1, 0.0, bar), rounding=0.0)
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert set(lines) == {"mine", "ladder"}
    assert lines["ladder"].get_ydata()[0] == axes.get_ylim()[0] > 0.0


def test_an_error_that_is_infinitely_small_leaves_the_others_room():
    axes = plots.error_against_step(STEPS, {"mine": np.linspace(1e-300, 1.0, 25)}).axes[0]
    assert 1e-31 < axes.get_ylim()[0] < 1e-28


def test_errors_that_are_not_finite_leave_a_gap():
    figure = plots.error_against_step(STEPS, {"central": np.full(25, np.nan)})
    assert not figure.axes[0].texts
    assert np.all(np.isnan(figure.axes[0].get_lines()[0].get_ydata()))


@pytest.mark.parametrize(
    ("steps", "errors", "error", "words"),
    [
        (STEPS, {}, ArgumentError, "at least one method"),
        (-STEPS, {"a": STEPS}, ArgumentError, "steps > 0"),
        (STEPS * 0.0, {"a": STEPS}, ArgumentError, "steps > 0"),
        (STEPS.reshape(5, 5), {"a": STEPS.reshape(5, 5)}, ArgumentError, r"shape \(5, 5\)"),
        (STEPS, {"a": STEPS[1:]}, ShapeError, r"errors\['a'\]"),
    ],
)
def test_errors_that_do_not_fit_are_refused(steps, errors, error, words):
    with pytest.raises(error, match=words):
        plots.error_against_step(steps, errors)
