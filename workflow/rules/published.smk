# Needs: metrics.json, intervals.csv and tiles.parquet of an experiment, and the files of config/tables/ and config/figures/.
# Makes: results/{experiment}/tables/<name>.{csv,md,html} of each published table that contains a method of the experiment,
#        and <name>.{png,csv,md} of each published figure whose methods it runs.


rule published_table:
    input:
        table="config/tables/{table}.yaml",
        metrics=paths.METRICS,
        intervals=paths.INTERVALS,
    output:
        csv=f"{paths.TABLES}/{{table}}.csv",
        md=f"{paths.TABLES}/{{table}}.md",
        html=f"{paths.TABLES}/{{table}}.html",
    log:
        STEPS["published_table"].log,
    benchmark:
        STEPS["published_table"].benchmark
    wildcard_constraints:
        table="|".join(PUBLISHED_TABLES) or "none",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(20),
    params:
        code=code_of("published_table"),
    message:
        "Writing the published table {wildcards.table}"
    shell:
        """
        exec &>{log:q}
        python scripts/published_table.py \
            --table {input.table:q} \
            --metrics {input.metrics:q} \
            --intervals {input.intervals:q} \
            --csv {output.csv:q} \
            --md {output.md:q} \
            --html {output.html:q}
        """


rule published_figure:
    input:
        figure="config/figures/{figure}.yaml",
        metrics=paths.METRICS,
        tiles=tiles_of_figure,
    output:
        png=f"{paths.TABLES}/{{figure}}.png",
        csv=f"{paths.TABLES}/{{figure}}.csv",
        md=f"{paths.TABLES}/{{figure}}.md",
    log:
        STEPS["published_figure"].log,
    benchmark:
        STEPS["published_figure"].benchmark
    wildcard_constraints:
        figure="|".join(PUBLISHED_FIGURES) or "none",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(20),
    params:
        code=code_of("published_figure"),
    message:
        "Drawing the published figure {wildcards.figure}"
    shell:
        """
        exec &>{log:q}
        python scripts/published_figure.py \
            --figure {input.figure:q} \
            --tiles {input.tiles:q} \
            --metrics {input.metrics:q} \
            --png {output.png:q} \
            --csv {output.csv:q} \
            --md {output.md:q}
        """
