# The targets beside `all`, rules without wildcards: `snakemake heights`. `report` is the rule of that name in report.smk.


localrules:
    scenes,
    tiles,
    folds,
    models,
    heights,
    buildings,
    metrics,


rule scenes:
    input:
        ALL_SCENES,


rule tiles:
    input:
        ALL_TILES,


rule folds:
    input:
        f"data/folds/{EXPERIMENT}/audit.json",


rule models:
    input:
        results(f"{MODEL}/model.safetensors"),


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
