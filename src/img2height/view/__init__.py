"""A map of results that opens from disk without a network: heights, errors and buildings, flat and in 3D."""
