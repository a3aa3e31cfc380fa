# Needs: the models of all folds of a method and seed, a scene, and the test ground in it.
# Makes: height.tif of each fold (its test area) and of all folds together (oof: no pixel was trained on). A method that
#        looks at pairs of views gives height_pair<number>.tif for each, and height.tif is their median. A method that
#        refines a surface model also gives residuals.tif: the errors before and after. A prediction that was killed
#        goes on from the strips beside its windows in scratch/.


# One job a scene and method: all folds together are one scene's work, and a thousand scenes do not become a hundred
# thousand jobs.
rule predict:
    input:
        scene=manifest,
        areas="data/folds/{experiment}/areas.parquet",
        models=expand(f"{MODEL}/model.safetensors", fold=FOLDS, allow_missing=True),
        cards=expand(f"{MODEL}/card.json", fold=FOLDS, allow_missing=True),
    output:
        windows=temp(expand(WINDOWS, fold=FOLDS, allow_missing=True)),
    log:
        "logs/predict/{experiment}/{method}/seed{seed}/{scene}_{height}.log",
    benchmark:
        "logs/benchmarks/predict/{experiment}/{method}/seed{seed}/{scene}_{height}.tsv"
    conda:
        ENVIRONMENT
    threads: project.params.training.threads
    resources:
        mem_mb=scaled(8000),
        runtime=scaled(60),
        gpu=1,
    params:
        models=expand(MODEL, fold=FOLDS, allow_missing=True),
        folds=FOLDS,
        views=views_of_pair,
        settings=SECTIONS["inference"],
        code=code_of_method("predict"),
    message:
        "Predicting {wildcards.height} of {wildcards.scene} with {wildcards.method}, seed {wildcards.seed}"
    shell:
        """
        exec &>{log:q}
        python scripts/predict.py \
            --models {params.models:q} \
            --folds {params.folds} \
            --scene {input.scene:q} \
            --areas {input.areas:q} \
            {params.views} \
            --settings {params.settings:q} \
            --out {output.windows:q}
        """


rule stitch:
    input:
        scene=manifest,
        areas="data/folds/{experiment}/areas.parquet",
        windows=expand(WINDOWS, fold=FOLDS, allow_missing=True),
        # The windows are temporary, and Snakemake sees no change behind a temporary file that is gone: hence what they
        # were made from, here and in the parameters. A card holds the digest of its weights.
        cards=expand(f"{MODEL}/card.json", fold=FOLDS, allow_missing=True),
    output:
        heights=expand(f"{FOLD_RESULT}/{{height}}.tif", fold=FOLDS, allow_missing=True),
        mosaic=f"{RESULT}/{{height}}.tif",
    log:
        "logs/stitch/{experiment}/{method}/seed{seed}/{scene}_{height}.log",
    benchmark:
        "logs/benchmarks/stitch/{experiment}/{method}/seed{seed}/{scene}_{height}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(20),
    params:
        folds=FOLDS,
        band=1,
        code=code_of("stitch"),
        inference=SECTIONS["inference"],
        predict_code=code_of_method("predict"),
    message:
        "Stitching {wildcards.height} of {wildcards.scene} by {wildcards.method}, seed {wildcards.seed}"
    shell:
        """
        exec &>{log:q}
        python scripts/stitch.py \
            --windows {input.windows:q} \
            --folds {params.folds} \
            --scene {input.scene:q} \
            --areas {input.areas:q} \
            --band {params.band} \
            --heights {output.heights:q} \
            --mosaic {output.mosaic:q}
        """


ruleorder: merge_pairs > stitch


# The second band of the windows of methods that tell footprints.
use rule stitch as stitch_probability with:
    input:
        scene=manifest,
        areas="data/folds/{experiment}/areas.parquet",
        windows=expand(WINDOWS, fold=FOLDS, height="height", allow_missing=True),
        cards=expand(f"{MODEL}/card.json", fold=FOLDS, allow_missing=True),
    output:
        heights=expand(f"{FOLD_RESULT}/probability.tif", fold=FOLDS, allow_missing=True),
        mosaic=f"{RESULT}/probability.tif",
    log:
        "logs/stitch_probability/{experiment}/{method}/seed{seed}/{scene}.log",
    benchmark:
        "logs/benchmarks/stitch_probability/{experiment}/{method}/seed{seed}/{scene}.tsv"
    params:
        folds=FOLDS,
        band=2,
        code=code_of("stitch"),
        inference=SECTIONS["inference"],
        predict_code=code_of_method("predict"),
    message:
        "Stitching the footprints of {wildcards.scene} by {wildcards.method}, seed {wildcards.seed}"


rule merge_pairs:
    input:
        scene=manifest,
        pairs=lambda wildcards: expand(
            f"{FOLD_RESULT}/height_pair{{pair}}.tif",
            fold=FOLDS,
            pair=pairs(wildcards.method, wildcards.scene),
            **wildcards,
        ),
    output:
        heights=expand(f"{FOLD_RESULT}/height.tif", fold=FOLDS, allow_missing=True),
        mosaic=f"{RESULT}/height.tif",
    log:
        "logs/merge_pairs/{experiment}/{method}/seed{seed}/{scene}.log",
    benchmark:
        "logs/benchmarks/merge_pairs/{experiment}/{method}/seed{seed}/{scene}.tsv"
    wildcard_constraints:
        method="|".join(VIEW_METHODS) or "(?!)",  # no pattern at all would match every method
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(20),
    params:
        code=code_of("merge_pairs"),
    message:
        "Merging the pairs of {wildcards.scene} by {wildcards.method}, seed {wildcards.seed}"
    shell:
        """
        exec &>{log:q}
        python scripts/merge_pairs.py \
            --pairs {input.pairs:q} \
            --scene {input.scene:q} \
            --heights {output.heights:q} \
            --mosaic {output.mosaic:q}
        """


rule residuals:
    input:
        scene=manifest,
        height=f"{RESULT}/height.tif",
        areas="data/folds/{experiment}/areas.parquet",
    output:
        residuals=f"{RESULT}/residuals.tif",
    log:
        "logs/residuals/{experiment}/{method}/seed{seed}/{scene}.log",
    benchmark:
        "logs/benchmarks/residuals/{experiment}/{method}/seed{seed}/{scene}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(20),
    params:
        code=code_of("residuals"),
    message:
        "Errors of {wildcards.scene} before and after {wildcards.method}, seed {wildcards.seed}"
    shell:
        """
        exec &>{log:q}
        python scripts/residuals.py \
            --height {input.height:q} \
            --scene {input.scene:q} \
            --areas {input.areas:q} \
            --out {output.residuals:q}
        """
