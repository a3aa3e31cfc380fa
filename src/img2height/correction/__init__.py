"""Corrects a finished height map by heights that are known at some points: `img2height calibrate`.

The intervals of heights, which are calibrated on validation areas, are another matter: see `conformal`.
"""
