"""Adapters, one file per kind of delivery; each declares an `ADAPTER` of `img2height.importing`.

The folder is the registry. Adapters of other installed packages are found too, see `settings/installed.py`.
"""
