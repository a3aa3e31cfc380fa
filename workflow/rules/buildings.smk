# Needs: the heights of a scene predicted out of fold, cards and calibrations of the models, and the scene.
# Makes: footprint.tif, buildings.parquet (for programs), buildings.gpkg (for a GIS), buildings.city.json (block models),
#        and the part of the footprints that belongs to each fold.


rule extract_buildings:
    input:
        scene=manifest,
        about=about_of_scene,
        height=f"{paths.RESULT}/height.tif",
        probability=probability,
        areas=paths.AREAS,
        models=expand(f"{paths.MODEL}/card.json", fold=FOLDS, allow_missing=True),
        calibrations=expand(paths.CALIBRATION, fold=FOLDS, allow_missing=True),
    output:
        footprint=f"{paths.RESULT}/footprint.tif",
        parquet=f"{paths.RESULT}/buildings.parquet",
        gpkg=f"{paths.RESULT}/buildings.gpkg",
        cityjson=f"{paths.RESULT}/buildings.city.json",
        fold_footprints=expand(f"{paths.FOLD_RESULT}/footprint.tif", fold=FOLDS, allow_missing=True),
    log:
        STEPS["extract_buildings"].log,
    benchmark:
        STEPS["extract_buildings"].benchmark
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(8000),
        runtime=scaled(30),
    params:
        folds=masked_folds,
        calibrations=calibrated_folds("--calibration"),
        settings=SECTIONS["buildings"],
        probability=lambda wildcards, input: ["--probability", *input.probability] if input.probability else [],
        code=code_of("extract_buildings"),
    message:
        "Extracting the buildings of {wildcards.scene}, {wildcards.method}, seed {wildcards.seed}"
    shell:
        """
        exec &>{log:q}
        python scripts/extract_buildings.py \
            --height {input.height:q} \
            {params.probability:q} \
            --scene {input.scene:q} \
            --about {input.about:q} \
            --card {input.models:q} \
            --run {wildcards.experiment:q}/{wildcards.method:q}/seed{wildcards.seed:q} \
            --settings {params.settings:q} \
            --footprint {output.footprint:q} \
            --parquet {output.parquet:q} \
            --gpkg {output.gpkg:q} \
            --cityjson {output.cityjson:q} \
            --areas {input.areas:q} \
            {params.folds:q} \
            {params.calibrations:q}
        """
