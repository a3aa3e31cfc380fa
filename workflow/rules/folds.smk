# Needs: manifests and tile indexes of all scenes of the experiment, the role of each, and the file of the regions if they
#        divide the ground.
# Makes: data/folds/{experiment}/: folds.parquet (tiles by fold and part), areas.parquet (ground by fold and part), both
#        in folds.gpkg, audit.json, folds.png and scenes.json (the manifests with their digests). A leak between the parts
#        ends the run here.


rule split_folds:
    input:
        scenes=ALL_SCENES,
        tiles=ALL_TILES,
        regions=region_file(),
    output:
        folds="data/folds/{experiment}/folds.parquet",
        areas="data/folds/{experiment}/areas.parquet",
        map="data/folds/{experiment}/folds.gpkg",
    log:
        "logs/split_folds/{experiment}.log",
    benchmark:
        "logs/benchmarks/split_folds/{experiment}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
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
            --areas-out {output.areas:q} \
            --map-out {output.map:q}
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
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        settings=SECTIONS["split"],
        tile_px=project.params.tiling.tile_px,
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
            --settings {params.settings:q} \
            --tile-px {params.tile_px} \
            --out {output.audit:q} \
            --figure {output.figure:q}
        """


# Trainings depend on every scene. Through one file, for a thousand scenes times a hundred trainings are edges that
# Snakemake takes a minute to walk.
rule list_scenes:
    input:
        scenes=ALL_SCENES,
    output:
        scenes="data/folds/{experiment}/scenes.json",
    log:
        "logs/list_scenes/{experiment}.log",
    benchmark:
        "logs/benchmarks/list_scenes/{experiment}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(20),
    params:
        code=code_of("list_scenes"),
    message:
        "Listing the scenes of {wildcards.experiment}"
    shell:
        """
        exec &>{log:q}
        python scripts/list_scenes.py \
            --scenes {input.scenes:q} \
            --out {output.scenes:q}
        """
