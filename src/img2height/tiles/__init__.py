"""Tiles: windows of scenes as rows of a table, divided into folds that do not leak."""
