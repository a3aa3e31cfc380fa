"""How the engines of prediction changed the heights of a model on its validation windows: engines.json."""

from pathlib import Path

from img2height.errors import DataError
from img2height.io.atomic import file_digest
from img2height.io.records import OfWeights, Record, read_of_weights
from img2height.io.tables import write_sealed

ENGINES = "engines.json"
INT8 = "int8.safetensors"  # what openvino_int8 needs beside the weights


class Change(Record):
    """The change of a score, as a share of the score with exact heights, and its 95 % interval; above 0 is worse."""

    value: float
    low: float
    high: float


class Measured(Record):
    """What an engine did to the heights.

    Attributes:
        rmse: change of the RMSE against the reference.
        mae: likewise of the MAE.
        classes: by class of reference heights, the change of its RMSE, a share.
        mean_m: mean absolute difference from exact heights, in metres.
        most_m: its 99.9 percentile.
        refused: why it is not admitted, one phrase each; empty if it is admitted.
    """

    rmse: Change
    mae: Change
    classes: dict[str, float]
    mean_m: float
    most_m: float
    refused: list[str]

    @property
    def summary(self) -> str:
        """The changes in words."""
        scores = f"RMSE {self.rmse.value:+.2%}, MAE {self.mae.value:+.2%}"
        return f"{scores}, heights change by {self.mean_m:.3g} m on average"

    @property
    def verdict(self) -> str:
        """`admitted`, or the reasons why not."""
        return "; ".join(self.refused) or "admitted"


class MeasuredEngines(OfWeights):
    """The measurement of all engines with one model.

    Attributes:
        scenes: dataset/scene of the validation areas.
        windows: their number.
        window_px: their side.
        rmse_m: of exact heights against the reference.
        mae_m: likewise.
        engines: by name.
        versions: of the packages that computed them.
        int8_sha256: digest of int8.safetensors beside it; None if there is none.
    """

    scenes: list[str]
    windows: int
    window_px: int
    rmse_m: float
    mae_m: float
    engines: dict[str, Measured]
    versions: dict[str, str]
    int8_sha256: str | None = None


def write_engines(measured: MeasuredEngines, path: Path) -> None:
    """Write engines.json with a seal over its content."""
    write_sealed(measured.model_dump(mode="json"), path)


def read_engines(folder: Path, weights_sha256: str) -> MeasuredEngines | None:
    """Return the measurement in a model folder; None if there is none.

    Args:
        folder: of the model.
        weights_sha256: digest of its weights.

    Raises:
        DataError: the file is altered, of another version, or of other weights, or int8.safetensors is not that of it.
    """
    path = folder / ENGINES
    if not path.is_file():
        return None
    found = read_of_weights(MeasuredEngines, path, weights_sha256, "measure the engines again")
    if found.int8_sha256 is not None:
        _require_int8(folder / INT8, found.int8_sha256)
    return found


def _require_int8(path: Path, expected: str) -> None:
    remedy = "copy the folder again or measure the engines again"
    if not path.is_file():
        raise DataError(f"{path}: is missing, although {ENGINES} has its digest; {remedy}")
    if (digest := file_digest(path)) != expected:
        raise DataError(f"{path}: was altered: its SHA-256 digest is {digest}, {ENGINES} has {expected}; {remedy}")
