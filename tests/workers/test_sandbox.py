"""The restrictions of a confined worker; each is tested in a separate process."""

import signal
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limits")

CONFINE = """
import os, socket, subprocess, sys, threading, time
import veraface.workers.sandbox as sandbox
enforced = sandbox.confine(sandbox.WorkerLimits(memory_bytes=100 * 2**20, cpu_s=1))
assert {"memory", "files"} <= set(enforced), enforced
"""


def run_confined(code: str) -> subprocess.CompletedProcess[str]:
    script = CONFINE + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)


def require_seccomp() -> None:
    finished = run_confined("sys.stdout.write(' '.join(enforced)); sys.stdout.flush()")
    if "system calls" not in finished.stdout:
        pytest.skip("this system has no libseccomp")


def test_a_confined_worker_can_start_threads_and_allocate_memory() -> None:
    finished = run_confined(
        """
        thread = threading.Thread(target=lambda: sys.stdout.write("works"))
        thread.start()
        thread.join()
        bytearray(20 * 2**20)
        """
    )
    assert (finished.returncode, finished.stdout) == (0, "works"), finished.stderr


@pytest.mark.parametrize(
    "attempt",
    [
        "os.open('/etc/passwd', os.O_RDONLY)",
        "os.open('/dev/shm/veraface-test', os.O_WRONLY | os.O_CREAT)",
        "os.listdir('/')",
        "socket.socket()",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "os.kill(os.getppid(), 9)",
        "os.unlink('/dev/shm/veraface-test')",
        "os.memfd_create('x')",
        "os.pipe()",
    ],
)
def test_files_network_programs_and_processes_are_refused(attempt: str) -> None:
    require_seccomp()
    finished = run_confined(
        f"""
        try:
            {attempt}
        except PermissionError:
            sys.stdout.write("refused")
        """
    )
    assert (finished.returncode, finished.stdout) == (0, "refused"), finished.stderr


def test_memory_is_limited() -> None:
    finished = run_confined(
        """
        try:
            bytearray(200 * 2**20)
        except MemoryError:
            sys.stdout.write("refused")
        """
    )
    assert (finished.returncode, finished.stdout) == (0, "refused"), finished.stderr


def test_cpu_time_per_image_is_limited() -> None:
    finished = run_confined("sandbox.allow_cpu_time(1)\nwhile True: pass")
    assert -finished.returncode == signal.SIGPROF


def test_cpu_time_is_reset_for_each_image() -> None:
    finished = run_confined(
        """
        for _ in range(3):
            sandbox.allow_cpu_time(3)
            end = time.process_time() + 1.2  # far below the limit, because the system counts in ticks
            while time.process_time() < end: pass
        sys.stdout.write("done")
        """
    )
    assert (finished.returncode, finished.stdout) == (0, "done"), finished.stderr


def test_limits_must_be_positive() -> None:
    from veraface.workers.sandbox import WorkerLimits

    with pytest.raises(ValueError, match="positive"):
        WorkerLimits(memory_bytes=0)
