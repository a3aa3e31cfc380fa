"""The columns that say which tile a row of a table is about."""

SCENE = ["dataset", "scene"]
CORNER = ["col_off", "row_off"]  # its upper left pixel on the grid of the scene
TILE = [*SCENE, *CORNER]
WINDOW = [*TILE, "size_px"]
BY_ROWS = [*SCENE, *CORNER[::-1]]  # to sort by: row after row
