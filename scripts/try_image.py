"""Builds and tries the Dockerfile without Docker: every step of it in clean Debian trees, then the server.

    sudo python3 scripts/try_image.py [--bind PATH]... [--keep] [--folder FOLDER] [--picture FILE]

The server runs as the container would: the image's user, no capabilities, nothing to write to, and here no
network but its own loopback. Needs Linux, root, debootstrap, and a package index for pip as the build does.
The base image is played by a tree that debootstrap makes of the same Debian, with its Python of the same 3.x.

--bind shows a path of this machine to the build alone, read-only: pip's configuration, certificates, a folder
of packages. PIP_..., SSL_CERT_... and ..._proxy of the environment go to the build as well, and no further.
All mounts and processes live in name spaces of their own, so none is left behind, however this ends.
"""

import argparse
import ctypes
import fcntl
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dockerfile import Stage, Step, context_files, read_stages

ROOT = Path(__file__).resolve().parent.parent
_INSIDE = "VERAFACE_TRY_IMAGE_INSIDE"
_BASE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_GOES_TO_BUILD = re.compile(r"PIP_|SSL_CERT_|(https?|no|all)_proxy$", re.IGNORECASE)
_CLONE_NEWNET = 0x40000000  # sched.h
_DEVICES = ("null", "zero", "full", "random", "urandom")


def say(text: str, since: float | None = None) -> None:
    """Prints a line, with the seconds it took."""
    print(text if since is None else f"{text}: {time.monotonic() - since:.1f} s", flush=True)


def call(*command: str | Path, **options: object) -> None:
    """Runs a command, which must succeed."""
    subprocess.run([str(part) for part in command], check=True, **options)  # type: ignore[call-overload]


def megabytes(tree: Path) -> float:
    """What a folder takes on disk, in MB."""
    said = subprocess.run(["du", "-s", "-x", "-B1", tree], check=True, capture_output=True, text=True)
    return int(said.stdout.split()[0]) / 1e6


def base_tree(image: str, folder: Path) -> Path:
    """A clean Debian with Python that stands for the image, made once."""
    known = re.fullmatch(r"python:(3\.\d+)-slim-([a-z]+)", image)
    if not known:
        raise SystemExit(f"{image}: only python:3.X-slim-DEBIAN can be played here")
    version, suite = known.groups()
    tree = folder / f"debian-{suite}"
    if not (tree / ".complete").exists():
        shutil.rmtree(tree, ignore_errors=True)
        started = time.monotonic()
        wanted = "python3,python3-venv,ca-certificates"
        call(
            "debootstrap", "--variant=minbase", f"--include={wanted}", suite, tree, stdout=subprocess.DEVNULL
        )
        (tree / "usr/local/bin/python").symlink_to("/usr/bin/python3")  # the image's name for it
        (tree / ".complete").touch()
        say(f"debootstrap {suite}", started)
    said = subprocess.run(
        ["chroot", tree, "python", "--version"], check=True, capture_output=True, text=True
    ).stdout.strip()
    if not said.startswith(f"Python {version}."):
        raise SystemExit(f"{image} has Python {version}, Debian {suite} has {said}")
    say(f"base: Debian {suite}, {said}, {megabytes(tree):.0f} MB")
    return tree


class Builder:
    """Runs the steps of each stage in a tree of its own."""

    def __init__(self, folder: Path, binds: list[Path]) -> None:
        self._folder = folder
        self._binds = binds
        self._context = folder / "context"
        self.trees: dict[str, Path] = {}

    def build(self, stages: list[Stage]) -> Path:
        """The tree of the last stage."""
        shutil.rmtree(self._context, ignore_errors=True)
        for path in context_files(ROOT):
            (self._context / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, self._context / path)
        for number, stage in enumerate(stages):
            tree = self._folder / f"stage-{stage.name or number}"
            shutil.rmtree(tree, ignore_errors=True)
            call("cp", "-a", "--reflink=auto", base_tree(stage.base, self._folder), tree)
            self.trees[stage.name] = tree
            self._run_steps(stage, tree)
        return tree

    def _run_steps(self, stage: Stage, tree: Path) -> None:
        environment = {"PATH": _BASE_PATH, "HOME": "/root"}
        here, user = "/", "0"
        for step in stage.steps:
            started = time.monotonic()
            if step.name == "RUN":
                self._run(tree, step.rest, environment, here, user)
            elif step.name == "COPY":
                self._copy(tree, step, here)
            elif step.name == "WORKDIR":
                here = step.rest
                (tree / here.lstrip("/")).mkdir(parents=True, exist_ok=True)
            elif step.name == "ENV":
                environment |= dict(pair.split("=", 1) for pair in shlex.split(step.rest))
            elif step.name == "USER":
                user = step.rest
            say(f"  {stage.name or 'image'}: {step.name} {step.rest[:60]}", started)

    def _copy(self, tree: Path, step: Step, here: str) -> None:
        *sources, target = step.rest.split()
        origin = self._context
        if sources[0].startswith("--from="):
            origin = self.trees[sources.pop(0).removeprefix("--from=")]
        place = tree / (Path(here) / target).as_posix().lstrip("/")
        for source in sources:
            found = origin / source.lstrip("/")
            if found.is_dir():
                shutil.copytree(found, place, symlinks=True, dirs_exist_ok=True)
                continue
            into = place / found.name if target.endswith("/") else place
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, into)

    def _run(self, tree: Path, command: str, environment: dict[str, str], here: str, user: str) -> None:
        passed = {name: value for name, value in os.environ.items() if _GOES_TO_BUILD.match(name)}
        settings = [f"{name}={value}" for name, value in {**passed, **environment}.items()]
        shell = ["/bin/sh", "-c", f"cd {shlex.quote(here)} && {command}"]
        with _shown(tree, [Path("/proc"), Path("/dev"), Path("/etc/resolv.conf"), *self._binds]):
            call("chroot", f"--userspec={user}", tree, "/usr/bin/env", "-i", *settings, *shell)


@contextmanager
def _shown(tree: Path, paths: list[Path]) -> Iterator[None]:
    """Shows folders and files of this machine in a tree; takes away afterwards what that needed."""
    mounted: list[Path] = []
    made: list[Path] = []
    try:
        for path in paths:
            target = tree / path.as_posix().lstrip("/")
            missing = [at for at in (target, *target.parents) if at.is_relative_to(tree) and not at.exists()]
            made += missing
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                target.mkdir() if path.is_dir() else target.touch()
            call("mount", "--rbind", path.resolve(), target)
            mounted.append(target)
            if path.as_posix() not in ("/proc", "/dev"):
                call("mount", "-o", "remount,bind,ro", target)
        yield
    finally:
        for target in reversed(mounted):
            call("umount", "--lazy", "--recursive", target)
        for at in sorted(made, key=lambda path: -len(path.parts)):
            at.rmdir() if at.is_dir() else at.unlink()


@contextmanager
def read_only(tree: Path, folder: Path) -> Iterator[Path]:
    """The tree as a container with a read-only root sees it: devices and /proc, nowhere to write."""
    view = folder / "running"
    view.mkdir(exist_ok=True)
    call("mount", "--bind", tree, view)
    call("mount", "-t", "proc", "proc", view / "proc")
    call("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", view / "dev")
    for name in _DEVICES:
        (view / "dev" / name).touch()
        call("mount", "--bind", Path("/dev") / name, view / "dev" / name)
    call("mount", "-o", "remount,ro", view / "dev")
    call("mount", "-o", "remount,bind,ro", view)
    try:
        yield view
    finally:
        call("umount", "--lazy", "--recursive", view)
        view.rmdir()


def cut_the_network() -> None:
    """From here on this process, and what it starts, has a loopback of its own and nothing else."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare: no network of its own")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        up = struct.pack("16sh", b"lo", 1)  # netdevice(7): IFF_UP
        fcntl.ioctl(any_socket, 0x8914, up)  # SIOCSIFFLAGS


def as_container(view: Path, stage: Stage, command: list[str]) -> list[str]:
    """The command line that runs `command` in the image as its user, without any privilege to be had."""
    settings = [f"{name}={value}" for name, value in stage.environment().items()]
    user = stage.user()
    drop = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--clear-groups"]
    return [
        *("chroot", str(view), "/usr/bin/setpriv", f"--reuid={user}", f"--regid={user}", *drop),
        *("/usr/bin/env", "-i", *settings, *command),
    ]


def judge(port: int, picture: Path) -> dict[str, object]:
    """What the API says of a picture."""
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    body = head.encode() + picture.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    asked.request("POST", "/api/predict", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    answer = asked.getresponse()
    said = json.loads(answer.read())
    if answer.status != 200:
        raise SystemExit(f"judging {picture.name}: {answer.status} {said}")
    return said


def descendants(pid: int) -> list[int]:
    """A process and all below it."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    children = [child for thread in threads for child in (thread / "children").read_text().split()]
    return [pid, *(below for child in children for below in descendants(int(child)))]


def status_of(pid: int) -> dict[str, str]:
    """/proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def memory_mb(pids: list[int]) -> float:
    """Their memory; what they share is counted once."""
    lines = "".join(Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids)
    return sum(int(kilobytes) for kilobytes in re.findall(r"^Pss: +(\d+)", lines, re.MULTILINE)) * 1024 / 1e6


def check(holds: bool, what: str) -> None:
    """Ends with a message where something does not hold."""
    if not holds:
        raise SystemExit(f"FAILED: {what}")
    say(f"  holds: {what}")


def try_server(stage: Stage, view: Path, picture: Path) -> None:
    """Starts what the image starts, asks it, looks at its processes, stops it."""
    port = int(stage.environment()["VERAFACE_PORT"])
    health = as_container(view, stage, stage.health)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    check(stage.user() not in ("0", "root"), "the user is not root")
    check(str(port) == stage.said["EXPOSE"] == "7860", "port 7860")
    touch = as_container(view, stage, ["touch", "/tmp/x"])
    check(subprocess.run(touch, **quiet).returncode != 0, "nothing can be written, not even in /tmp")
    check(subprocess.run(health, **quiet).returncode != 0, "the health check fails where no server runs")

    started = time.monotonic()
    server = subprocess.Popen(as_container(view, stage, stage.command))
    try:
        while subprocess.run(health, **quiet).returncode != 0:
            if server.poll() is not None or time.monotonic() - started > 60:
                raise SystemExit("FAILED: the server did not become healthy")
            time.sleep(0.1)
        say("  healthy after", started)
        said = judge(port, picture)
        say(f"  {picture.name}: {said['verdict']}, p_fake {said['p_fake']}, {said['timing_ms']}")
        pids = descendants(server.pid)
        kept = [status_of(pid) for pid in pids]
        check(
            all(one["Uid"].split()[0] == stage.user() for one in kept), f"{len(pids)} processes, none root's"
        )
        check(all(int(one["CapEff"], 16) == int(one["CapBnd"], 16) == 0 for one in kept), "no capabilities")
        check(all(one["NoNewPrivs"] == "1" for one in kept), "no new privileges")
        workers = [one for one in kept if one["Seccomp"] == "2"]
        check(len(workers) == len(os.sched_getaffinity(0)), f"{len(workers)} workers behind the filter")
        say(f"  memory: {memory_mb(pids):.0f} MB")
        stopped = time.monotonic()
        server.send_signal(signal.SIGTERM)
        check(server.wait(timeout=30) in (0, -signal.SIGTERM), "stops when told to")
        say("  stopped after", stopped)
    finally:
        server.kill()


def main() -> int:
    """Builds, tries, and prints what holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "image", help="where the trees go")
    parser.add_argument(
        "--bind", type=Path, action="append", default=[], help="shown to the build, read-only"
    )
    parser.add_argument("--picture", type=Path, default=ROOT / "docs" / "page.png", help="what is judged")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="leave the built trees there; the bare one always stays, for the next time",
    )
    options = parser.parse_args()
    missing = [tool for tool in ("debootstrap", "unshare", "chroot") if not shutil.which(tool)]
    if os.geteuid() != 0 or missing:
        print(
            f"try_image.py needs Linux, root and debootstrap; missing: {missing or 'root'}", file=sys.stderr
        )
        return 2
    if _INSIDE not in os.environ:
        # With the first process of a process name space all others end, the server among them.
        spaces = ["--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc"]
        command = ["unshare", *spaces, "--propagation", "private", sys.executable, *sys.argv]
        return subprocess.run(command, env={**os.environ, _INSIDE: "1"}).returncode
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    stages = read_stages((ROOT / "Dockerfile").read_text())
    builder = Builder(folder, options.bind)
    started = time.monotonic()
    try:
        tree = builder.build(stages)
        base = base_tree(stages[-1].base, folder)
        say("every step was run", started)
        size, beyond = megabytes(tree), megabytes(tree) - megabytes(base)
        say(f"image: {size:.0f} MB, {beyond:.0f} of them beyond the base")
        with read_only(tree, folder) as view:
            cut_the_network()
            try_server(stages[-1], view, options.picture)
    finally:
        if not options.keep:
            for built in (*builder.trees.values(), folder / "context"):
                shutil.rmtree(built, ignore_errors=True)
    say("The Dockerfile holds what it promises.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
