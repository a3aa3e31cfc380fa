# Needs: manifests and tile indexes of all scenes of the experiment, and the role of each.
# Makes: data/folds/{experiment}/: folds.parquet (tiles by fold and part), areas.parquet (ground by fold and part),
#        audit.json and folds.png. A leak between the parts ends the run here.


rule split_folds:
    input:
        scenes=ALL_SCENES,
        tiles=ALL_TILES,
    output:
        folds="data/folds/{experiment}/folds.parquet",
        areas="data/folds/{experiment}/areas.parquet",
    log:
        "logs/split_folds/{experiment}.log",
    benchmark:
        "logs/benchmarks/split_folds/{experiment}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        roles=ROLES,
        settings=SECTIONS["split"],
        tile_px=project.params.tiling.tile_px,
        folds=FOLDS,
        code=code_of("split_folds"),
    message:
        "Dividing the ground of {wildcards.experiment} into folds"
    shell:
        """
        exec &>{log:q}
        python scripts/split_folds.py \
            --scenes {input.scenes:q} \
            --roles {params.roles} \
            --tiles {input.tiles:q} \
            --settings {params.settings:q} \
            --tile-px {params.tile_px} \
            --folds {params.folds} \
            --folds-out {output.folds:q} \
            --areas-out {output.areas:q}
        """


rule audit_folds:
    input:
        scenes=ALL_SCENES,
        folds="data/folds/{experiment}/folds.parquet",
        areas="data/folds/{experiment}/areas.parquet",
    output:
        audit="data/folds/{experiment}/audit.json",
        figure=report(
            "data/folds/{experiment}/folds.png",
            caption="../report/folds.rst",
            category="Folds",
        ),
    log:
        "logs/audit_folds/{experiment}.log",
    benchmark:
        "logs/benchmarks/audit_folds/{experiment}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        buffer_m=project.params.split.buffer_m,
        code=code_of("audit_folds"),
    message:
        "Searching the folds of {wildcards.experiment} for leaks"
    shell:
        """
        exec &>{log:q}
        python scripts/audit_folds.py \
            --scenes {input.scenes:q} \
            --folds {input.folds:q} \
            --areas {input.areas:q} \
            --buffer-m {params.buffer_m} \
            --out {output.audit:q} \
            --figure {output.figure:q}
        """
