"""List the scenes of an experiment with their roles and the digests of their manifests.

The list changes when any scene does, and passes the scenes to all programs that need many of them.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--experiment", type=Path, required=True, help="experiment file, which names the scenes")
flags.add_argument("--folder", type=Path, required=True, help="folder of <dataset>/<scene>/scene.json")
flags.add_argument("--out", type=Path, required=True, help="scenes.json: manifest, role and SHA-256 digest of each")


def main(args: Namespace) -> None:
    """Write the list."""
    from img2height.scenes.listing import write_listing
    from img2height.settings.experiment import Experiment
    from img2height.settings.parsing import parse_file

    chosen = parse_file(Experiment, args.experiment).scenes
    manifests = [
        (args.folder / dataset / scene / "scene.json", role)
        for dataset, scenes in chosen.items()
        for scene, role in scenes.items()
    ]
    write_listing(manifests, args.out)


if __name__ == "__main__":
    run(main, flags)
