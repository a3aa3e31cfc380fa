# Failures of jobs: each job fails at its first attempt, and `hopeless` at every one.
JOBS = ("cancelled", "crowded", "slow", "granted_0", "granted_1")


rule all:
    input:
        expand("{job}.txt", job=(*JOBS, "hopeless")),


rule hopeless:
    output:
        "hopeless.txt",
    log:
        "hopeless.log",
    shell:
        "echo 'no such scene' >{log}; exit 3"


# SLURM counts time in minutes, so this takes one.
rule slow:
    output:
        "slow.txt",
    log:
        "slow.log",
    resources:
        runtime=lambda wildcards, attempt: attempt,
    shell:
        "echo {resources.runtime} >>{log}; [ {resources.runtime} -gt 1 ] || sleep 300; cp {log} {output}"


# 450 MB in addition to the two processes of Snakemake in every job.
rule crowded:
    output:
        "crowded.txt",
    log:
        "crowded.log",
    resources:
        mem_mb=lambda wildcards, attempt: 400 * attempt,
    shell:
        "python -c 'import time; held = b\"x\" * 450_000_000; time.sleep(4)' && echo {resources.mem_mb} >{output}"


rule cancelled:
    output:
        "cancelled.txt",
    log:
        "cancelled.log",
    params:
        first=lambda wildcards, resources: resources.mem_mb == 2000,
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    shell:
        "[ {params.first} = False ] || {{ scancel $SLURM_JOB_ID; sleep 60; }}; echo done >{output}"


# Each waits for the other, so that both hold their GPU at the same time.
rule granted:
    output:
        "granted_{number}.txt",
    log:
        "granted_{number}.log",
    resources:
        gpu=1,
        slurm_partition="gpu",
    shell:
        """
        echo $CUDA_VISIBLE_DEVICES >{log}
        for second in {{1..60}}; do [ -s granted_0.log ] && [ -s granted_1.log ] && break; sleep 1; done
        cp {log} {output}
        """
