"""How far the inputs of a model are from those that it was trained on: a score per tile, from the images alone."""
