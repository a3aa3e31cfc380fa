"""A real SLURM cluster on this machine, for tests and benchmarks."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from polling import wait_for

DAEMONS = ("munged", "slurmctld", "slurmd")
SETTINGS = Path("/etc/slurm")  # jobs find the cluster here: the executor takes SLURM_CONF from their environment
FILES = ("slurm.conf", "gres.conf", "cgroup.conf")
TEMPLATE = Path(__file__).parent / "slurm/slurm.conf.in"


def reason_to_skip() -> str | None:
    """Return why a cluster cannot be started here; empty if it can."""
    if missing := [name for name in DAEMONS if not shutil.which(name)]:
        return f"SLURM is not installed ({', '.join(missing)} missing): make system, as root on Debian"
    if os.geteuid() != 0:
        return "starting SLURM's daemons takes root"
    if used := [SETTINGS / name for name in FILES if (SETTINGS / name).exists()]:
        if not used[0].is_symlink():
            return f"this machine belongs to a cluster: {used[0]} is there"
        if subprocess.run(["scontrol", "ping"], capture_output=True, check=False).returncode == 0:
            return f"another run of these tests has its cluster on this machine: {used[0].resolve()}"
    return None


def free_ports(count: int) -> list[int]:
    """Return free ports."""
    sockets = [socket.socket() for _ in range(count)]
    for opened in sockets:
        opened.bind(("127.0.0.1", 0))
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def write_settings(folder: Path) -> None:
    """Write the files of a cluster into a folder and link them to where SLURM reads them."""
    for name in ("state", "spool"):
        (folder / name).mkdir()
    for number in range(2):  # the null device stands for a GPU: SLURM only numbers and grants it
        os.mknod(folder / f"gpu{number}", 0o20666, os.makedev(1, 3))
    host = socket.gethostname().split(".")[0]
    controller_port, node_port = free_ports(2)
    text = TEMPLATE.read_text()
    filled = text.format(host=host, folder=folder, controller_port=controller_port, node_port=node_port)
    (folder / "slurm.conf").write_text(filled)
    (folder / "gres.conf").write_text(f"NodeName={host} Name=gpu File={folder}/gpu[0-1]\n")
    (folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
    (folder / "key").write_bytes(os.urandom(1024))
    (folder / "key").chmod(0o400)
    SETTINGS.mkdir(exist_ok=True)
    for name in FILES:
        (SETTINGS / name).unlink(missing_ok=True)  # left by a killed run
        (SETTINGS / name).symlink_to(folder / name)


def start(folder: Path) -> list[subprocess.Popen]:
    """Return the daemons, in the foreground so that the tests can end them, once the node accepts jobs."""
    munge = [f"--socket={folder}/munge.socket", f"--key-file={folder}/key", f"--pid-file={folder}/munged.pid"]
    commands = (
        ["munged", "--foreground", "--force", *munge, f"--log-file={folder}/munged.log", f"--seed-file={folder}/seed"],
        ["slurmctld", "-D", "-i"],
        ["slurmd", "-D"],
    )
    daemons = []
    for command in commands:
        with (folder / f"{command[0]}.out").open("w") as out:
            daemons.append(subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True))
    try:
        wait_for(idle, said=lambda: "\n".join(path.read_text()[-2000:] for path in sorted(folder.glob("*.log"))))
    except AssertionError:
        stop(daemons)
        raise
    return daemons


def idle() -> bool:
    """Return whether all nodes wait for jobs."""
    states = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True, check=False).stdout.split()
    return set(states) == {"idle"}


def stop(daemons: list[subprocess.Popen]) -> None:
    """End jobs and daemons, the last one first."""
    subprocess.run(["scancel", "--state=RUNNING,PENDING", "--user=root"], capture_output=True, timeout=20, check=False)
    for daemon in reversed(daemons):
        daemon.terminate()
        try:
            daemon.wait(20)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
    for name in FILES:
        (SETTINGS / name).unlink()


@contextmanager
def running_cluster(folder: Path) -> Iterator[None]:
    """Run a cluster with the partitions of the profile; its files are in a folder that others may read."""
    folder.chmod(0o755)  # munge refuses a socket that others cannot reach
    write_settings(folder)
    daemons = start(folder)
    try:
        yield
    finally:
        stop(daemons)
