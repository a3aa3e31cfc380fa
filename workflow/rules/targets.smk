# The targets beside `all`, rules without wildcards: `snakemake heights`. `report` is the rule of that name in report.smk.


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


rule tiles:
    input:
        ALL_TILES,


rule folds:
    input:
        of_experiment(paths.FOLDS_AUDIT),
        of_experiment(paths.LISTING),


rule models:
    input:
        results(f"{paths.MODEL}/model.safetensors"),
        of_experiment(paths.STATISTICS_AUDIT),


rule heights:
    input:
        results(f"{paths.RESULT}/height.tif"),
        results(f"{paths.RESULT}/residuals.tif", methods=REFINING_METHODS),


rule buildings:
    input:
        results(f"{paths.RESULT}/buildings.parquet"),


rule metrics:
    input:
        of_experiment(paths.METRICS),


rule published:
    input:
        expand(f"{paths.TABLES}/{{name}}.html", experiment=EXPERIMENT, name=PUBLISHED_TABLES),
        expand(f"{paths.TABLES}/{{name}}.png", experiment=EXPERIMENT, name=PUBLISHED_FIGURES),
