# Needs: the models of all folds of a method and seed, a scene, and the test areas in it.
# Makes: by tiled inference, height.tif of each fold (its test area), and their mosaic (oof: out of fold, no pixel was used
#        for training). A method that uses pairs of views gives height_pair<number>.tif for each, and height.tif is their
#        median. A method that refines a surface model also gives residuals.tif: the errors before and after. A killed
#        prediction resumes from its strips in scratch/.


# One job per scene, method and seed, for all folds: a thousand scenes must not become a hundred thousand jobs. Only the
# card of a model is an input: it contains the digest of the weights, and naming both would slow down large graphs.
rule predict:
    input:
        scene=manifest,
        areas=paths.AREAS,
        models=expand(f"{paths.MODEL}/card.json", fold=FOLDS, allow_missing=True),
        engines=expand(MEASURED, fold=FOLDS, allow_missing=True),
    output:
        parts=expand(f"{paths.FOLD_RESULT}/{{height}}.tif", fold=FOLDS, allow_missing=True),
        mosaics=f"{paths.RESULT}/{{height}}.tif",
    log:
        STEPS["predict"].log,
    benchmark:
        STEPS["predict"].benchmark
    conda:
        ENVIRONMENT
    threads: project.params.training.threads
    resources:
        mem_mb=scaled(8000),
        runtime=scaled(60),
        gpu=gpus,
    params:
        folds=predicted_folds,
        views=views_of_pair,
        settings=SECTIONS["inference"],
        strips=f"{paths.STRIPS}/{{height}}",
        code=code_of_method("predict"),
    message:
        "Predicting {wildcards.height} of {wildcards.scene} with {wildcards.method}, seed {wildcards.seed}"
    shell:
        """
        exec &>{log:q}
        python scripts/predict.py \
            {params.folds:q} \
            --scene {input.scene:q} \
            --areas {input.areas:q} \
            {params.views} \
            --settings {params.settings:q} \
            --strips {params.strips:q} \
            --mosaics {output.mosaics:q}
        """


ruleorder: merge_pairs > predict_footprints > predict


# Methods that predict footprints also give their probability.
use rule predict as predict_footprints with:
    output:
        parts=[
            *expand(f"{paths.FOLD_RESULT}/height.tif", fold=FOLDS, allow_missing=True),
            *expand(f"{paths.FOLD_RESULT}/probability.tif", fold=FOLDS, allow_missing=True),
        ],
        mosaics=[f"{paths.RESULT}/height.tif", f"{paths.RESULT}/probability.tif"],
    log:
        STEPS["predict_footprints"].log,
    benchmark:
        STEPS["predict_footprints"].benchmark
    wildcard_constraints:
        method="|".join(FOOTPRINT_METHODS) or "(?!)",  # an empty pattern would match every method
    params:
        folds=predicted_folds,
        views=views_of_pair,
        settings=SECTIONS["inference"],
        strips=f"{paths.STRIPS}/height",
        code=code_of_method("predict"),
    message:
        "Predicting heights and footprints of {wildcards.scene} with {wildcards.method}, seed {wildcards.seed}"


rule merge_pairs:
    input:
        scene=manifest,
        pairs=lambda wildcards: expand(
            f"{paths.FOLD_RESULT}/height_pair{{pair}}.tif",
            fold=FOLDS,
            pair=pairs(wildcards.method, wildcards.scene),
            **wildcards,
        ),
    output:
        heights=expand(f"{paths.FOLD_RESULT}/height.tif", fold=FOLDS, allow_missing=True),
        mosaic=f"{paths.RESULT}/height.tif",
    log:
        STEPS["merge_pairs"].log,
    benchmark:
        STEPS["merge_pairs"].benchmark
    wildcard_constraints:
        method="|".join(VIEW_METHODS) or "(?!)",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(20),
    params:
        folds=merged_folds,
        code=code_of("merge_pairs"),
    message:
        "Merging the image pairs of {wildcards.scene}, {wildcards.method}, seed {wildcards.seed}"
    shell:
        """
        exec &>{log:q}
        python scripts/merge_pairs.py \
            {params.folds:q} \
            --scene {input.scene:q} \
            --mosaic {output.mosaic:q}
        """


rule residuals:
    input:
        scene=manifest,
        height=f"{paths.RESULT}/height.tif",
        areas=paths.AREAS,
    output:
        residuals=f"{paths.RESULT}/residuals.tif",
    log:
        STEPS["residuals"].log,
    benchmark:
        STEPS["residuals"].benchmark
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(20),
    params:
        code=code_of("residuals"),
    message:
        "Computing the errors of {wildcards.scene} before and after {wildcards.method}, seed {wildcards.seed}"
    shell:
        """
        exec &>{log:q}
        python scripts/residuals.py \
            --height {input.height:q} \
            --scene {input.scene:q} \
            --areas {input.areas:q} \
            --out {output.residuals:q}
        """
