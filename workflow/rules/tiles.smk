# Needs: the manifest of each scene.
# Makes: data/tiles/{experiment}/{dataset}/{scene}.parquet, the index of its tiles; no pixel is copied.


rule index_tiles:
    input:
        scene="data/scenes/{dataset}/{scene}/scene.json",
    output:
        tiles="data/tiles/{experiment}/{dataset}/{scene}.parquet",
    log:
        "logs/index_tiles/{experiment}/{dataset}/{scene}.log",
    benchmark:
        "logs/benchmarks/index_tiles/{experiment}/{dataset}/{scene}.tsv"
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
