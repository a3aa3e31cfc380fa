# Needs: data/raw/<dataset>/ as delivered, or the settings of a district of the synthetic city.
# Makes: data/scenes/{dataset}/{scene}/scene.json, the manifest with the digests of the layers next to it;
#        data/scenes/{dataset}/about.json, title, source and licence, so that a change of these prepares and trains nothing.


rule make_city:
    output:
        folder=temp(directory(paths.GENERATED.replace("{generator}", "city"))),
    log:
        STEPS["make_city"].log,
    benchmark:
        STEPS["make_city"].benchmark
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(20),
    params:
        settings=generator_settings("city"),
        code=code_of("make_city"),
    message:
        "Generating the synthetic district {wildcards.scene}"
    shell:
        """
        exec &>{log:q}
        python scripts/make_city.py \
            --settings {params.settings:q} \
            --out {output.folder:q}
        """


rule make_land:
    output:
        folder=temp(directory(paths.GENERATED.replace("{generator}", "land"))),
    log:
        STEPS["make_land"].log,
    benchmark:
        STEPS["make_land"].benchmark
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(2000),
        runtime=scaled(20),
    params:
        settings=generator_settings("land"),
        code=code_of("make_land"),
    message:
        "Generating the synthetic landscape {wildcards.scene}"
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
        manifest=paths.SCENE,
    log:
        STEPS["prepare_scene"].log,
    benchmark:
        STEPS["prepare_scene"].benchmark
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        scene=scene_settings,
        grid=grid,
        raw=raw_folder,
        delivered=delivered_bytes,
        code=code_of("prepare_scene"),
        generator=code_of_generator,
    message:
        "Preparing scene {wildcards.dataset}/{wildcards.scene}: all layers onto one grid"
    shell:
        """
        exec &>{log:q}
        python scripts/prepare_scene.py \
            --dataset {wildcards.dataset:q} \
            --scene {wildcards.scene:q} \
            --scene-file {params.scene:q} \
            --grid {params.grid:q} \
            --raw {params.raw:q} \
            --out {output.manifest:q}
        """


rule describe_dataset:
    output:
        about=paths.ABOUT,
    log:
        STEPS["describe_dataset"].log,
    benchmark:
        STEPS["describe_dataset"].benchmark
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(20),
    params:
        about=about,
        code=code_of("describe_dataset"),
    message:
        "Recording title, source and licence of {wildcards.dataset}"
    shell:
        """
        exec &>{log:q}
        python scripts/describe_dataset.py \
            --about {params.about:q} \
            --out {output.about:q}
        """
