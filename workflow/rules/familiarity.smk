# Needs: the model of a fold, and the scenes with its training and validation areas; a scene to predict.
# Makes: familiarity.json in the model folder: the look of its training tiles, and how far from it is still normal.
#        unfamiliar.tif beside the heights: a score per tile, above 2 where it is unlike what the model was trained on.


rule find_familiarity:
    input:
        card=f"{paths.MODEL}/card.json",
        listed=paths.LISTING,
        areas=paths.AREAS,
    output:
        seen=paths.FAMILIARITY,
    log:
        STEPS["find_familiarity"].log,
    benchmark:
        STEPS["find_familiarity"].benchmark
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        window_px=project.params.inference.window_px,
        code=code_of("find_familiarity"),
    message:
        "Describing what {wildcards.method}, fold {wildcards.fold}, seed {wildcards.seed} has seen"
    shell:
        """
        exec &>{log:q}
        python scripts/find_familiarity.py \
            --card {input.card:q} \
            --scenes {input.listed:q} \
            --areas {input.areas:q} \
            --fold {wildcards.fold} \
            --window-px {params.window_px} \
            --out {output.seen:q}
        """


rule score_familiarity:
    input:
        scene=manifest,
        areas=paths.AREAS,
        cards=expand(f"{paths.MODEL}/card.json", fold=FOLDS, allow_missing=True),
        seen=expand(paths.FAMILIARITY, fold=FOLDS, allow_missing=True),
    output:
        scores=f"{paths.RESULT}/unfamiliar.tif",
    log:
        STEPS["score_familiarity"].log,
    benchmark:
        STEPS["score_familiarity"].benchmark
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        folds=scored_folds,
        code=code_of("score_familiarity"),
    message:
        "Scoring how familiar {wildcards.scene} is to {wildcards.method}, seed {wildcards.seed}"
    shell:
        """
        exec &>{log:q}
        python scripts/score_familiarity.py \
            --scene {input.scene:q} \
            --areas {input.areas:q} \
            {params.folds:q} \
            --out {output.scores:q}
        """
