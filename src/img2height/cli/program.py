"""The common part of all scripts: flags, log lines on standard error, and errors as one line with a non-zero exit."""

import argparse
import contextlib
import logging
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from img2height.errors import DISK_FULL, Img2HeightError


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser whose help is the docstring of the script."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)


def run(main: Callable[[argparse.Namespace], None], flags: argparse.ArgumentParser) -> None:
    """Run a script's main and exit: 0 when done, 2 on a user error, 128 + n on signal n.

    The first line on standard error is the command itself, ready to paste into a shell.
    """
    args = flags.parse_args()
    print(_command(), file=sys.stderr)
    # Schedulers end jobs with SIGTERM; as an exception it lets each block remove its temporary files.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("img2height").setLevel(logging.INFO)  # libraries log warnings only
    try:
        main(args)
    except Img2HeightError as error:
        sys.exit(_report(str(error)))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        sys.exit(_report(f"no space left while writing ({error}); free some space and run the same command again"))


def _command() -> str:
    """Return the running command as one line for a shell in this folder, in any environment."""
    python, here = Path(sys.executable), Path.cwd()
    inside = python.is_relative_to(here)
    return shlex.join([str(python.relative_to(here) if inside else python), *sys.argv])


class _Lines(logging.Handler):
    """Writes messages as lines to the current standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one message."""
        print(record.getMessage(), file=sys.stderr)


@contextlib.contextmanager
def messages() -> Iterator[None]:
    """Show what the package logs inside the block as plain lines on standard error."""
    logger, lines = logging.getLogger("img2height"), _Lines()
    level = logger.level
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(lines)
        logger.setLevel(level)


def _report(message: str) -> int:
    print(f"\nerror: {' '.join(message.split())}", file=sys.stderr)  # on its own line, below a progress bar
    return 2
