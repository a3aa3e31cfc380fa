# Needs: heights, footprints and polygons of all test scenes predicted out of fold, and the references in the scenes.
# Makes: scores.json, {tiles,building_tiles,interval_tiles}.parquet of each method and seed; for all together
#        results/{experiment}/metrics.json and tables/{intervals,comparisons,interval_coverage}.csv.


rule evaluate:
    input:
        listed=paths.LISTING,
        areas=paths.AREAS,
        heights=expand(f"{paths.RESULT}/height.tif", scene=TEST_SCENES, allow_missing=True),
        footprints=expand(f"{paths.RESULT}/footprint.tif", scene=TEST_SCENES, allow_missing=True),
        polygons=expand(f"{paths.RESULT}/buildings.parquet", scene=TEST_SCENES, allow_missing=True),
        pairs=pair_heights,
        calibrations=expand(paths.CALIBRATION, fold=FOLDS, allow_missing=True),
    output:
        scores=paths.SCORES,
        tiles=paths.TILE_SCORES,
        buildings=paths.BUILDING_TILES,
        intervals=paths.INTERVAL_TILES,
    log:
        STEPS["evaluate"].log,
    benchmark:
        STEPS["evaluate"].benchmark
    conda:
        ENVIRONMENT
    threads: 1  # methods are scored beside each other; more are used where a profile sets them, with the same scores
    resources:
        mem_mb=scaled(8000),
        runtime=scaled(240),
    params:
        settings=SECTIONS["metrics"],
        results=lambda wildcards, output: str(Path(output.scores).parent),
        views=lambda wildcards: project.recipes[wildcards.method].merged_views,
        outputs=lambda wildcards: project.recipes[wildcards.method].outputs,
        folds=calibrated_folds("--fold"),
        code=code_of("evaluate"),
    message:
        "Scoring {wildcards.method}, seed {wildcards.seed}"
    shell:
        """
        exec &>{log:q}
        python scripts/evaluate.py \
            --method {wildcards.method:q} \
            --seed {wildcards.seed} \
            --scenes {input.listed:q} \
            --results {params.results:q} \
            --views {params.views} \
            --outputs {params.outputs} \
            --areas {input.areas:q} \
            --settings {params.settings:q} \
            {params.folds:q} \
            --threads {threads} \
            --out {output.scores:q} \
            --tiles {output.tiles:q} \
            --buildings {output.buildings:q} \
            --intervals {output.intervals:q}
        """


rule collect_metrics:
    input:
        scores=expand(paths.SCORES, method=METHODS, seed=SEEDS, allow_missing=True),
        tiles=expand(rules.evaluate.output.tiles, method=METHODS, seed=SEEDS, allow_missing=True),
        buildings=expand(rules.evaluate.output.buildings, method=METHODS, seed=SEEDS, allow_missing=True),
        bounded=expand(rules.evaluate.output.intervals, method=METHODS, seed=SEEDS, allow_missing=True),
        listed=paths.LISTING,
        areas=paths.AREAS,
        # Not read, but no score is published without it.
        audit=paths.STATISTICS_AUDIT,
    output:
        metrics=paths.METRICS,
        intervals=paths.INTERVALS,
        comparisons=paths.COMPARISONS,
        coverage=paths.INTERVAL_COVERAGE,
    log:
        STEPS["collect_metrics"].log,
    benchmark:
        STEPS["collect_metrics"].benchmark
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        scored=scored,
        settings=SECTIONS["metrics"],
        split=SECTIONS["split"],
        code=code_of("collect_metrics"),
    message:
        "Comparing the scores of all methods of {wildcards.experiment}"
    shell:
        """
        exec &>{log:q}
        python scripts/collect_metrics.py \
            {params.scored:q} \
            --scenes {input.listed:q} \
            --areas {input.areas:q} \
            --settings {params.settings:q} \
            --split {params.split:q} \
            --out {output.metrics:q} \
            --intervals {output.intervals:q} \
            --comparisons {output.comparisons:q} \
            --coverage {output.coverage:q}
        """
