#!/usr/bin/env bash
# With a storage plugin, a job finds only the files that its rule names, and not those that were made beside them.
#
# Expected: a folder of which one file is an output is stored as it was made, as on a shared file system.
# Found with Snakemake 9.27.1, snakemake-storage-plugin-s3 0.3.6 and moto's server: only the declared file is in the bucket.
# A job that starts in another folder, as in a pod, does not find the file beside it.
# What the project does: the layers of a scene are not files of the graph, so an experiment runs in one pod with a volume, and
# DVC's remote is the object storage (docs/cluster.md, envs/kubernetes.yaml).
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "snakemake==${SNAKEMAKE:-9.27.1}" "snakemake-storage-plugin-s3==0.3.6" "moto[server]==5.2.5"
cd "$folder"
env/bin/moto_server --host 127.0.0.1 --port 0 >server.log 2>&1 &
server=$!
until grep -q "Press CTRL" server.log; do sleep 1; done
url=$(sed -n 's/.*Running on \(http[^ ]*\).*/\1/p' server.log)
export AWS_ACCESS_KEY_ID=key AWS_SECRET_ACCESS_KEY=secret
env/bin/python - "$url" <<'PYTHON'
import boto3, sys
boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1").create_bucket(Bucket="store")
PYTHON
cat >Snakefile <<'SNAKEFILE'
rule read:
    input: "scene/scene.json"
    output: "seen.txt"
    shell: "ls $(dirname {input}) >{output}"

rule prepare:
    output: "scene/scene.json"
    shell: "cd $(dirname {output}); echo manifest >scene.json; echo pixels >layer.tif"
SNAKEFILE
run() { # FOLDER ...: in a folder of its own, as in a pod
    mkdir -p "$1" && cd "$1"
    "$folder/env/bin/snakemake" --snakefile ../Snakefile --cores 1 --default-storage-provider s3 --default-storage-prefix s3://store \
        --storage-s3-endpoint-url "$url" --storage-s3-access-key key --storage-s3-secret-key secret \
        --storage-s3-region us-east-1 "${@:2}" >../run.log 2>&1 || { cat ../run.log; exit 1; }
    cd "$folder"
}
run first
run second --forcerun read
env/bin/python - "$url" <<'PYTHON'
import boto3, sys
client = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1")
stored = [item["Key"] for item in client.list_objects_v2(Bucket="store")["Contents"]]
seen = client.get_object(Bucket="store", Key="seen.txt")["Body"].read().decode().split()
print("in the bucket:", *stored)
print("seen by the next job:", *seen)
assert seen == ["scene.json"] and "scene/layer.tif" not in stored
PYTHON
echo "Snakemake $(env/bin/snakemake --version)"
