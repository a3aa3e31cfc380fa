"""Where the weights of a model come from, as cards and reports state it."""

from img2height.io.records import Record


class PretrainedEncoder(Record):
    """Where the weights come from that the encoder of a model started from.

    Attributes:
        encoder: its name.
        source: package and version, or the path of a file.
        sha256: digest of the file.
        licence: of the package; None for a file, which does not state any.
    """

    encoder: str
    source: str
    sha256: str
    licence: str | None

    def __str__(self) -> str:
        licence = f", {self.licence}" if self.licence else ""
        return f"{self.encoder} from {self.source}{licence}, SHA-256 {self.sha256}"
