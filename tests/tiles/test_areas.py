import geopandas
import shapely

from img2height.tiles.areas import area_of


def test_an_area_is_looked_up_by_part_scene_and_fold():
    boxes = [shapely.box(0, 0, 2, 2), shapely.box(2, 0, 4, 2), shapely.box(0, 0, 9, 9)]
    facts = {"fold": [0, 1, 0], "part": ["test", "test", "train"], "dataset": ["d"] * 3, "scene": ["s"] * 3}
    areas = geopandas.GeoDataFrame(facts, geometry=boxes)
    assert area_of(areas, "test", "d", "s").area == 8
    assert area_of(areas, "test", "d", "s", fold=1).bounds == (2, 0, 4, 2)
    assert area_of(areas, "val", "d", "s").is_empty
