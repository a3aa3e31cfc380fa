# Needs: the manifest of each scene.
# Makes: data/tiles/{experiment}/{dataset}/{scene}.parquet, the index of its tiles; no pixel is copied.


rule index_tiles:
    input:
        scene=paths.SCENE,
    output:
        tiles=paths.TILES,
    log:
        STEPS["index_tiles"].log,
    benchmark:
        STEPS["index_tiles"].benchmark
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(20),
    params:
        settings=SECTIONS["tiling"],
        code=code_of("index_tiles"),
    message:
        "Indexing the tiles of {wildcards.dataset}/{wildcards.scene}"
    shell:
        """
        exec &>{log:q}
        python scripts/index_tiles.py \
            --scene {input.scene:q} \
            --settings {params.settings:q} \
            --out {output.tiles:q}
        """
