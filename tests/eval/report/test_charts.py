from eval.metrics.bootstrap import Metric
from eval.metrics.calibration import Bin
from eval.report.charts import MAX_POINTS, Bar, Interval, PlotFrame, bars, dots, interval, polyline

FRAME = PlotFrame(200, 100)


def test_larger_values_lie_further_right_and_higher_up():
    assert (FRAME.x(0), FRAME.x(0.5), FRAME.x(1)) == (0, 100, 200)
    assert (FRAME.y(0), FRAME.y(0.25), FRAME.y(1)) == (100, 75, 0)


def test_an_interval_lies_where_its_numbers_are_and_a_narrow_one_is_still_seen():
    wide = interval(Metric(0.5, (0.25, 0.75), 9), 1.0)
    assert (wide, wide.width) == (Interval(25.0, 75.0, 50.0), 50.0)
    assert interval(Metric(5.0, (5.0, 5.0), 9), 20.0).width == 0.8


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    curve = [(n / 5_000, n / 5_000) for n in range(5_001)]
    points = polyline(curve, FRAME).split()
    assert len(points) <= MAX_POINTS + 20
    assert (points[0], points[-1]) == ("0.0,100.0", "200.0,0.0")


def test_a_curve_of_one_point_is_that_point():
    assert polyline([(1.0, 0.5)], FRAME) == "200.0,50.0"


def test_a_bin_is_a_dot_at_its_confidence_and_accuracy():
    (dot,) = dots([Bin(0.25, 0.5, 12)], FRAME)
    assert (dot.x, dot.y, dot.of.n) == (50, 50, 12)


def test_the_last_bar_holds_what_lies_beyond_and_empty_bars_are_left_out():
    assert bars([1, 2, 9, 10, 500], PlotFrame(200, 100, x_max=10), columns=2) == [
        Bar(x=0, y=33.33, width=99, height=66.67, from_ms=0, to_ms=5, n=2),
        Bar(x=100, y=0, width=99, height=100, from_ms=5, to_ms=10, n=3),
    ]
