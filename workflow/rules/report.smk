# Needs: the metrics of the experiment with their intervals and, of the first seed, heights, polygons, tiles and training
#        histories of all methods.
# Makes: results/{experiment}/report.html (one file that works offline), figures/ and tables/{scores,strata}.{csv,md} and unfamiliar.csv;
#        logs/report/{experiment}_cost.html, the cost of the run, which is a log because it differs between machines.

# Generators are not listed: the digest of a scene shows their effect.
BEFORE = TABLE[: TABLE.index(STEPS["report"])]
PROGRAMS = dict.fromkeys(step.program for step in BEFORE if step.rule not in ("make_city", "make_land"))
BENCHMARKS = {step.rule: f"{step.benchmarks}/{EXPERIMENT}" for step in TABLE if step.by_method}


# Also a target, so its paths have no wildcards.
rule report:
    input:
        metrics=of_experiment(paths.METRICS),
        intervals=of_experiment(paths.INTERVALS),
        comparisons=of_experiment(paths.COMPARISONS),
        coverage=of_experiment(paths.INTERVAL_COVERAGE),
        listed=of_experiment(paths.LISTING),
        about=ALL_ABOUT,
        areas=of_experiment(paths.AREAS),
        audit=of_experiment(paths.STATISTICS_AUDIT),
        folds_figure=of_experiment(paths.FOLDS_FIGURE),
        heights=results(f"{paths.RESULT}/height.tif", seeds=SEEDS[:1]),
        unfamiliar=results(f"{paths.RESULT}/unfamiliar.tif", seeds=SEEDS[:1]),
        polygons=results(f"{paths.RESULT}/buildings.parquet", seeds=SEEDS[:1]),
        height_intervals=results(f"{paths.RESULT}/interval.tif", seeds=SEEDS[:1]),
        histories=results(f"{paths.MODEL}/history.csv", seeds=SEEDS[:1]),
        tiles=results(paths.TILE_SCORES, seeds=SEEDS[:1]),
    output:
        page=report(
            of_experiment(paths.REPORT),
            caption="../report/page.rst",
            category="Results",
        ),
        figures=directory(of_experiment(paths.FIGURES)),
        scores_csv=report(
            of_experiment(f"{paths.TABLES}/scores.csv"),
            caption="../report/scores.rst",
            category="Results",
        ),
        scores_md=of_experiment(f"{paths.TABLES}/scores.md"),
        strata_csv=of_experiment(f"{paths.TABLES}/strata.csv"),
        strata_md=of_experiment(f"{paths.TABLES}/strata.md"),
        unfamiliar_csv=of_experiment(f"{paths.TABLES}/unfamiliar.csv"),
    log:
        text=of_experiment(STEPS["report"].log),
        cost=of_experiment(paths.COST),
    benchmark:
        of_experiment(STEPS["report"].benchmark)
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        file=EXPERIMENT_FILE,
        experiment=project.experiment.model_dump(mode="json"),  # read from that file; here so that a change counts
        params=SettingsFile("params", project.params.model_dump(mode="json")),
        recipes=SettingsFile(
            "recipes",
            {name: recipe.model_dump(mode="json") for name, recipe in project.recipes.items()},
        ),
        results=flags("--results", [(m, *results(paths.OUT_OF_FOLD, SEEDS[:1], [m])) for m in METHODS]),
        histories=flags(
            "--history",
            [
                (method, fold, history)
                for method in METHODS
                for fold, history in zip(FOLDS, results(f"{paths.MODEL}/history.csv", SEEDS[:1], [method]))
            ],
        ),
        benchmarks=SettingsFile("benchmarks", BENCHMARKS),
        view=f"{of_experiment(paths.VIEW)}/index.html",
        codes=SettingsFile("codes", {program: code_of(program) for program in PROGRAMS}),
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
            --coverage {input.coverage:q} \
            --scenes {input.listed:q} \
            --areas {input.areas:q} \
            --audit {input.audit:q} \
            --folds-figure {input.folds_figure:q} \
            --about {input.about:q} \
            {params.results:q} \
            {params.histories:q} \
            --code {params.codes:q} \
            --benchmarks {params.benchmarks:q} \
            --cost {log.cost:q} \
            --view {params.view:q} \
            --out {output.page:q} \
            --figures {output.figures:q} \
            --scores-csv {output.scores_csv:q} \
            --scores-md {output.scores_md:q} \
            --strata-csv {output.strata_csv:q} \
            --strata-md {output.strata_md:q} \
            --unfamiliar-csv {output.unfamiliar_csv:q}
        """
