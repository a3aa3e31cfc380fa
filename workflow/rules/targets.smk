# The targets other than `all`, rules without wildcards: `snakemake heights`. `report` is the rule in report.smk.


localrules:
    scenes,
    tiles,
    folds,
    models,
    heights,
    buildings,
    metrics,
    published,


rule scenes:
    input:
        ALL_SCENES,
        ALL_ABOUT,
        failed_up_to("describe_dataset"),


rule tiles:
    input:
        ALL_TILES,
        failed_up_to("index_tiles"),


rule folds:
    input:
        of_experiment(paths.FOLDS_AUDIT),
        of_experiment(paths.LISTING),
        failed_up_to("audit_folds"),


rule models:
    input:
        results(f"{paths.MODEL}/model.safetensors"),
        results(paths.CALIBRATION),
        results(paths.FAMILIARITY),
        results(paths.SOURCES),
        of_experiment(paths.STATISTICS_AUDIT),
        failed_up_to("describe_models"),


rule heights:
    input:
        results(f"{paths.RESULT}/height.tif"),
        results(f"{paths.RESULT}/interval.tif"),
        results(f"{paths.RESULT}/unfamiliar.tif"),
        results(paths.SOURCES),  # the licences of what the heights were made from
        results(f"{paths.RESULT}/residuals.tif", methods=REFINING_METHODS),
        failed_up_to("residuals"),


rule buildings:
    input:
        results(f"{paths.RESULT}/buildings.parquet"),
        failed_up_to("extract_buildings"),


rule metrics:
    input:
        of_experiment(paths.METRICS),
        failed_up_to("collect_metrics"),


rule published:
    input:
        expand(f"{paths.TABLES}/{{name}}.html", experiment=EXPERIMENT, name=PUBLISHED_TABLES),
        expand(f"{paths.TABLES}/{{name}}.png", experiment=EXPERIMENT, name=PUBLISHED_FIGURES),
        failed_up_to("report"),
