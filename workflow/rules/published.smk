# Needs: metrics.json, intervals.csv and tiles.parquet of an experiment, and the files of config/tables/ and config/figures/.
# Makes: results/{experiment}/tables/<name>.{csv,md,html} of each published table that a method of the experiment is in,
#        and <name>.{png,csv,md} of each published figure whose methods it runs.


rule published_table:
    input:
        table="config/tables/{table}.yaml",
        metrics="results/{experiment}/metrics.json",
        intervals="results/{experiment}/tables/intervals.csv",
    output:
        csv="results/{experiment}/tables/{table}.csv",
        md="results/{experiment}/tables/{table}.md",
        html="results/{experiment}/tables/{table}.html",
    log:
        "logs/published_table/{experiment}/{table}.log",
    benchmark:
        "logs/benchmarks/published_table/{experiment}/{table}.tsv"
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
        metrics="results/{experiment}/metrics.json",
        tiles=tiles_of_figure,
    output:
        png="results/{experiment}/tables/{figure}.png",
        csv="results/{experiment}/tables/{figure}.csv",
        md="results/{experiment}/tables/{figure}.md",
    log:
        "logs/published_figure/{experiment}/{figure}.log",
    benchmark:
        "logs/benchmarks/published_figure/{experiment}/{figure}.tsv"
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
