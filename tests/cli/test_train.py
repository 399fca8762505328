"""`veraface train` as a user meets it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.cli.terminal import ENVIRONMENT, veraface
from tests.sample_data import make_folders, make_rows, write_csv
from tests.training.runs import logged, same, settings, tensors
from tests.waiting import wait_until
from veraface.cli import main
from veraface.cli.app import app
from veraface.training.config import TrainConfig
from veraface.training.trainer import TrainResult, train

_MODEL = ("--backbone", "test_efficientnet", "--pretrained", "none", "--size", "64", "--batch-size", "8")
SMALL = (*_MODEL, "--workers", "0", "--lr", "3e-3", "--self-blend", "0", "--face-swap", "0")


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[str, str]]:
    """Runs a command that fails, here and now: its output and its one line of complaint."""

    def run(*arguments: object) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["veraface", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 1
        captured = capsys.readouterr()
        assert captured.err.startswith("veraface: ")
        assert "Traceback" not in captured.err
        return captured.out, captured.err

    return run


def test_trains_and_prints_the_result(tmp_path: Path) -> None:
    """Straight from folders, the faces found by the detector, a bad file skipped and named."""
    data = make_folders(
        tmp_path / "faces",
        {
            "Train/Real": 12,
            "Train/Fake": 12,
            "Validation/Real": 8,
            "Validation/Fake": 8,
            "Test/Real": 1,
            "Test/Fake": 1,
        },
    )
    bad = data / "Train" / "Real" / "bad.png"
    bad.write_bytes(b"\x89PNG cut")
    done = veraface(
        "train", "--data", data, "--out", "runs/first", *SMALL, "--epochs", 2, "--skip-bad", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    skipped, result = done.stdout.splitlines()
    assert skipped.startswith(f"skipped: {bad}: the file begins like a PNG but is cut off or corrupt")
    found = re.fullmatch(
        r"validation AUC ([01]\.\d{4}) after 2 epochs; next: veraface export runs/first --out DIR", result
    )
    assert found
    run = tmp_path / "runs" / "first"
    assert float(found[1]) == pytest.approx(max(v for _, v in logged(run, "val_auc")), abs=1e-4)
    assert len(logged(run, "train_loss")) >= 2
    assert sorted(path.name for path in run.iterdir()) == [
        "best.ckpt",
        "config.yaml",
        "last.ckpt",
        "tensorboard",
    ]
    assert "test_efficientnet: random weights" in done.stderr
    assert "Epoch 1/1" in done.stderr, "there is a progress bar"
    for noise in (
        "litlogger",
        "litmodels",
        "treespec",
        "GPU available",
        "exists and is not empty",
        "Warning",
    ):
        assert noise not in done.stderr + done.stdout


def test_leaves_sources_out_and_swaps_faces_on_demand(tmp_path: Path) -> None:
    """Both are in the settings of the run; left-out images are not opened."""
    rows = make_rows(tmp_path, {"train": 24, "val": 12}, ["lab", "street", "web"])
    for row in rows:
        if row["source"] != "lab":
            (tmp_path / row["path"]).write_bytes(b"")
    data = write_csv(tmp_path / "manifest.csv", rows)
    changes = ("--leave-out", "web", "--leave-out", "street", "--face-swap", 0.5, "--epochs", 1)
    arguments = ("train", "--data", data, "--out", tmp_path / "run", *SMALL, *changes)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    config = TrainConfig.load(tmp_path / "run" / "config.yaml")
    assert config.leave_out == ("web", "street")
    assert config.face_swap == 0.5


# So that a busy test cannot come too late to kill the run before it ends.
PAUSE_AT_EPOCH_3 = """
import time
from veraface.cli import main
from veraface.training.trainer import FaceClassifier
start = FaceClassifier.on_train_epoch_start
def start_or_pause(self):
    start(self)
    if self.current_epoch == 3:
        time.sleep(600)
FaceClassifier.on_train_epoch_start = start_or_pause
main()
"""


def test_resumes_after_a_kill_with_the_same_weights(tmp_path: Path, tiny_data: Path) -> None:
    """SIGKILL while a later epoch runs; --resume ends with the weights of a whole run."""
    arguments = (
        "train",
        "--data",
        tiny_data,
        "--out",
        tmp_path / "killed",
        *SMALL,
        "--epochs",
        6,
        "--patience",
        6,
    )
    process = subprocess.Popen(
        [sys.executable, "-c", PAUSE_AT_EPOCH_3, *map(str, arguments)],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    checkpoint = tmp_path / "killed" / "last.ckpt"
    wait_until(lambda: checkpoint.exists() or process.poll() is not None, pause_s=0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was killed before it had ended"

    config = settings(tiny_data.resolve(), epochs=6, patience=6)
    whole = train(config, tmp_path / "whole")
    resumed = train(config, tmp_path / "killed", resume=True)
    assert (resumed.val_auc, resumed.epochs) == (whole.val_auc, whole.epochs) == (whole.val_auc, 6)
    for name, key in (("best.ckpt", "state_dict"), ("last.ckpt", "current_model_state")):
        assert same(tensors(tmp_path / "whole", name, key), tensors(tmp_path / "killed", name, key))
    assert not list((tmp_path / "killed").glob("*.part"))


def test_a_run_is_never_overwritten(
    call: Callable[..., tuple[str, str]], tiny_data: Path, tiny_run: Path
) -> None:
    before = (tiny_run / "best.ckpt").read_bytes()
    same_again = ("train", "--data", tiny_data, "--out", tiny_run, *SMALL, "--epochs", 5)
    assert "already contains a run; pass --resume to continue it, or another --out" in call(*same_again)[1]
    other = call(
        "train", "--data", tiny_data, "--out", tiny_run, *SMALL, "--epochs", 6, "--seed", 2, "--resume"
    )[1]
    assert "was started with other settings (epochs, seed)" in other
    assert (tiny_run / "best.ckpt").read_bytes() == before


def one_class(rows: list[dict[str, str]], folder: Path) -> None:
    rows[:] = [row for row in rows if row["label"] == "real"]


def unreadable(rows: list[dict[str, str]], folder: Path) -> None:
    (folder / "003.png").write_bytes(b"")
    (folder / "004.png").write_bytes(b"no image")


def nonexistent(rows: list[dict[str, str]], folder: Path) -> None:
    rows[2]["path"] = "nowhere.png"


def shared_group(rows: list[dict[str, str]], folder: Path) -> None:
    rows[0]["group"] = rows[-1]["group"] = "Ada"


def empty_split(rows: list[dict[str, str]], folder: Path) -> None:
    rows[:] = [row for row in rows if row["split"] != "val"]


def bad_label(rows: list[dict[str, str]], folder: Path) -> None:
    rows[4]["label"] = "perhaps"


def bad_split(rows: list[dict[str, str]], folder: Path) -> None:
    rows[4]["split"] = "never"


def bad_box(rows: list[dict[str, str]], folder: Path) -> None:
    rows[4]["box"] = "1 2 3"


def box_outside(rows: list[dict[str, str]], folder: Path) -> None:
    rows[4]["box"] = "500 500 20 20"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (one_class, "the train split has 3 real and 0 fake images; both classes are needed"),
        (unreadable, "2 images cannot be used; repair them or pass --skip-bad:"),
        (nonexistent, "nowhere.png: no such file"),
        (shared_group, "1 groups are in more than one split, which would inflate the metrics: Ada"),
        (empty_split, "the val split is empty"),
        (bad_label, "row 6: label is 'perhaps'; it must be real or fake"),
        (bad_split, "row 6: split is 'never'; it must be train, val or test"),
        (bad_box, "row 6: box is '1 2 3'; it must be four numbers"),
        (box_outside, "004.png: its face box [500.0, 500.0, 20.0, 20.0] lies outside"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_invalid_data_are_refused_before_training(
    call: Callable[..., tuple[str, str]],
    tmp_path: Path,
    spoil: Callable[[list[dict[str, str]], Path], None],
    message: str,
) -> None:
    rows = make_rows(tmp_path, {"train": 6, "val": 4})
    spoil(rows, tmp_path)
    write_csv(tmp_path / "manifest.csv", rows)
    out, err = call("train", "--data", tmp_path, "--out", tmp_path / "run", *SMALL)
    assert message in err
    assert out == ""
    assert not (tmp_path / "run" / "config.yaml").exists()
    assert not list(tmp_path.rglob("*.ckpt"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("--backbone", "nonsense"), "timm cannot build the backbone 'nonsense' for 64 px"),
        (("--pretrained", "auto"), "no packaged weights fit test_efficientnet"),
        (("--pretrained", "nowhere.pt"), "nowhere.pt: cannot be read as weights"),
        (("--accelerator", "abacus"), "cannot train on 'abacus' with precision '32-true'"),
        (("--precision", "7-bit"), "cannot train on 'cpu' with precision '7-bit'"),
        (("--batch-norm", "maybe"), "batch norm is 'maybe'; it must be update or keep"),
        (("--epochs", 2, "--frozen-epochs", 3), "frozen epochs (3) must lie between 0 and epochs (2)"),
        (("--lr", 0), "lr is 0.0; it must lie between 0 and 10"),
        (("--head-lr", "nan"), "head lr is nan"),
        (("--seed", 2**32), f"seed is {2**32}"),
        (("--data", "nowhere"), "nowhere: no such file or folder"),
        (("--leave-out", "nowhere"), "no source is called nowhere; there are: left, right"),
        (("--self-blend", 0.8, "--face-swap", 0.3), "are shares of the fakes; their sum is 1.1, above 1"),
    ],
    ids=lambda value: "".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_invalid_settings_write_nothing(
    call: Callable[..., tuple[str, str]],
    tmp_path: Path,
    tiny_data: Path,
    changes: tuple[object, ...],
    message: str,
) -> None:
    _, err = call("train", "--data", tiny_data, "--out", tmp_path / "run", *SMALL, *changes)
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "run" / "config.yaml").exists()


def test_out_that_is_a_file(call: Callable[..., tuple[str, str]], tmp_path: Path, tiny_data: Path) -> None:
    (tmp_path / "run").write_text("")
    assert (
        "run: cannot be created as a folder"
        in call("train", "--data", tiny_data, "--out", tmp_path / "run")[1]
    )


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    """Without torch, the error names the extra to install."""
    program = "import sys; sys.modules['torch'] = None\nfrom veraface.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "train", "--data", tmp_path, "--out", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "veraface: torch is needed and not installed: pip install 'veraface[train]'\n"


@pytest.fixture
def configs(monkeypatch: pytest.MonkeyPatch) -> list[TrainConfig]:
    """Return the configs that the trainer is called with; it is replaced."""
    configs = []

    def fake_train(config: TrainConfig, run: Path, **_: object) -> TrainResult:
        configs.append(config)
        return TrainResult(run, 0.5, 1, ())

    monkeypatch.setattr("veraface.training.trainer.train", fake_train)
    return configs


@pytest.mark.parametrize(
    ("former", "current", "value"),
    [
        *(("rate", "lr", 0.01), ("head-rate", "head-lr", 0.01)),
        *(("exchange", "face-swap", 0.3), ("emphasis", "source-weight", "lab=2")),
    ],
)
def test_former_names_of_options_still_work(
    configs: list[TrainConfig], tmp_path: Path, former: str, current: str, value: object
) -> None:
    for option in (former, current):
        arguments = ["train", "--data", "faces", "--out", str(tmp_path), f"--{option}={value}"]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
    assert configs[0] == configs[1] != TrainConfig(str(Path("faces").resolve()))
    assert f"--{former}" not in CliRunner().invoke(app, ["train", "--help"]).output


@pytest.mark.parametrize("name", ["", "best.ckpt"])
def test_training_can_start_from_another_run(configs: list[TrainConfig], tmp_path: Path, name: str) -> None:
    """Given its folder or its checkpoint."""
    arguments = ["train", "--data", "faces", "--out", str(tmp_path / "run"), "--start-from"]
    result = CliRunner().invoke(app, [*arguments, str(tmp_path / name)])
    assert result.exit_code == 0, result.output
    assert configs[0].pretrained == str(tmp_path / "best.ckpt")


def test_start_from_and_pretrained_exclude_each_other(
    call: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    arguments = ("--data", tmp_path, "--out", tmp_path / "run", "--pretrained", "none")
    message = "--pretrained and --start-from exclude each other; pass one of them"
    assert message in call("train", *arguments, "--start-from", tmp_path)[1]
