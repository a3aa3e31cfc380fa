"""The digests in the archive of an experiment, an RO-Crate; read without the library that writes it."""

import json
import zipfile
from pathlib import Path
from urllib.parse import unquote

from img2height.errors import DataError

METADATA = "ro-crate-metadata.json"


def archived_digests(path: Path) -> dict[str, str]:
    """Return the SHA-256 digest of each file of an archive, by its path, as the metadata in it state them.

    Raises:
        DataError: it is not such an archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entities = json.loads(archive.read(METADATA))["@graph"]
        return {unquote(entity["@id"]): entity["sha256"] for entity in entities if "sha256" in entity}
    except (zipfile.BadZipFile, KeyError, TypeError, json.JSONDecodeError) as error:
        raise DataError(f"{path}: is not an archive of an experiment ({error}); write it again") from error
