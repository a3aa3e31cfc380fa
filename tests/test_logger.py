"""A run of Snakemake in a terminal: one-line reasons, errors with the end of their logs, one progress bar."""

import os
import pty
import subprocess
from pathlib import Path

import pytest

from snakemake_logger_plugin_img2height import ShortFormatter, short_reason

SNAKEFILE = """
rule all:
    input: "made.txt"

rule draw:
    output: "drawn.txt"
    log: "logs/draw.log"
    params: value=config["value"]
    message: "Drawing {params.value}"
    shell: "exec &>{log}; seq 100; echo 'error: {params.value} is too much'; test {params.value} -lt 9; touch {output}"

rule make:
    input: "drawn.txt"
    output: "made.txt"
    message: "Making a text, and saying so in more words than there is room for in a terminal of eighty characters"
    shell: "touch {output}"
"""


def snakemake(folder: Path, *flags: str) -> subprocess.CompletedProcess:
    """Return a finished run of the two rules."""
    (folder / "Snakefile").write_text(SNAKEFILE)
    command = ["snakemake", "--cores", "1", "--logger", "img2height", "--show-failed-logs", *flags]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def in_terminal(folder: Path, *command: str) -> str:
    """Return what a command writes to a terminal of 80 x 24 characters."""
    controller, terminal = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    with subprocess.Popen(command, cwd=folder, stdout=terminal, stderr=terminal, env=environment) as running:
        os.close(terminal)
        said = b""
        while True:
            try:
                said += os.read(controller, 65536)
            except OSError:  # the last process has closed the terminal
                break
        running.wait()
    os.close(controller)
    return said.decode()


def test_a_job_prints_what_it_does_and_why(tmp_path):
    first = snakemake(tmp_path, "--config", "value=1").stderr
    assert "Drawing 1\n    why: missing: drawn.txt\n" in first
    again = snakemake(tmp_path, "--config", "value=2").stderr
    assert "Drawing 2\n    why: settings or code changed\n" in again
    assert "characters\n    why: new input: drawn.txt\n" in again


def test_a_failed_job_ends_with_its_log(tmp_path):
    done = snakemake(tmp_path, "--config", "value=11")
    assert done.returncode == 1
    said = done.stderr
    assert "Error in rule draw" in said
    assert "A command returned non-zero exit status 1." in said
    assert "    log: logs/draw.log\n    | 90\n" in said
    assert "    | error: 11 is too much\n" in said
    assert "test 11 -lt 9" not in said
    assert "message:" not in said
    assert said.endswith("Failed: logs/draw.log\n")


def test_one_bar_covers_all_jobs_and_errors_are_shown(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    command = ["snakemake", "--cores", "1", "--logger", "img2height", "--show-failed-logs", "--logger-img2height-bar"]
    said = in_terminal(tmp_path, *command, "--config", "value=1")
    for shown in ("Drawing 1", "Making a text", "…", "3/3"):
        assert shown in said
    assert "why: " not in said
    said = in_terminal(tmp_path, *command, "--config", "value=11")
    assert "| error: 11 is too much" in said
    assert said.rstrip().endswith("Failed: logs/draw.log")


def test_outside_a_terminal_there_are_lines_instead_of_the_bar(tmp_path):
    assert "Drawing 1\n" in snakemake(tmp_path, "--logger-img2height-bar", "--config", "value=1").stderr


def test_the_cluster_s_message_about_a_job_is_shown():
    """It is the message of the executor's error; local jobs have none."""
    error = {"rule_name": "train", "jobid": 3, "aux": {}, "log": [], "indent": False}
    said = "SLURM status is: 'TIMEOUT'"
    assert f"message: {said}" in ShortFormatter().format_job_error({**error, "rule_msg": said})
    assert "message" not in ShortFormatter().format_job_error({**error, "rule_msg": None})


@pytest.mark.parametrize(
    ("reason", "short"),
    [
        ("Missing output files: b, a; Input files updated by another job: c", "missing: a, b"),
        ("Updated input files: d, c, b, a", "newer input: a, b and 2 more"),
        (
            "Code has changed since last execution; Params have changed since last execution: before: 'x; y' now: 'z'",
            "command changed; settings or code changed",
        ),
    ],
)
def test_reasons_are_short(reason, short):
    assert short_reason(reason) == short
