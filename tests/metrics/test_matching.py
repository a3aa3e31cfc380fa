"""Matching of buildings, scores of detection and of segmentation."""

import itertools

import geopandas
import numpy as np
import pytest
import shapely
from shapely import box
from shapely.affinity import translate
from shapely.geometry import MultiPolygon, Polygon

from img2height.errors import DataError
from img2height.metrics import detection_scores, match, overlaps, segmentation_errors
from img2height.metrics.buildings import InstanceStatistics


def row(*shapes, y: float = 0.0) -> list[Polygon]:
    """Return boxes 10 m high from pairs of their left and right ends."""
    return [box(left, y, right, y + 10) for left, right in shapes]


def test_detected_false_and_missed_buildings():
    pairs = overlaps(row((1, 11), (20, 24), (60, 70)), row((0, 10), (20, 30), (40, 50)))
    assert (pairs.predicted.tolist(), pairs.reference.tolist()) == ([0, 1], [0, 1])
    assert pairs.shared_m2.tolist() == [90, 40]
    assert pairs.iou == pytest.approx([9 / 11, 0.4])
    found = detection_scores(pairs, [0.4, 0.5, 0.9]).set_index("iou_min")
    assert found.loc[0.4].to_dict() == pytest.approx(
        {"tp": 2, "fp": 1, "fn": 1, "precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "ap": 0.5}
    )
    assert found.loc[0.5, ["tp", "precision", "ap"]].tolist() == pytest.approx([1, 1 / 3, 1 / 5])
    assert found.loc[0.9, ["tp", "fp", "fn", "f1"]].tolist() == [0, 3, 3, 0]


def test_the_default_thresholds_are_those_of_coco():
    found = detection_scores(overlaps(row((1, 11)), row((0, 10))))  # IoU 0.818
    assert found.iou_min.tolist() == pytest.approx(np.arange(0.5, 1, 0.05))
    assert (found.f1.mean(), found.ap.mean()) == pytest.approx((0.7, 0.7))  # 0.50 to 0.80


def test_as_many_matches_as_possible_where_the_largest_overlap_first_finds_fewer():
    reference = row((0, 10), (4, 14))
    predicted = row((1, 11), (-2.5, 7.5))  # IoU of the first 9/11 and 7/13, of the second 0.6 and 0.212
    chosen = match(overlaps(predicted, reference), 0.5)
    assert list(zip(chosen.predicted, chosen.reference, strict=True)) == [(0, 1), (1, 0)]
    assert chosen.iou == pytest.approx([7 / 13, 0.6])


def test_among_equally_many_matches_the_total_iou_decides():
    reference = row((0, 10), (4, 14))
    predicted = row((1, 11), (3, 13))  # both could be either: 0.818 and 0.538
    chosen = match(overlaps(predicted, reference), 0.5)
    assert list(zip(chosen.predicted, chosen.reference, strict=True)) == [(0, 0), (1, 1)]
    assert chosen.iou == pytest.approx([9 / 11, 9 / 11])


def test_a_reference_is_found_once_by_the_better_one():
    chosen = match(overlaps(row((0, 6), (0, 9)), row((0, 10))))
    assert (chosen.predicted.tolist(), chosen.iou.tolist()) == ([1], [0.9])


def test_the_threshold_is_inclusive():
    pairs = overlaps([box(0, 0, 1, 1)], [box(0, 0, 2, 1)])
    assert (len(match(pairs, 0.5).predicted), len(match(pairs, 0.501).predicted)) == (1, 0)


def by_trial(iou: np.ndarray, iou_min: float) -> tuple[int, float]:
    """Return the number and total IoU of the best matching of few buildings, by trying all."""
    square = np.zeros((max(iou.shape),) * 2)
    square[: iou.shape[0], : iou.shape[1]] = np.where(iou >= iou_min, iou, 0)
    chosen = [[square[i, j] for i, j in enumerate(order)] for order in itertools.permutations(range(len(square)))]
    return max((sum(value > 0 for value in values), sum(values)) for values in chosen)


@pytest.mark.parametrize("seed", range(20))
def test_random_buildings_are_matched_as_by_trial_in_any_order(seed):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 8, (2, 5, 2))
    ours, theirs = (shapely.box(*side.T, *(side + rng.uniform(4, 9, side.shape)).T) for side in corners)
    pairs = overlaps(ours, theirs)
    iou = np.zeros((5, 5))
    iou[pairs.predicted, pairs.reference] = pairs.iou
    for iou_min in (0.1, 0.3, 0.5):
        chosen = match(pairs, iou_min)
        assert (len(chosen.iou), chosen.iou.sum()) == pytest.approx(by_trial(iou, iou_min))
        assert len(set(chosen.predicted)) == len(set(chosen.reference)) == len(chosen.iou)
        backwards = match(overlaps(theirs[::-1], ours[::-1]), iou_min)
        assert backwards.iou.sum() == pytest.approx(chosen.iou.sum())


def test_buildings_that_only_touch_are_no_pair():
    assert len(overlaps(row((0, 10)), row((10, 20))).predicted) == 0


def test_empty_sides():
    for ours, theirs in ([], []), ([], row((0, 1))), (row((0, 1)), []):
        pairs = overlaps(ours, theirs)
        found = detection_scores(pairs)
        assert (found.tp.tolist(), found.fp[0], found.fn[0]) == ([0] * 10, len(ours), len(theirs))
        assert found.f1.isna().all() == (len(ours) + len(theirs) == 0)
        assert segmentation_errors(pairs).empty
    assert InstanceStatistics().scores()["f1"] is None


def test_a_terrace_in_one_piece_is_undersegmented_and_a_house_in_three_is_oversegmented():
    pairs = overlaps([*row((0, 30)), *row((50, 60), (60, 75), (75, 80))], [*row((0, 10), (10, 20)), *row((50, 80))])
    found = segmentation_errors(pairs)
    assert found.reference.tolist() == [0, 1, 2]
    assert found.predicted.tolist() == [0, 0, 2]  # the part of 15 m
    assert found.oversegmentation.tolist() == pytest.approx([0, 0, 0.5])
    assert found.undersegmentation.tolist() == pytest.approx([2 / 3, 2 / 3, 0])


def test_multipolygons_and_courtyards_count_with_their_area():
    court = Polygon(box(0, 0, 10, 10).exterior, [box(2, 2, 8, 8).exterior])  # 64 m2
    both = MultiPolygon([box(0, 0, 10, 2), box(0, 8, 10, 10)])  # 40 m2, all inside it
    assert overlaps([both], [court]).iou == pytest.approx([40 / 64])


def test_invalid_buildings_are_named():
    bow = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    for wrong, reason in (
        (bow, "Self-intersection"),
        (Polygon(), "empty"),
        (None, "missing"),
        (shapely.Point(0, 0), "Po"),
    ):
        with pytest.raises(DataError, match=rf"reference building 1 .*{reason}"):
            overlaps([], [box(0, 0, 1, 1), wrong])
    for iou_min in (0.0, 1.1, float("nan")):
        with pytest.raises(DataError, match="iou_min"):
            match(overlaps([], []), iou_min)


def test_coordinates_in_degrees_or_of_two_systems_are_refused():
    utm = geopandas.GeoDataFrame(geometry=row((0, 10)), crs="EPSG:25832")
    assert overlaps(utm, utm.geometry).iou.tolist() == [1]
    with pytest.raises(DataError, match="reproject one"):
        overlaps(utm, utm.set_crs("EPSG:25833", allow_override=True))
    with pytest.raises(DataError, match="in metres"):
        overlaps(utm.to_crs(4326), utm)


def test_statistics_add_up_to_those_of_all_buildings():
    ours, theirs = row((1, 11), (20, 24), (60, 70)), row((0, 10), (20, 30), (40, 50))
    far = [translate(shape, 1000) for shape in ours[:2]], [translate(shape, 1000) for shape in theirs[:1]]
    parts = [InstanceStatistics.of_detection(overlaps(*sides)) for sides in ((ours, theirs), far)]
    whole = InstanceStatistics.of_detection(overlaps(ours + far[0], theirs + far[1]))
    assert parts[0] + parts[1] == whole
    scores = whole.scores()
    assert (scores["tp"], scores["fp"], scores["fn"], scores["f1"]) == (2, 3, 2, pytest.approx(4 / 9))
    assert scores["mean_f1"] == pytest.approx(0.7 * 4 / 9)  # both have an IoU of 9/11, up to a threshold of 0.8
    assert scores["oversegmentation"] == pytest.approx((0.1 + 0.6 + 0.1) / 3)
