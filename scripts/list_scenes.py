"""Lists the scenes of an experiment with the digests of their manifests: one file that changes when any scene does."""

from argparse import Namespace
from pathlib import Path

from img2height.program import parser, run

flags = parser(__doc__)
flags.add_argument("--scenes", type=Path, nargs="+", required=True, help="scene.json of each")
flags.add_argument("--out", type=Path, required=True, help="scenes.json: SHA-256 by manifest")


def main(args: Namespace) -> None:
    """Write the list."""
    from img2height.scenes.scene import file_digest
    from img2height.tables import write_json

    write_json({str(manifest): file_digest(manifest) for manifest in args.scenes}, args.out)


if __name__ == "__main__":
    run(main, flags)
