# Needs: data/raw/<dataset>/ as delivered, or the settings of a district of the synthetic city.
# Makes: data/scenes/{dataset}/{scene}/scene.json, the manifest with the digests of the layers beside it.


rule make_city:
    output:
        folder=temp(directory("scratch/city/{dataset}/{scene}")),
    log:
        "logs/make_city/{dataset}/{scene}.log",
    benchmark:
        "logs/benchmarks/make_city/{dataset}/{scene}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(20),
    params:
        settings=lambda wildcards: scene_file(wildcards).city.model_dump_json(),
        code=code_of("make_city"),
    message:
        "Making the district {wildcards.scene} of the synthetic city"
    shell:
        """
        exec &>{log:q}
        python scripts/make_city.py \
            --settings {params.settings:q} \
            --out {output.folder:q}
        """


rule make_land:
    output:
        folder=temp(directory("scratch/land/{dataset}/{scene}")),
    log:
        "logs/make_land/{dataset}/{scene}.log",
    benchmark:
        "logs/benchmarks/make_land/{dataset}/{scene}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(20),
    params:
        settings=lambda wildcards: scene_file(wildcards).land.model_dump_json(),
        code=code_of("make_land"),
    message:
        "Making the landscape {wildcards.scene}"
    shell:
        """
        exec &>{log:q}
        python scripts/make_land.py \
            --settings {params.settings:q} \
            --out {output.folder:q}
        """


rule prepare_scene:
    input:
        layers=raw_layers,
    output:
        manifest="data/scenes/{dataset}/{scene}/scene.json",
    log:
        "logs/prepare_scene/{dataset}/{scene}.log",
    benchmark:
        "logs/benchmarks/prepare_scene/{dataset}/{scene}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        scene=scene_json,
        grid=grid,
        about=about,
        raw=raw_folder,
        delivered=delivered_bytes,
        code=code_of("prepare_scene"),
    message:
        "Bringing the layers of {wildcards.dataset}/{wildcards.scene} to one grid"
    shell:
        """
        exec &>{log:q}
        python scripts/prepare_scene.py \
            --dataset {wildcards.dataset:q} \
            --scene {wildcards.scene:q} \
            --scene-file {params.scene:q} \
            --grid {params.grid:q} \
            --about {params.about:q} \
            --raw {params.raw:q} \
            --out {output.manifest:q}
        """
