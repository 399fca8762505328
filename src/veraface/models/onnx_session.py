"""ONNX Runtime sessions, set up alike for the face detector and the classifier."""

from pathlib import Path

import onnxruntime

# `veraface/__init__.py` has it report nothing; where a program had loaded it before, this can still be done.
onnxruntime.disable_telemetry_events()


def open_session(weights: Path | bytes, threads: int) -> onnxruntime.InferenceSession:
    """A session on the CPU, safe to share between threads.

    Args:
        weights: an ONNX file or its bytes.
        threads: CPU threads for one call; 0 lets ONNX Runtime choose.

    Raises:
        Exception: ONNX Runtime's own kinds, none of them public, for anything it cannot load.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Two sessions take turns on every image. Threads that spin while they wait, the default, hold the cores
    # that the other session needs: 42 ms for a portrait with, 26 ms without, on two cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Memory is planned anew for each run: plans made for a shape are kept for good, and images come in any.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.use_env_allocators", "1")  # see use_shared_arena
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])


def shrink_arena() -> onnxruntime.RunOptions:
    """Options for a run at whose end its arena gives back all memory that nothing uses."""
    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def use_shared_arena() -> None:
    """Lets all sessions opened from now on take turns with one arena, instead of keeping one each.

    For processes of our own that run one session at a time: it is a setting of the whole process. It saves
    25 MB at the peak of a large image (benchmarks/results/tried.md).
    """
    kind = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    no_limit, by_powers_of_two, as_by_default = 0, 0, -1
    arena = onnxruntime.OrtArenaCfg(no_limit, by_powers_of_two, as_by_default, as_by_default)
    onnxruntime.create_and_register_allocator(kind, arena)
