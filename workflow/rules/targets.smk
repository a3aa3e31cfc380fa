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
        f"data/folds/{EXPERIMENT}/audit.json",
        f"data/folds/{EXPERIMENT}/scenes.json",


rule models:
    input:
        results(f"{MODEL}/model.safetensors"),
        f"models/{EXPERIMENT}/statistics_audit.json",


rule heights:
    input:
        results(f"{RESULT}/height.tif"),
        results(f"{RESULT}/residuals.tif", methods=REFINING_METHODS),


rule buildings:
    input:
        results(f"{RESULT}/buildings.parquet"),


rule metrics:
    input:
        f"results/{EXPERIMENT}/metrics.json",


rule published:
    input:
        expand("results/{experiment}/tables/{name}.html", experiment=EXPERIMENT, name=PUBLISHED_TABLES),
        expand("results/{experiment}/tables/{name}.png", experiment=EXPERIMENT, name=PUBLISHED_FIGURES),
