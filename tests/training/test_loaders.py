"""The rows of each step: each once and in order, from any step on and on any number of devices."""

import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio._env import get_gdal_config

from img2height.training.loaders import CACHE_BYTES, StretchSampler, _limit_cache


def served(rows: range, batch_size: int, **place: int) -> list[list[int]]:
    sampler = StretchSampler(batch_size, place.pop("devices", 1))
    sampler.begin(rows, **place)
    return list(sampler)


@given(st.integers(0, 50), st.integers(1, 40), st.integers(1, 9), st.integers(0, 10))
def test_a_stretch_from_any_batch_on_is_the_rest_of_it(start, length, batch_size, first):
    rows = range(start, start + length)
    whole = served(rows, batch_size)
    assert [row for batch in whole for row in batch] == list(rows)
    assert served(rows, batch_size, first=first) == whole[first:]


@given(st.integers(1, 40), st.integers(1, 4), st.integers(1, 3))
def test_devices_share_the_rows_of_a_step_evenly(length, share, devices):
    rows, batch_size = range(length), share * devices
    dealt = [served(rows, batch_size, device=device, devices=devices) for device in range(devices)]
    for whole, *parts in zip(served(rows, batch_size), *dealt, strict=True):
        assert {len(part) for part in parts} == {-(-len(whole) // devices)}
        assert {row for part in parts for row in part} == set(whole)


@pytest.mark.parametrize("first", [0, 2])
def test_the_length_is_that_of_the_whole_stretch(first):
    sampler = StretchSampler(4)
    sampler.begin(range(12, 22), first=first)
    assert len(sampler) == 3


def test_workers_cache_no_more_than_granted():
    with rasterio.Env():
        _limit_cache(0)
        assert int(get_gdal_config("GDAL_CACHEMAX")) == CACHE_BYTES
