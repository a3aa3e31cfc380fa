# Needs: folds that passed the audit, and the recipe of the method.
# Makes: data/samples/{experiment}/{method}/fold{fold}/seed{seed}/: samples.parquet (row n is the n-th training sample)
#        and contact.png (a contact sheet of the first ones).


rule augment_samples:
    input:
        listed=paths.LISTING,
        folds=paths.FOLD_TILES,
        areas=paths.AREAS,
        audit=paths.FOLDS_AUDIT,
    output:
        samples=f"{paths.SAMPLES}/samples.parquet",
        figure=f"{paths.SAMPLES}/contact.png",
    log:
        STEPS["augment_samples"].log,
    benchmark:
        STEPS["augment_samples"].benchmark
    priority: 2  # as audit_coverage: too few positions are reported before the first training
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=scaled(4000),
        runtime=scaled(60),
    params:
        recipe=recipe,
        symmetries=lambda wildcards: project.symmetries[wildcards.method],
        training=SECTIONS["training"],
        code=code_of("augment_samples"),
    message:
        "Drawing the training samples of {wildcards.method}, fold {wildcards.fold}, seed {wildcards.seed}"
    shell:
        """
        exec &>{log:q}
        python scripts/augment_samples.py \
            --folds {input.folds:q} \
            --areas {input.areas:q} \
            --scenes {input.listed:q} \
            --fold {wildcards.fold} \
            --seed {wildcards.seed} \
            --recipe {params.recipe:q} \
            --symmetries {params.symmetries} \
            --training {params.training:q} \
            --out {output.samples:q} \
            --figure {output.figure:q}
        """
