"""No run-time code unpickles files, because a pickle can run arbitrary code."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "veraface"
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "torch"}
CALLS = {"torch.load", "pandas.read_pickle", "yaml.load", "yaml.unsafe_load", "eval", "exec"}


def findings(code: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in UNPICKLERS]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNPICKLERS:
            found.append(node.module or "")
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            found += [name] if name in CALLS or name.endswith(".read_pickle") else []
            found += [
                f"{name}(allow_pickle)"
                for keyword in node.keywords
                if keyword.arg == "allow_pickle" and ast.unparse(keyword.value) != "False"
            ]
    return found


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "def f():\n    from joblib import load",
        "import torch.serialization",
        "np.load(x, allow_pickle=True)",
        "torch.load(x)",
        "pd.read_pickle(x)",
        "eval(x)",
    ],
)
def test_each_kind_of_unsafe_call_is_detected(code: str) -> None:
    assert findings(code)


def test_run_time_code_has_no_unsafe_call() -> None:
    files = [path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).parts[0] != "training"]
    assert len(files) > 40
    found = {path.name: findings(path.read_text()) for path in files}
    assert {name: calls for name, calls in found.items() if calls} == {}
