"""An invented experiment with many scenes is planned: its commands do not grow with it."""

from pathlib import Path

from large_workflow import plan, write_experiment


def longest_command(folder: Path, scenes: int) -> int:
    """Return the length of the longest command."""
    folder.mkdir()
    write_experiment(folder, scenes, methods=2)
    return max(len(command.encode()) for command in plan(folder).commands())


def test_no_command_grows_with_the_scenes(tmp_path):
    """Linux accepts 128 KiB in one argument, and a shell receives a whole command as one."""
    assert longest_command(tmp_path / "few", scenes=3) == longest_command(tmp_path / "many", scenes=30)


def test_a_thousand_scenes_do_not_become_a_hundred_thousand_jobs(tmp_path):
    write_experiment(tmp_path, scenes=40, methods=2)
    events = plan(tmp_path, "--profile", "workflow/profiles/slurm")
    assert sum(events.jobs().values()) == 532
    # Two batches of scenes in three groups, for two methods in two of them, of residuals, and for two methods of
    # intervals and of familiarity; ten trainings, their samples, their calibrations and what they have seen; the rest.
    assert events.submissions() == 65
