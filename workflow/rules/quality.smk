# Needs: the prepared scenes.
# Makes: results/{experiment}/quality.html, the checks of all scenes with maps. It is not part of `all`: nothing depends on it, and
#        it is read before the first training.


# Also a target, so its paths have no wildcards.
rule quality:
    input:
        scenes=ALL_SCENES,
    output:
        page=of_experiment(paths.QUALITY),
    log:
        of_experiment(STEPS["quality"].log),
    benchmark:
        of_experiment(STEPS["quality"].benchmark)
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(60),
    params:
        title=project.experiment.title,
        code=code_of("quality"),
    message:
        "Checking the scenes"
    shell:
        """
        exec &>{log:q}
        python scripts/quality.py \
            --title {params.title:q} \
            --scenes {input.scenes:q} \
            --out {output.page:q}
        """
