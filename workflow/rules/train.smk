# Needs: the sample table of a method, fold and seed, and the scenes.
# Makes: models/{experiment}/{method}/fold{fold}/seed{seed}/: weights (best and last), card and history. A training that
#        was killed goes on from scratch/training/.


rule train:
    input:
        scenes=ALL_SCENES,
        folds="data/folds/{experiment}/folds.parquet",
        samples="data/samples/{experiment}/{method}/fold{fold}/seed{seed}/samples.parquet",
        start=starting_model,
    output:
        weights=f"{MODEL}/model.safetensors",
        last=f"{MODEL}/last.safetensors",
        card=f"{MODEL}/card.json",
        history=f"{MODEL}/history.csv",
    log:
        "logs/train/{experiment}/{method}/fold{fold}_seed{seed}.log",
    benchmark:
        "logs/benchmarks/train/{experiment}/{method}/fold{fold}_seed{seed}.tsv"
    conda:
        ENVIRONMENT
    threads: project.params.training.threads
    resources:
        mem_mb=16000,
        runtime=2880,
        gpu=1,
    params:
        recipe=recipe,
        training=SECTIONS["training"],
        folder=MODEL,
        scratch="scratch/training/{experiment}/{method}/fold{fold}/seed{seed}",
        live="logs/dvclive/{experiment}/{method}/fold{fold}/seed{seed}",
        code=code_of_method("train"),
    message:
        "Training {wildcards.method} on fold {wildcards.fold} with seed {wildcards.seed}"
    shell:
        """
        exec &>{log:q}
        python scripts/train.py \
            --method {wildcards.method:q} \
            --recipe {params.recipe:q} \
            --training {params.training:q} \
            --samples {input.samples:q} \
            --folds {input.folds:q} \
            --fold {wildcards.fold} \
            --seed {wildcards.seed} \
            --scenes {input.scenes:q} \
            --scratch {params.scratch:q} \
            --live {params.live:q} \
            --devices {resources.gpu} \
            --out {params.folder:q}
        """
