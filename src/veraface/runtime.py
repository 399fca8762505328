"""ONNX Runtime sessions, set up alike for the face detector and the classifier."""

from pathlib import Path

import onnxruntime


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
    # Two sessions take turns on every picture. Threads that spin while they wait, the default, hold the cores
    # that the other session needs: 42 ms for a portrait with, 26 ms without, on two cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # A run takes as long without the arena, which keeps for good what the largest picture ever took.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
