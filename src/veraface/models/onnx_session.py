"""ONNX Runtime sessions, set up the same way for face detectors and classifiers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnxruntime
from numpy.typing import NDArray

from veraface.errors import ModelError

# `veraface/__init__.py` disables telemetry; this also works if a program loaded ONNX Runtime before.
onnxruntime.disable_telemetry_events()


def open_session(
    weights: Path | bytes,
    threads: int = 0,
    providers: Sequence[str] | None = None,
    tensors: Mapping[str, NDArray[Any]] | None = None,
) -> onnxruntime.InferenceSession:
    """Open a session that is safe to share between threads; arguments as in `OnnxClassifier`.

    `tensors` replace those of the same names and shapes in the weights.

    Raises `ModelError` for a provider that is not installed, and ONNX Runtime's own exceptions, none of them
    public, for weights it cannot load.
    """
    if providers is None or isinstance(providers, str):
        providers = [providers or "CPUExecutionProvider"]
    providers = list(providers)
    available = onnxruntime.get_available_providers()
    if missing := [name for name in providers if name not in available]:
        raise ModelError(
            f"unknown execution provider {', '.join(map(str, missing))}; choose from "
            f"{', '.join(available)}, or install a build of onnxruntime with it (onnxruntime-gpu for CUDA)"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Two sessions take turns on every image. Threads that spin while they wait, the default, keep the cores
    # from the other session: 42 ms for a portrait with spinning, 26 ms without, on two cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Memory plans are kept for every input shape ever seen, and images come in any shape.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.use_env_allocators", "1")  # see use_shared_arena
    options.log_severity_level = 3
    if tensors:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in tensors.values()]
        options.add_external_initializers(list(tensors), values)
    return onnxruntime.InferenceSession(weights, options, providers=providers)


def shrink_arena() -> onnxruntime.RunOptions:
    """Return options for a run that releases all unused memory of its arena at the end."""
    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def use_shared_arena() -> None:
    """Let all sessions of a process opened from now on share one memory arena; only one may run at a time.

    It saves 25 MB at the peak of a large image (benchmarks/results/tried.md).
    """
    arena_type, memory_type = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, onnxruntime.OrtMemType.DEFAULT
    info = onnxruntime.OrtMemoryInfo("Cpu", arena_type, 0, memory_type)
    no_limit, by_powers_of_two, default = 0, 0, -1
    arena = onnxruntime.OrtArenaCfg(no_limit, by_powers_of_two, default, default)
    onnxruntime.create_and_register_allocator(info, arena)
