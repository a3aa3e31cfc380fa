"""Errors for the person who reads the log: what is wrong, what was found, what to do."""

import errno

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Img2HeightError(Exception):
    """Base of every error that a user can cause and fix."""


class SettingsError(Img2HeightError):
    """A settings file is invalid: unknown key, wrong value, missing file."""


class DataError(Img2HeightError):
    """A raster, table or scene cannot be used: missing, unreadable, without CRS or unit, no valid pixel."""


class FoldError(Img2HeightError):
    """The scenes cannot be split as requested, or a split leaks."""


class ModelError(Img2HeightError):
    """A model folder is incomplete, altered, or does not fit the given data."""


class TrainingError(Img2HeightError):
    """A training cannot continue: no samples, a loss that is not finite, a resume that does not fit."""
