# Needs: the model of a fold, and the scenes with its validation area; the heights of a scene.
# Makes: calibration.json in the model folder: by class of predicted height, by how much truth lies below and above a
#        prediction; with an engine other than exact, engines.json and, where NNCF is installed, int8.safetensors, which is not
#        declared because other machines cannot make it. interval.tif beside the heights: the 90 % interval of each pixel.


rule calibrate_intervals:
    input:
        card=f"{paths.MODEL}/card.json",
        listed=paths.LISTING,
        areas=paths.AREAS,
    output:
        calibration=paths.CALIBRATION,
        engines=MEASURED,
    log:
        STEPS["calibrate_intervals"].log,
    benchmark:
        STEPS["calibrate_intervals"].benchmark
    conda:
        ENVIRONMENT
    threads: project.params.training.threads
    resources:
        mem_mb=scaled(8000),
        runtime=scaled(60),
        gpu=gpus,
    params:
        settings=SECTIONS["inference"],
        scratch=paths.VALIDATED,
        code=code_of_method("calibrate_intervals"),
    message:
        "Calibrating the intervals of {wildcards.method}, fold {wildcards.fold}, seed {wildcards.seed}"
    shell:
        """
        exec &>{log:q}
        python scripts/calibrate_intervals.py \
            --card {input.card:q} \
            --scenes {input.listed:q} \
            --areas {input.areas:q} \
            --fold {wildcards.fold} \
            --settings {params.settings:q} \
            --scratch {params.scratch:q} \
            --out {output.calibration:q}
        """


rule height_intervals:
    input:
        scene=manifest,
        height=f"{paths.RESULT}/height.tif",
        areas=paths.AREAS,
        calibrations=expand(paths.CALIBRATION, fold=FOLDS, allow_missing=True),
    output:
        interval=f"{paths.RESULT}/interval.tif",
    log:
        STEPS["height_intervals"].log,
    benchmark:
        STEPS["height_intervals"].benchmark
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(20),
    params:
        folds=calibrated_folds("--fold"),
        code=code_of("height_intervals"),
    message:
        "Writing the intervals of {wildcards.scene}, {wildcards.method}, seed {wildcards.seed}"
    shell:
        """
        exec &>{log:q}
        python scripts/height_intervals.py \
            --height {input.height:q} \
            --scene {input.scene:q} \
            --areas {input.areas:q} \
            {params.folds:q} \
            --out {output.interval:q}
        """
