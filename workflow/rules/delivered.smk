"""Functions that return the settings of scenes and the files that were delivered for them.

Needs: the constants of common.smk. Makes: functions; no rules.
"""

from img2height.errors import DataError
from img2height.io.parts import parts_of
from img2height.settings.parsing import meant


def scene_file(wildcards):
    """Return the checked scene of a dataset file."""
    scenes = project.datasets[wildcards.dataset].scenes
    if wildcards.scene not in scenes:
        stop(f"dataset {wildcards.dataset} has no scene {meant(wildcards.scene, scenes)}")
    return scenes[wildcards.scene]


def scene_settings(wildcards):
    """Return a scene of a dataset file."""
    name = f"scene-{wildcards.dataset}-{wildcards.scene}"
    return SettingsFile(name, scene_file(wildcards).model_dump(mode="json", exclude_none=True))


def generator_settings(generator):
    """Return the parameter function of the settings of a generated scene: a city, or a landscape."""
    return lambda wildcards: SettingsFile(
        f"{generator}-{wildcards.dataset}-{wildcards.scene}",
        getattr(scene_file(wildcards), generator).model_dump(mode="json"),
    )


def raw_folder(wildcards):
    """Return the folder of the delivered layers of a scene: in data/raw/, or in scratch/ if a rule generates them."""
    file = scene_file(wildcards)
    for generator in ("city", "land"):
        if getattr(file, generator):
            return paths.GENERATED.format(generator=generator, **wildcards)
    return paths.RAW.format(**wildcards)


def raw_layers(wildcards):
    """Return the delivered files of a scene, or end with a line that names the missing ones."""
    folder = raw_folder(wildcards)
    if folder != paths.RAW.format(**wildcards):
        return [folder]
    files = [f"{folder}/{path}" for path in scene_file(wildcards).paths]
    if missing := [file for file in files if not Path(file).exists()]:
        stop(
            f"scene {wildcards.dataset}/{wildcards.scene}: missing {', '.join(missing)}; "
            f"put the delivered files into {folder}/ (symbolic links work)"
        )
    return [part for file in files for part in all_parts(file)]


def all_parts(file):
    """Return a delivered file and all files read with it, or end with a line that says why it cannot be read."""
    try:
        parts = [os.path.relpath(part) for part in parts_of(Path(file))]
    except DataError as error:
        stop(error)
    if braces := [part for part in parts if "{" in part or "}" in part]:
        stop(f"{braces[0]}: braces in a file name are wildcards for Snakemake; rename the file")
    return parts


def delivered_bytes(wildcards):
    """Return the sizes of delivered files: otherwise a file replaced by an older one would go unnoticed."""
    return [path.stat().st_size for path in map(Path, raw_layers(wildcards)) if path.is_file()]


def about(wildcards):
    """Return title, source, licence and vertical reference of the dataset."""
    return ABOUT[wildcards.dataset]


def about_of_scene(wildcards):
    """Return about.json of the dataset of a scene, which is not in the path of a result."""
    return paths.ABOUT.format(dataset=DATASET_OF[wildcards.scene])


def grid(wildcards):
    """Return the target grid of the dataset."""
    return GRIDS[wildcards.dataset]


def region_file():
    """Return the file of the regions if the split uses them, or end with a line that says it is missing."""
    split = project.params.split
    if split.strategy != "regions":
        return []
    if not Path(split.regions.file).exists():
        stop(
            f"split.regions: the file {split.regions.file} does not exist; give the file that contains the named areas"
        )
    return all_parts(split.regions.file)
