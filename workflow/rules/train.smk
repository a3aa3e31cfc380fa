# Needs: the sample table of a method, fold and seed, and the scenes.
# Makes: models/{experiment}/{method}/fold{fold}/seed{seed}/: weights (best and last), card and history. A training that
#        was killed resumes from scratch/training/. One that receives SIGTERM or SIGUSR1 first saves its state there and
#        exits with status 75: the next attempt (`retries` of the profile) resumes with the next step.
#        models/{experiment}/{method}/coverage.json: scenes that a method cannot use, and test areas that an image does
#        not cover or that a starting model was trained on, end the run before training.
#        models/{experiment}/.../sources.json: origin and licence of the data of each model.
#        models/{experiment}/statistics_audit.json: a model whose normalisation was not fitted on its training tiles, or
#        that was trained on test areas before, ends the run.


rule train:
    input:
        listed=paths.LISTING,
        folds=paths.FOLD_TILES,
        areas=paths.AREAS,
        samples=f"{paths.SAMPLES}/samples.parquet",
        start=starting_model,
        coverage=paths.COVERAGE,  # not read, but nothing is trained without it
    output:
        weights=f"{paths.MODEL}/model.safetensors",
        last=f"{paths.MODEL}/last.safetensors",
        card=f"{paths.MODEL}/card.json",
        history=f"{paths.MODEL}/history.csv",
    log:
        STEPS["train"].log,
    benchmark:
        STEPS["train"].benchmark
    priority: in_order  # before all that needs no training, so that this runs beside the last ones
    conda:
        ENVIRONMENT
    threads: project.params.training.threads
    resources:
        mem_mb=scaled(16000),
        runtime=scaled(2880),
        gpu=gpus,
    params:
        recipe=recipe,
        training=SECTIONS["training"],
        folder=paths.MODEL,
        scratch=paths.CHECKPOINTS,
        live=paths.LIVE,
        code=code_of_method("train"),
    message:
        "Training {wildcards.method}, fold {wildcards.fold}, seed {wildcards.seed}"
    shell:
        """
        exec &>{log:q}
        # `exec`, so that signals reach the program and its status is that of the job.
        exec python scripts/train.py \
            --method {wildcards.method:q} \
            --recipe {params.recipe:q} \
            --training {params.training:q} \
            --samples {input.samples:q} \
            --folds {input.folds:q} \
            --areas {input.areas:q} \
            --fold {wildcards.fold} \
            --seed {wildcards.seed} \
            --scenes {input.listed:q} \
            --scratch {params.scratch:q} \
            --live {params.live:q} \
            --devices {resources.gpu} \
            --out {params.folder:q}
        """


rule audit_coverage:
    input:
        listed=paths.LISTING,
        areas=paths.AREAS,
        start=starting_card,
    output:
        coverage=paths.COVERAGE,
    log:
        STEPS["audit_coverage"].log,
    benchmark:
        STEPS["audit_coverage"].benchmark
    priority: 2  # before the first training: what is refused here costs minutes, not hours
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        recipe=recipe,
        start=lambda wildcards, input: ["--start", *input.start] if input.start else [],
        # Paths, not the value inside: allowing missing pixels afterwards must not train again.
        protocol="params.yaml",
        experiment=EXPERIMENT_FILE,
        code=code_of("audit_coverage"),
    message:
        "Checking that {wildcards.method} can be trained and tested on these scenes"
    shell:
        """
        exec &>{log:q}
        python scripts/audit_coverage.py \
            --scenes {input.listed:q} \
            --areas {input.areas:q} \
            --recipe {params.recipe:q} \
            {params.start:q} \
            --params {params.protocol:q} \
            --experiment {params.experiment:q} \
            --out {output.coverage:q}
        """


rule audit_statistics:
    input:
        cards=expand(
            f"{paths.MODEL}/card.json",
            method=METHODS,
            fold=FOLDS,
            seed=SEEDS,
            allow_missing=True,
        ),
        listed=paths.LISTING,
        folds=paths.FOLD_TILES,
        areas=paths.AREAS,
    output:
        audit=paths.STATISTICS_AUDIT,
    log:
        STEPS["audit_statistics"].log,
    benchmark:
        STEPS["audit_statistics"].benchmark
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(20),
    params:
        code=code_of("audit_statistics"),
    message:
        "Checking that the models of {wildcards.experiment} have seen training and validation areas only"
    shell:
        """
        exec &>{log:q}
        python scripts/audit_statistics.py \
            --cards {input.cards:q} \
            --folds {input.folds:q} \
            --areas {input.areas:q} \
            --scenes {input.listed:q} \
            --out {output.audit:q}
        """


rule describe_models:
    input:
        cards=results(f"{paths.MODEL}/card.json"),
        about=ALL_ABOUT,
        starts=sources_of_starts,
    output:
        sources=results(paths.SOURCES),
    log:
        of_experiment(STEPS["describe_models"].log),
    benchmark:
        of_experiment(STEPS["describe_models"].benchmark)
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(1000),
        runtime=scaled(20),
    params:
        models=described_models,
        code=code_of("describe_models"),
    message:
        "Recording origin and licence of the data of all models"
    shell:
        """
        exec &>{log:q}
        python scripts/describe_models.py \
            {params.models:q} \
            --about {input.about:q}
        """
