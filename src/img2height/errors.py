"""Errors for the person who reads the log: what is wrong, what was found, what to do."""

import errno

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Img2HeightError(Exception):
    """Base of every error that a user can cause and mend."""


class SettingsError(Img2HeightError):
    """A settings file does not say what it must: unknown key, wrong value, missing file."""


class DataError(Img2HeightError):
    """A raster, table or scene cannot be used: missing, unreadable, without CRS or unit, all unknown."""


class FoldError(Img2HeightError):
    """The ground cannot be divided as asked, or a division leaks."""


class ModelError(Img2HeightError):
    """A model folder is incomplete, altered, or does not fit the data that it is given."""


class TrainingError(Img2HeightError):
    """A training cannot go on: no samples, a loss that is not a number, a resume that does not fit."""
