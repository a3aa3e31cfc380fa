# Needs: the scenes and, of the first seed, heights and polygons of all methods.
# Makes: results/{experiment}/view/, a map that opens in a browser without a network. It is not part of `all`: it takes about as
#        much space as the height maps themselves.


# Also a target, so its paths have no wildcards.
rule view:
    input:
        about=ALL_ABOUT,  # read from the folders of the datasets
        scenes=[manifest_of(scene) for scene in TEST_SCENES],
        heights=results(f"{paths.RESULT}/height.tif", seeds=SEEDS[:1]),
        polygons=results(f"{paths.RESULT}/buildings.parquet", seeds=SEEDS[:1]),
    output:
        directory(of_experiment(paths.VIEW)),
    log:
        of_experiment(STEPS["view"].log),
    benchmark:
        of_experiment(STEPS["view"].benchmark)
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(120),
    params:
        title=project.experiment.title,
        code=code_of("view"),
    message:
        "Writing the map"
    shell:
        """
        exec &>{log:q}
        python scripts/view.py \
            --title {params.title:q} \
            --heights {input.heights:q} \
            --scenes {input.scenes:q} \
            --out {output:q}
        """
