# Needs: the metrics of the experiment with their intervals and, of the first seed, heights, polygons, tiles and training
#        histories of all methods.
# Makes: results/{experiment}/report.html (one file that works offline), figures/ and tables/{scores,strata}.{csv,md};
#        logs/report/{experiment}_cost.html says what the run cost, as a log, for no two machines give the same.

PROGRAMS = ("prepare_scene", "split_folds", "augment_samples", "train", "predict", "extract_buildings", "evaluate")
STEPS = (
    "augment_samples",
    "train",
    "predict",
    "predict_footprints",
    "merge_pairs",
    "residuals",
    "extract_buildings",
    "evaluate",
)


# A target too, so its paths hold no wildcard.
rule report:
    input:
        metrics=f"results/{EXPERIMENT}/metrics.json",
        intervals=f"results/{EXPERIMENT}/tables/intervals.csv",
        comparisons=f"results/{EXPERIMENT}/tables/comparisons.csv",
        listed=f"data/folds/{EXPERIMENT}/scenes.json",
        areas=f"data/folds/{EXPERIMENT}/areas.parquet",
        folds_figure=f"data/folds/{EXPERIMENT}/folds.png",
        heights=results(f"{RESULT}/height.tif", seeds=SEEDS[:1]),
        polygons=results(f"{RESULT}/buildings.parquet", seeds=SEEDS[:1]),
        histories=results(f"{MODEL}/history.csv", seeds=SEEDS[:1]),
        tiles=results("results/{experiment}/{method}/oof/seed{seed}/tiles.parquet", seeds=SEEDS[:1]),
    output:
        page=report(
            f"results/{EXPERIMENT}/report.html",
            caption="../report/page.rst",
            category="Results",
        ),
        figures=directory(f"results/{EXPERIMENT}/figures"),
        scores_csv=report(
            f"results/{EXPERIMENT}/tables/scores.csv",
            caption="../report/scores.rst",
            category="Results",
        ),
        scores_md=f"results/{EXPERIMENT}/tables/scores.md",
        strata_csv=f"results/{EXPERIMENT}/tables/strata.csv",
        strata_md=f"results/{EXPERIMENT}/tables/strata.md",
    log:
        text=f"logs/report/{EXPERIMENT}.log",
        cost=f"logs/report/{EXPERIMENT}_cost.html",
    benchmark:
        f"logs/benchmarks/report/{EXPERIMENT}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        file=EXPERIMENT_FILE,
        experiment=project.experiment.model_dump_json(),  # read from that file; named here so that a change counts
        params=project.params.model_dump_json(),
        recipes=RECIPES_TO_SHOW,
        results=results("results/{experiment}/{method}/oof/seed{seed}", seeds=SEEDS[:1]),
        benchmarks=json.dumps({step: f"logs/benchmarks/{step}/{EXPERIMENT}" for step in STEPS}),
        codes=json.dumps({program: code_of(program) for program in PROGRAMS}),
        code=code_of("report"),
    message:
        "Writing the report"
    shell:
        """
        exec &>{log.text:q}
        python scripts/report.py \
            --experiment {params.file:q} \
            --params {params.params:q} \
            --recipes {params.recipes:q} \
            --metrics {input.metrics:q} \
            --intervals {input.intervals:q} \
            --comparisons {input.comparisons:q} \
            --scenes {input.listed:q} \
            --areas {input.areas:q} \
            --folds-figure {input.folds_figure:q} \
            --results {params.results:q} \
            --histories {input.histories:q} \
            --code {params.codes:q} \
            --benchmarks {params.benchmarks:q} \
            --cost {log.cost:q} \
            --out {output.page:q} \
            --figures {output.figures:q} \
            --scores-csv {output.scores_csv:q} \
            --scores-md {output.scores_md:q} \
            --strata-csv {output.strata_csv:q} \
            --strata-md {output.strata_md:q}
        """
