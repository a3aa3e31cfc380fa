#!/usr/bin/env bash
# After a job has failed, Snakemake treats files made from its earlier output as up to date.
#
# Expected: the changed parameter made the job run, the job failed, so the next run starts with it again.
# Found with Snakemake 9.27.1: the next run reports that there is nothing to be done, and the final file keeps the value from
# before the change, for a temporary and for an ordinary output. The parameters, the code and the checksums of the inputs
# of a job are recorded when it ends, successfully or not (pull request 3237 of 2024), and its output is removed; a missing
# file that no target names and that no outdated file needs is not a reason to run. One would also expect that an ordinary
# output is made again because it is missing; it is not.
# What the project does: its targets name the files of jobs that failed (workflow/rules/failed.smk), and the job that reads
# generated layers has the digest of the program that makes them among its parameters (code_of_generator);
# tests/test_reruns.py and tests/test_ask.py let jobs fail.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "snakemake==${SNAKEMAKE:-9.27.1}"
cd "$folder"
cat >Snakefile <<'SNAKEFILE'
kept = config.get("kept", "no") == "yes"

rule last:
    input: "layer.txt"
    output: "scene.txt"
    shell: "cp {input} {output}"

rule first:
    output: "layer.txt" if kept else temp("layer.txt")
    params: value=config["value"]
    shell: "echo {params.value} >{output}; test {params.value} -lt 9"
SNAKEFILE
run() { env/bin/snakemake --cores 1 --config "$@" 2>&1; }
planned() { run "$@" --dry-run | grep -E "Nothing to be done|^(first|last) " | sort -u || true; }
for kept in no yes; do
    rm -rf .snakemake layer.txt scene.txt
    run value=1 kept=$kept >/dev/null
    echo "kept=$kept, value changed:    $(planned value=9 kept=$kept | tr -s ' \n' ' ')"
    run value=9 kept=$kept >/dev/null && exit 1
    after=$(planned value=9 kept=$kept | tr -s ' \n' ' ')
    echo "kept=$kept, after it failed:  $after; scene.txt holds $(cat scene.txt)"
    [[ $after == *"Nothing to be done"* ]]
    [[ $(cat scene.txt) == 1 ]]
done
echo "Snakemake $(env/bin/snakemake --version)"
