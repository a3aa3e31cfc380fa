# Needs: manifests and tile indexes of all scenes of the experiment, the role of each, and the file of the regions if the
#        split uses them.
# Makes: data/folds/{experiment}/: scenes.json (manifests, roles and digests), folds.parquet (tiles by fold and part),
#        areas.parquet (areas by fold and part), both in folds.gpkg, audit.json and folds.png. A leak between the parts
#        ends the run here.


rule split_folds:
    input:
        listed=paths.LISTING,
        tiles=ALL_TILES,
        regions=region_file(),
    output:
        folds=paths.FOLD_TILES,
        areas=paths.AREAS,
        map=paths.FOLDS_MAP,
    log:
        STEPS["split_folds"].log,
    benchmark:
        STEPS["split_folds"].benchmark
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        tiles=lambda wildcards, input: str(Path(input.tiles[0]).parents[1]),
        settings=SECTIONS["split"],
        tile_px=project.params.tiling.tile_px,
        folds=FOLDS,
        code=code_of("split_folds"),
    message:
        "Splitting {wildcards.experiment} into folds"
    shell:
        """
        exec &>{log:q}
        python scripts/split_folds.py \
            --scenes {input.listed:q} \
            --tiles {params.tiles:q} \
            --settings {params.settings:q} \
            --tile-px {params.tile_px} \
            --folds {params.folds} \
            --folds-out {output.folds:q} \
            --areas-out {output.areas:q} \
            --map-out {output.map:q}
        """


rule audit_folds:
    input:
        listed=paths.LISTING,
        folds=paths.FOLD_TILES,
        areas=paths.AREAS,
    output:
        audit=paths.FOLDS_AUDIT,
        figure=report(
            paths.FOLDS_FIGURE,
            caption="../report/folds.rst",
            category="Folds",
        ),
    log:
        STEPS["audit_folds"].log,
    benchmark:
        STEPS["audit_folds"].benchmark
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
        "Checking the folds of {wildcards.experiment} for leaks"
    shell:
        """
        exec &>{log:q}
        python scripts/audit_folds.py \
            --scenes {input.listed:q} \
            --folds {input.folds:q} \
            --areas {input.areas:q} \
            --settings {params.settings:q} \
            --tile-px {params.tile_px} \
            --out {output.audit:q} \
            --figure {output.figure:q}
        """


# Many jobs depend on every scene, through this one file: a thousand scenes times a hundred trainings would be edges that
# Snakemake takes a minute to walk, and a thousand paths are more than a shell accepts in a command.
rule list_scenes:
    input:
        scenes=ALL_SCENES,
    output:
        scenes=paths.LISTING,
    log:
        STEPS["list_scenes"].log,
    benchmark:
        STEPS["list_scenes"].benchmark
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(20),
    params:
        experiment=EXPERIMENT_FILE,
        folder=lambda wildcards, input: str(Path(input.scenes[0]).parents[2]),
        scenes=project.scenes,  # read from that file; given here so that only a change of scenes or roles counts
        code=code_of("list_scenes"),
    message:
        "Listing the scenes of {wildcards.experiment}"
    shell:
        """
        exec &>{log:q}
        python scripts/list_scenes.py \
            --experiment {params.experiment:q} \
            --folder {params.folder:q} \
            --out {output.scenes:q}
        """
