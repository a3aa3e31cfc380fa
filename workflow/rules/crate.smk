# Needs: the finished experiment.
# Makes: results/{experiment}/crate.zip, an RO-Crate of the run: workflow, settings, models, results and report with their digests.
#        `img2height verify results/{experiment}` compares the files with it. It is not part of `all`, because it is as large as the
#        results.


# Also a target, so its paths have no wildcards.
rule crate:
    input:
        page=of_experiment(paths.REPORT),
        listed=of_experiment(paths.LISTING),
        about=ALL_ABOUT,
        heights=results(f"{paths.RESULT}/height.tif"),
        intervals=results(f"{paths.RESULT}/interval.tif"),
        unfamiliar=results(f"{paths.RESULT}/unfamiliar.tif"),
        polygons=results(f"{paths.RESULT}/buildings.parquet"),
        weights=results(f"{paths.MODEL}/model.safetensors"),
        sources=results(paths.SOURCES),
    output:
        crate=of_experiment(paths.CRATE),
    log:
        of_experiment(STEPS["crate"].log),
    benchmark:
        of_experiment(STEPS["crate"].benchmark)
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(120),
    params:
        file=EXPERIMENT_FILE,
        recipes=SettingsFile(
            "recipes",
            {name: recipe.model_dump(mode="json") for name, recipe in project.recipes.items()},
        ),
        citations=SettingsFile(
            "citations",
            {name: file.citation for name, file in project.datasets.items() if file.citation},
        ),
        workflow=["workflow/Snakefile", "snakemake"],
        settings=["params.yaml", "workflow/rules", config["experiments"], config["datasets"], "config/methods"],
        outputs=[f"{folder}/{EXPERIMENT}" for folder in ("data/folds", "models", "results")],
        left_out=of_experiment(paths.VIEW),
        code=code_of("crate"),
    message:
        "Archiving the experiment"
    shell:
        """
        exec &>{log:q}
        python scripts/crate.py \
            --experiment {params.file:q} \
            --recipes {params.recipes:q} \
            --about {input.about:q} \
            --citations {params.citations:q} \
            --scenes {input.listed:q} \
            --workflow {params.workflow:q} \
            --settings {params.settings:q} \
            --outputs {params.outputs:q} \
            --left-out {params.left_out:q} \
            --out {output.crate:q}
        """
