"""Tiles: windows of scenes as rows of a table, and their division into folds that do not leak."""
