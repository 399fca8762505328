"""What a worker gives up before the first untrusted byte reaches it.

Limits of the operating system (setrlimit) hold on Linux and macOS; the filter on system calls where there is
libseccomp, as on nearly every Linux. A process takes both on itself and cannot take them off again.
"""

import ctypes
import errno
import resource
import signal
import sys
from dataclasses import dataclass

_PR_SET_PDEATHSIG = 1  # prctl(2): the signal to get when the parent ends
_ALLOW = 0x7FFF0000  # seccomp.h: SCMP_ACT_ALLOW
_MASKED_EQUAL = 7  # seccomp.h: SCMP_CMP_MASKED_EQ
_CLONE_THREAD = 0x00010000


def _refuse(code: int) -> int:
    """The seccomp action that has a system call fail with an errno: SCMP_ACT_ERRNO."""
    return 0x00050000 | code


# All that decoding, NumPy and ONNX Runtime ask of the system once everything is loaded: memory, time, threads
# and the one connection. No files, no network, no programs, no other processes.
_ALLOWED = (
    *(
        "read",
        "write",
        "readv",
        "writev",
        "recvfrom",
        "sendto",
        "recvmsg",
        "sendmsg",
        "poll",
        "ppoll",
        "close",
    ),
    *("mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "membarrier"),
    *(
        "futex",
        "futex_waitv",
        "set_robust_list",
        "rseq",
        "sched_yield",
        "sched_getaffinity",
        "sched_setaffinity",
    ),
    *("clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "getrandom"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "tgkill"),
    *("exit", "exit_group", "getpid", "gettid", "getcpu", "getrusage", "prlimit64", "getrlimit", "setitimer"),
    *("fstat", "lseek", "sysinfo", "uname", "sched_getparam", "sched_getscheduler"),
)


@dataclass(frozen=True)
class WorkerLimits:
    """What one worker may take.

    Raises:
        ValueError: a limit is not positive.
    """

    memory_bytes: int = 1536 * 2**20  # on top of what it has once the model is loaded
    cpu_s: int = 30  # seconds of processor time for one image
    video_cpu_s: int = 240  # ... for one video
    growth_bytes: int = 40 * 2**20  # of resident memory, beyond which it is replaced after its image

    def __post_init__(self) -> None:
        if min(self.memory_bytes, self.cpu_s, self.video_cpu_s, self.growth_bytes) < 1:
            raise ValueError("worker limits must be positive")


def die_with_parent() -> None:
    """Ends this process with the one that started it, however that ends; and leaves Ctrl-C to that one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def confine(limits: WorkerLimits) -> list[str]:
    """Gives up files, programs, the network and all memory beyond the limit, for good.

    Returns:
        What this system could enforce: "memory", "files", "system calls".
    """
    enforced = ["files"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the image
    if sys.platform == "linux":  # elsewhere RLIMIT_AS is not enforced, or not to be had
        most = _address_space() + limits.memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        enforced.append("memory")
    if _filter_system_calls():
        enforced.append("system calls")
    return enforced


def allow_cpu_time(seconds: float) -> None:
    """Has the system end this process, by SIGPROF, once it has used this much more processor time.

    A timer and not RLIMIT_CPU, which counts from the start of the process, in ticks: over hours these come
    apart from the time that a process is told it has used, until the limit strikes one that did nothing.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _address_space() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _filter_system_calls() -> bool:
    """Whether the filter stands. It refuses with EPERM and does not kill: codecs fail by themselves."""
    try:
        library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    except OSError:
        return False
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p,
    ]  # fmt: skip
    library.seccomp_load.argtypes = library.seccomp_release.argtypes = [ctypes.c_void_p]
    rules = library.seccomp_init(_refuse(errno.EPERM))
    if not rules:
        return False
    try:
        numbers = [library.seccomp_syscall_resolve_name(call.encode()) for call in _ALLOWED]
        # Numbers are negative for what this processor or an old library does not know.
        added = [library.seccomp_rule_add_array(rules, _ALLOW, n, 0, None) for n in numbers if n >= 0]
        added.append(_allow_threads(library, rules))
        return not any(added) and library.seccomp_load(rules) == 0
    finally:
        library.seccomp_release(rules)


class _Comparison(ctypes.Structure):
    """seccomp.h: struct scmp_arg_cmp."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def _allow_threads(library: ctypes.CDLL, rules: int) -> int:
    """Threads but no processes. clone3 hides its flags from filters; where it is unknown, clone is used."""
    clone3 = library.seccomp_syscall_resolve_name(b"clone3")
    if clone3 >= 0:
        library.seccomp_rule_add_array(rules, _refuse(errno.ENOSYS), clone3, 0, None)
    clone = library.seccomp_syscall_resolve_name(b"clone")
    is_thread = _Comparison(0, _MASKED_EQUAL, _CLONE_THREAD, _CLONE_THREAD)
    return int(library.seccomp_rule_add_array(rules, _ALLOW, clone, 1, ctypes.byref(is_thread)))
