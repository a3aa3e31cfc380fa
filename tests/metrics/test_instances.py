import pytest
from shapely.geometry import Polygon, box

from img2height.errors import DataError
from img2height.metrics import InstanceStatistics, match_instances


def test_detected_false_and_missed_buildings():
    reference = [box(0, 0, 10, 10), box(20, 0, 30, 10), box(40, 0, 50, 10)]
    predicted = [box(1, 0, 11, 10), box(20, 0, 24, 10), box(60, 0, 70, 10)]  # IoU 9/11, 0.4, 0
    found = match_instances(predicted, reference)
    assert found == InstanceStatistics(tp=1, fp=2, fn=2)
    assert found.scores() == pytest.approx(
        {"precision": 1 / 3, "recall": 1 / 3, "f1": 1 / 3, "tp": 1, "fp": 2, "fn": 2}
    )


def test_one_reference_is_found_once_by_the_better_one():
    reference = [box(0, 0, 10, 10)]
    predicted = [box(0, 0, 10, 6), box(0, 0, 10, 9)]
    assert match_instances(predicted, reference) == InstanceStatistics(tp=1, fp=1, fn=0)


def test_the_largest_overlap_is_matched_first():
    reference = [box(0, 0, 10, 10), box(0, 4, 10, 14)]
    predicted = [box(0, 2, 10, 12), box(0, 0, 10, 10)]  # the first fits both alike, the second only the first reference
    assert match_instances(predicted, reference).tp == 2


def test_the_threshold_is_inclusive_and_the_order_does_not_matter():
    reference, predicted = [box(0, 0, 2, 1)], [box(0, 0, 1, 1)]
    assert match_instances(predicted, reference, 0.5).tp == 1
    many = [box(i, 0, i + 1.5, 1) for i in range(0, 40, 2)], [box(i + 0.3, 0, i + 1.6, 1) for i in range(0, 40, 2)]
    assert match_instances(many[0], many[1]) == match_instances(many[0][::-1], many[1][::-1])


def test_nothing_gives_none():
    assert match_instances([], []).scores() == {
        "precision": None,
        "recall": None,
        "f1": None,
        "tp": 0,
        "fp": 0,
        "fn": 0,
    }
    assert match_instances([], [box(0, 0, 1, 1)]).scores()["recall"] == 0.0
    assert match_instances([box(0, 0, 1, 1)], []).scores()["precision"] == 0.0


def test_invalid_polygons_and_thresholds_are_named():
    bow = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    with pytest.raises(DataError, match="reference polygon 1"):
        match_instances([], [box(0, 0, 1, 1), bow])
    with pytest.raises(DataError, match="iou_min"):
        match_instances([], [], 0.0)
