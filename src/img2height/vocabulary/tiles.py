"""The columns that identify the tile of a row in a table, and how far the pixels of tiles may differ in size."""

SCENE = ["dataset", "scene"]
CORNER = ["col_off", "row_off"]  # its upper left pixel on the grid of the scene
TILE = [*SCENE, *CORNER]
WINDOW = [*TILE, "size_px"]
BY_ROWS = [*SCENE, *CORNER[::-1]]  # sort key: row after row
GSD_TOLERANCE = 0.25  # share by which pixels may be larger or smaller than those that were trained on
