import threading
from collections.abc import Iterator

import pytest

from img2height.inference.compute import read_ahead

DEPTH = 3


def test_items_come_in_order_from_another_thread() -> None:
    here = threading.get_ident()
    found = list(read_ahead(((n, threading.get_ident()) for n in range(50)), DEPTH))
    assert [n for n, _ in found] == list(range(50))
    assert here not in {thread for _, thread in found}


@pytest.mark.parametrize("count", [0, 1, DEPTH, DEPTH + 1])
def test_no_more_items_than_the_depth_are_made_ahead(count: int) -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for n in range(count):
            made.append(n)
            yield n

    for taken in read_ahead(items(), DEPTH):
        assert len(made) <= taken + 1 + DEPTH
    assert made == list(range(count))


def test_an_error_is_raised_in_place_of_its_item() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise OSError("the disk is gone")

    ahead = read_ahead(items(), DEPTH)
    assert [next(ahead) for _ in range(5)] == list(range(5))
    with pytest.raises(OSError, match="the disk is gone"):
        next(ahead)


def test_a_consumer_that_stops_early_stops_the_thread() -> None:
    before = threading.active_count()
    endless = iter(int, 1)
    for _ in read_ahead(endless, DEPTH):
        break
    ahead = read_ahead(endless, DEPTH)
    next(ahead)
    ahead.close()
    assert threading.active_count() == before
