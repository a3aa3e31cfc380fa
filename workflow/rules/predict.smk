# Needs: the models of all folds of a method and seed, a scene, and the test ground in it.
# Makes: height.tif of each fold (its test area) and of all folds together (oof: no pixel was trained on).


# One job a scene and method: each fold predicts its own part of the scene, so all folds together are one scene's work,
# and a thousand scenes do not become a hundred thousand jobs.
rule predict:
    input:
        scene=manifest,
        areas="data/folds/{experiment}/areas.parquet",
        models=expand(f"{MODEL}/model.safetensors", fold=FOLDS, allow_missing=True),
    output:
        heights=expand(f"{FOLD_RESULT}/height.tif", fold=FOLDS, allow_missing=True),
        mosaic=f"{RESULT}/height.tif",
        windows=temp("scratch/windows/{experiment}/{method}/seed{seed}/{scene}.tif"),
    log:
        "logs/predict/{experiment}/{method}/seed{seed}/{scene}.log",
    benchmark:
        "logs/benchmarks/predict/{experiment}/{method}/seed{seed}/{scene}.tsv"
    conda:
        ENVIRONMENT
    threads: project.params.training.threads
    resources:
        mem_mb=8000,
        runtime=240,
        gpu=1,
    params:
        folds=FOLDS,
        settings=SECTIONS["inference"],
        code=code_of_method("predict"),
        stitch_code=code_of("stitch"),
        mosaic_code=code_of("mosaic_folds"),
    message:
        "Predicting {wildcards.scene} with {wildcards.method}, seed {wildcards.seed}"
    shell:
        """
        exec &>{log:q}
        folds=({params.folds}) models=({input.models:q}) heights=({output.heights:q})
        for i in "${{!folds[@]}}"; do
            python scripts/predict.py \
                --model "$(dirname "${{models[i]}}")" \
                --scene {input.scene:q} \
                --areas {input.areas:q} \
                --fold "${{folds[i]}}" \
                --settings {params.settings:q} \
                --out {output.windows:q}
            python scripts/stitch.py \
                --windows {output.windows:q} \
                --scene {input.scene:q} \
                --areas {input.areas:q} \
                --fold "${{folds[i]}}" \
                --height "${{heights[i]}}"
        done
        python scripts/mosaic_folds.py \
            --heights {output.heights:q} \
            --scene {input.scene:q} \
            --out {output.mosaic:q}
        """
