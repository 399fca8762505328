"""The sandbox of a worker, entered before it receives the first untrusted byte.

Resource limits (setrlimit) work on Linux and macOS; the system call filter (seccomp) works where libseccomp
is installed, as on nearly every Linux. A process applies both to itself and cannot remove them.
"""

import ctypes
import errno
import resource
import signal
import struct
import sys
from dataclasses import dataclass

_PR_SET_PDEATHSIG = 1  # prctl(2): the signal to receive when the parent exits
_ALLOW = 0x7FFF0000  # seccomp.h: SCMP_ACT_ALLOW
_MASKED_EQUAL = 7  # seccomp.h: SCMP_CMP_MASKED_EQ
_CLONE_THREAD = 0x00010000
_ERRNO = 0x00050000  # seccomp.h: SCMP_ACT_ERRNO(0); the error code is added

# System calls of decoders, NumPy and ONNX Runtime once everything is loaded: memory, time, threads and the
# open connection. No files, no network, no programs, no other processes.
# fmt: off
_ALLOWED = (
    "read", "write", "readv", "writev", "recvfrom", "sendto", "recvmsg", "sendmsg", "poll", "ppoll", "close",
    "mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "membarrier", "futex", "futex_waitv",
    "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "sched_setaffinity", "clock_gettime",
    "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "getrandom", "rt_sigaction",
    "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "tgkill", "exit", "exit_group",
    "getpid", "gettid", "getcpu", "getrusage", "prlimit64", "getrlimit", "setitimer", "fstat", "lseek",
    "sysinfo", "uname", "sched_getparam", "sched_getscheduler",
)
# fmt: on


@dataclass(frozen=True)
class WorkerLimits:
    """Limits on one worker process, all positive."""

    memory_bytes: int = 1536 * 2**20
    """address space beyond what it uses once the models are loaded"""
    cpu_s: int = 30
    """CPU time of one task, seconds; a task with a short timeout gets less"""
    growth_bytes: int = 40 * 2**20
    """growth of resident memory after which it is replaced"""

    def __post_init__(self) -> None:
        if min(self.memory_bytes, self.cpu_s, self.growth_bytes) < 1:
            raise ValueError("worker limits must be positive")


def die_with_parent() -> None:
    """Have this process killed when its parent exits, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def confine(limits: WorkerLimits) -> list[str]:
    """Give up files, programs, network and memory beyond the limit for good; return what is enforced here."""
    enforced = ["files"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would contain the image
    if sys.platform == "linux":  # elsewhere RLIMIT_AS is not enforced or does not exist
        with open("/proc/self/statm", encoding="ascii") as file:
            address_space = int(file.read().split()[0]) * resource.getpagesize()
        max_bytes = address_space + limits.memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
        enforced.append("memory")
    if _filter_system_calls():
        enforced.append("system calls")
    return enforced


def allow_cpu_time(seconds: float) -> None:
    """Have the system kill this process with SIGPROF once it has used this much more CPU time."""
    # Not RLIMIT_CPU, which counts ticks since the start of the process. Over hours the ticks drift from the
    # CPU time that a process can query, until the limit kills a process that is idle.
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _filter_system_calls() -> bool:
    """Install the filter and return whether it is active. Calls fail with EPERM, which codecs handle."""
    try:
        library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    except OSError:
        return False
    pointer, uint32 = ctypes.c_void_p, ctypes.c_uint32
    library.seccomp_init.restype, library.seccomp_init.argtypes = pointer, [uint32]
    library.seccomp_rule_add_array.argtypes = [pointer, uint32, ctypes.c_int, ctypes.c_uint, pointer]
    library.seccomp_load.argtypes = library.seccomp_release.argtypes = [pointer]
    rules = library.seccomp_init(_ERRNO | errno.EPERM)
    if not rules:
        return False
    try:
        numbers = [library.seccomp_syscall_resolve_name(call.encode()) for call in _ALLOWED]
        # Numbers are negative for system calls that this CPU or an old library does not have.
        added = [library.seccomp_rule_add_array(rules, _ALLOW, n, 0, None) for n in numbers if n >= 0]
        added.append(_allow_threads(library, rules))
        return not any(added) and library.seccomp_load(rules) == 0
    finally:
        library.seccomp_release(rules)


def _allow_threads(library: ctypes.CDLL, rules: int) -> int:
    """Allow new threads but no new processes."""
    # Filters cannot read the flags of clone3; where it is refused, the C library uses clone.
    clone3 = library.seccomp_syscall_resolve_name(b"clone3")
    if clone3 >= 0:
        library.seccomp_rule_add_array(rules, _ERRNO | errno.ENOSYS, clone3, 0, None)
    clone = library.seccomp_syscall_resolve_name(b"clone")
    # seccomp.h: struct scmp_arg_cmp: the argument's index, the operator, the mask and the value.
    is_thread = struct.pack("IiQQ", 0, _MASKED_EQUAL, _CLONE_THREAD, _CLONE_THREAD)
    return int(library.seccomp_rule_add_array(rules, _ALLOW, clone, 1, is_thread))
