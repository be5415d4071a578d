"""Reports read as sentences and tables, raise, and draw."""

import sys

import numpy as np
import pytest

from anygrad import check_gradients
from anygrad.checking import ElementCheck, GradientReport
from anygrad.checking.elements import group_by_leaf
from anygrad.checking.pictures import measure_errors
from anygrad.checking.tables import SHOWN, as_text
from anygrad.errors import GradientError

TREE = {"first": np.asarray([1.0, 2.0]), "second": [np.asarray(3.0), np.ones((2, 2))]}


def cubes(t):
    return np.sum(t["first"] ** 3) + t["second"][0] ** 3 + np.sum(t["second"][1])


def slope(t):
    return {"first": 3 * t["first"] ** 2, "second": [3 * t["second"][0] ** 2, np.ones((2, 2))]}


def test_a_report_reads_as_sentences():
    report = check_gradients(lambda x: np.sum(x**3), np.asarray([1.0, 2.0]))
    assert str(report).startswith("The gradient agrees with differences in the 2 elements checked.")
    report = check_gradients(
        lambda x: np.sum(x**3), np.asarray([1.0, 2.0]), grad=np.asarray([3.0, 11.0])
    )
    first, second = str(report).splitlines()
    assert first == "The gradient is wrong in 1 of the 2 elements checked."
    assert second.startswith("Worst is x[1]: automatic 11, numerical 12")
    assert second.endswith("error bars apart.")


def test_leaves_stand_in_a_table_with_aligned_columns():
    wrong = slope(TREE)
    wrong["second"][1][0, 1] = 2.0
    report = check_gradients(cubes, TREE, grad=wrong)
    sentences, table = str(report).split("\n\n")
    assert sentences.startswith("The gradient is wrong in 1 of the 7 elements checked.")
    head, rule, *rows = table.splitlines()
    assert head.split("  ")[0].strip() == "leaf"
    assert set(rule) == {"-"}
    assert [row.split()[0] for row in rows] == ["t['first']", "t['second'][0]", "t['second'][1]"]
    assert [row.split()[1:4] for row in rows] == [["2", "0", "0"], ["1", "0", "0"], ["4", "1", "0"]]
    ends = {row.index(" bars") for row in rows}
    assert len(ends) == 1
    (leaf,) = [leaf for leaf in report.leaves if leaf.verdict != "agrees"]
    assert (leaf.path, leaf.wrong, leaf.checked, leaf.largest) == ("t['second'][1]", 1, 4, 2.0)
    assert leaf.worst.index == (0, 1)


def test_one_leaf_needs_no_table_and_many_are_counted():
    assert "\n\n" not in str(check_gradients(lambda x: np.sum(x**2), np.ones(3)))
    tree = [np.ones(1) for _ in range(SHOWN + 10)]
    grads = [np.full(1, 2.0) for _ in tree]
    grads[25] = np.full(1, 3.0)
    report = check_gradients(lambda t: sum(np.sum(x**2) for x in t), tree, grad=grads)
    table = str(report).split("\n\n")[1].splitlines()
    assert len(table) == 2 + SHOWN + 1
    assert table[-1] == "and 10 more leaves"
    assert [row.split()[0] for row in table[2:-1]] == [f"t[{i}]" for i in [*range(SHOWN - 1), 25]]
    assert "and 10 more leaves</div>" in report._repr_html_()
    report = check_gradients(
        lambda t: sum(np.sum(x**2) for x in t), tree[:SHOWN], grad=grads[:SHOWN]
    )
    assert len(str(report).split("\n\n")[1].splitlines()) == 2 + SHOWN


def test_unclear_leaves_are_shown_before_right_ones():
    def make(i, cause):
        return ElementCheck(f"t[{i}]", (), "", -2.0, 0.0, 4.0, cause)

    causes = ["agrees"] * (SHOWN + 5)
    causes[21], causes[23] = "step", "wrong rule"
    leaves = group_by_leaf(make(i, cause) for i, cause in enumerate(causes))
    assert [leaves[i].verdict for i in (0, 21, 23)] == ["agrees", "inconclusive", "wrong"]
    rows = as_text(leaves).splitlines()
    assert rows[-3].split() == ["t[21]", "1", "0", "1", "2", "2.0e+00", "=", "0.5", "bars"]
    assert rows[-2].split()[0] == "t[23]"


@pytest.mark.parametrize(
    ("cause", "colour"), [("agrees", "009e73"), ("wrong rule", "c8372d"), ("step", "b8860b")]
)
def test_green_means_right_and_red_wrong(cause, colour):
    report = GradientReport((ElementCheck("x", (), "", 1.0, 1.0, 1.0, cause),), 1)
    assert f'<b style="color: #{colour}">{report.verdict}</b>' in report._repr_html_()


@pytest.mark.parametrize(
    ("automatic", "error", "ratio"),
    [
        (3.0, 0.5, 4.0),
        (1.0, 0.0, 0.0),
        (3.0, 0.0, np.inf),
        (3.0, np.inf, np.inf),
        (np.nan, 1.0, np.inf),
    ],
)
def test_ratios_count_error_bars_and_are_infinite_where_unknown(automatic, error, ratio):
    assert ElementCheck("x", (), "", automatic, 1.0, error).ratio == ratio


def test_a_notebook_gets_an_escaped_table():
    wrong = slope(TREE)
    wrong["first"][1] = 0.0
    html = check_gradients(cubes, TREE, grad=wrong)._repr_html_()
    assert html.count("<tr>") == 1 + 3
    assert "<td>t[&#x27;first&#x27;]</td><td>2</td><td>1</td>" in html
    assert ">wrong</b>" in html
    element = ElementCheck("<script>", (), "", 1.0, 1.0, 1e-9)
    html = GradientReport((element,), 1)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_wrong_elements_come_before_unclear_and_right_ones():
    def make(cause, ratio):
        return ElementCheck("x", (), "", ratio, 0.0, 1.0, cause)

    right, unclear, wrong = make("agrees", 0.9), make("step", 0.1), make("wrong rule", 2.0)
    assert GradientReport((wrong, right, unclear), 3).worst is wrong
    assert GradientReport((right, unclear), 2).worst is unclear
    assert GradientReport((right, make("agrees", 0.5)), 2).worst is right
    direction = ElementCheck("x", (), "direction", 9.0, 0.0, 1.0, "wrong rule")
    assert GradientReport((wrong, direction), 2).worst is wrong  # the element that is to blame
    direction = ElementCheck("x", (), "direction", 0.95, 0.0, 1.0)
    assert GradientReport((right, direction), 2).worst is direction
    small, large = (ElementCheck("x", (), "", d, 0.0, 0.0, "wrong rule") for d in (1.0, 2.0))
    assert GradientReport((large, small), 2).worst is large
    assert GradientReport((small, large), 2).worst is large
    near = ElementCheck("x", (), "", 1.0, 0.9, 0.01, "wrong rule")
    assert GradientReport((near, wrong), 2).worst is near  # ten bars, rather than two
    assert GradientReport((), 0).worst is None
    assert GradientReport((), 0).ok


@pytest.mark.parametrize(
    ("cause", "verdict"),
    [
        ("agrees", "agrees"),
        ("wrong rule", "wrong"),
        ("kink", "wrong"),
        ("noise", "inconclusive"),
        ("step", "inconclusive"),
        ("edge", "inconclusive"),
    ],
)
def test_every_cause_has_a_verdict(cause, verdict):
    element = ElementCheck("x", (1,), "", 1.0, 1.0, 1e-9, cause)
    report = GradientReport((element,), 1)
    assert (element.verdict, report.verdict, report.cause) == (verdict, verdict, cause)
    if verdict == "agrees":
        assert report.raise_if_wrong() is report
    else:
        with pytest.raises(GradientError, match=r"x\[1\]"):
            report.raise_if_wrong()


def test_the_picture_compares_all_methods_with_the_automatic_value(tmp_path):
    pytest.importorskip("matplotlib")
    loaded = "matplotlib.pyplot" in sys.modules
    report = check_gradients(lambda x: np.sum(np.exp(x)), np.asarray([0.5, 1.0]))
    figure = report.plot(tmp_path / "error.svg")
    assert (tmp_path / "error.svg").read_bytes().startswith(b"<?xml")
    assert ("matplotlib.pyplot" in sys.modules) == loaded
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    for name, order in {"forward": 1, "central": 2, "fourth order": 4}.items():
        h, error = lines[name].get_xdata(), lines[name].get_ydata()
        a, b = np.argmin(abs(h - 0.1)), np.argmin(abs(h - 0.01))
        assert np.log10(error[a] / error[b]) == pytest.approx(order, abs=0.1)
    complex_step = lines["complex step"].get_ydata()[lines["complex step"].get_xdata() < 1e-8]
    assert np.all(complex_step <= 1e-15)
    assert lines["ladder"].get_ydata()[0] < 1e-11
    assert axes.get_title(loc="left") == report.worst.place


def test_the_picture_of_a_wrong_element_ends_on_its_error():
    pytest.importorskip("matplotlib")
    x = np.asarray([0.5, 1.0])
    report = check_gradients(
        lambda x: float(np.sum(np.exp(x))), x, grad=np.exp(x) + np.asarray([0.0, 0.25])
    )
    lines = {line.get_label(): line for line in report.plot().axes[0].get_lines()}
    assert "complex step" not in lines  # float() refuses complex numbers
    central = lines["central"]
    error = central.get_ydata()[np.argmin(abs(central.get_xdata() - 1e-5))]
    assert error == pytest.approx(0.25, rel=1e-6)


def test_the_picture_reaches_from_rounding_to_the_size_of_the_element():
    pytest.importorskip("matplotlib")

    def draw(x, i, **options):
        """The axes for an element whose gradient is wrong."""
        slope = 2.0 * x
        slope[i] += 1.0
        report = check_gradients(lambda x: 4.0 + np.sum(x**2), x, grad=slope, **options)
        return report.plot().axes[0]

    x = np.asarray([0.1, 300.0])
    assert draw(x, 1).get_xlim() == pytest.approx((3e-14, 300.0))
    axes = draw(x, 0)
    assert axes.get_xlim() == pytest.approx((1e-16, 1.0))
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert len(lines["central"].get_xdata()) == 65
    h, rounding = lines["rounding / step"].get_data()
    np.testing.assert_allclose(rounding, 2.0**-52 * (4.0 + np.sum(x**2)) / h)
    (step,), (error,) = lines["ladder"].get_data()
    assert 1e-3 < step <= 1.0
    assert error == pytest.approx(1.0)
    assert lines["its error bar"].get_ydata()[0] < 1e-8
    assert draw(np.full(1100, 300.0), 0, directions=1).get_xlim()[1] >= 1.0


def test_errors_of_all_methods_against_a_slope():
    steps, errors = measure_errors(lambda t: (1.0 + t) ** 5, 4.0, 0.1)
    assert (steps[0], steps[-1]) == pytest.approx((1e-17, 0.1))
    h = steps[-8:]
    expected = {
        "forward": 1 + 10 * h + 10 * h**2 + 5 * h**3 + h**4,
        "central": 1 + 10 * h**2 + h**4,
        "fourth order": 1 - 4 * h**4,
        "complex step": np.abs(1 - 10 * h**2 + h**4),
    }
    assert set(errors) == set(expected)
    for name, error in expected.items():
        np.testing.assert_allclose(errors[name][-8:], error)


def refuse(t):
    if isinstance(t, complex):
        raise RuntimeError("the user's own")
    return t


@pytest.mark.parametrize(
    "curve",
    [refuse, abs, lambda t: t * (np.nan if isinstance(t, complex) else 1.0)],
    ids=["refuses", "drops the imaginary part", "nan"],
)
def test_a_function_that_takes_no_complex_numbers_has_no_complex_step(curve):
    assert set(measure_errors(curve, 1.0, 1.0)[1]) == {"forward", "central", "fourth order"}


def test_directions_can_be_drawn_and_a_check_without_numbers_cannot():
    pytest.importorskip("matplotlib")
    report = check_gradients(cubes, TREE, directions=1)
    assert report.plot().axes[0].get_title(loc="left").endswith("along a direction")
    rng = np.random.default_rng(0)
    report = check_gradients(lambda x: np.sum(x) * rng.uniform(), np.ones(2), grad=np.ones(2))
    with pytest.raises(GradientError, match="nothing was compared"):
        report.plot()
