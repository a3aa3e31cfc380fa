#!/bin/sh
# Prints `running`, `success` or `failed` for a job. Between the queue and the accounting it is in neither for seconds.
if qstat -j "$1" >/dev/null 2>&1; then
    qstat -u '*' | awk -v job="$1" '$1 == job && $5 ~ /E/ { failed = 1 } END { print failed ? "failed" : "running" }'
elif ended=$(qacct -j "$1" 2>/dev/null); then
    echo "$ended" | awk '/^failed/ { failed = $2 } /^exit_status/ { status = $2 }
        END { print failed == 0 && status == 0 ? "success" : "failed" }'
else
    echo running
fi
