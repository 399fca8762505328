"""`veraface mcp`, through the official client over standard input and output."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
from PIL import Image

from tests.cli.terminal import veraface
from tests.provenance.files import A1111, png
from tests.sample_images import encode, portrait
from tests.sample_trustmark import MESSAGES, bits_of, patch_decoder, with_bits
from tests.sample_videos import make_portrait, write_video
from veraface import Wording, detect
from veraface.audit import verify

mcp = pytest.importorskip("mcp", reason="needs the extra mcp, which the development lock installs")
COMMAND = "from veraface.cli import main; main()"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    folder = home / "photos"
    folder.mkdir()
    (folder / "photo.png").write_bytes(encode(portrait(), "PNG"))
    (folder / "generated.png").write_bytes(png(("parameters", A1111)))
    (folder / "broken.png").write_bytes(encode(portrait(), "PNG")[:2000])
    (folder / "notes.txt").write_text("my notes")
    make_portrait(folder / "clip.mp4")
    (home / "secret.png").write_bytes(encode(portrait(), "PNG"))
    (folder / "link.png").symlink_to(home / "secret.png")
    return folder


def talk(use: Callable[[Any], Awaitable[Any]], *arguments: object) -> Any:
    """Start the server with the arguments, and return what `use` returns for a client of it."""
    names = ("PYTHONPATH", "PATH")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    server = mcp.StdioServerParameters(
        command=sys.executable, args=["-c", COMMAND, "mcp", *map(str, arguments)], env=environment
    )

    async def run() -> Any:
        async with mcp.Client(server) as client:
            return await use(client)

    with ThreadPoolExecutor(max_workers=1) as pool:  # Playwright keeps a loop in the main thread
        return pool.submit(anyio.run, run).result()


FAST = ("--model", "fast")  # where the verdict does not matter


def call(folder: Path, *calls: tuple[str, dict[str, Any]], options: tuple[object, ...] = ()) -> list[Any]:
    async def use(client: Any) -> list[Any]:
        return [await client.call_tool(name, arguments) for name, arguments in calls]

    found: list[Any] = talk(use, folder, *options)
    return found


def test_the_tools_are_described(folder: Path) -> None:
    async def use(client: Any) -> Any:
        return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in talk(use, folder, *FAST)}
    assert set(tools) == {"detect_image", "detect_video", "inspect_provenance"}
    for tool in tools.values():
        assert "path" in tool.input_schema["required"]
        assert tool.annotations.read_only_hint
        assert len(tool.description) > 100


def test_results_are_those_of_the_library(folder: Path) -> None:
    image, video, claims = call(
        folder,
        ("detect_image", {"path": "photo.png"}),
        ("detect_video", {"path": str(folder / "clip.mp4"), "frames": 3}),
        ("inspect_provenance", {"path": "generated.png"}),
    )
    expected = detect(folder / "photo.png")
    found = image.structured_content
    assert found["verdict"] == expected.verdict
    assert found["label"] == Wording().label(expected.verdict)
    assert found["p_fake"] == pytest.approx(expected.p_fake, abs=1e-6)
    assert found["faces"][0]["box"] == expected.faces[0].box.to_list()
    assert found["model"] == expected.model
    assert "not proof" in found["caveat"]
    assert json.loads(image.content[0].text) == found  # for clients without structured content
    assert video.structured_content["faces"]
    assert video.structured_content["verdict"] in ("fake", "real", "uncertain")
    assert "a portrait of a woman" in claims.structured_content["generator"]["prompt"]


def test_what_is_wrong_is_explained_without_anything_of_other_files(folder: Path) -> None:
    outside = ("../secret.png", "link.png", str(folder.parent / "secret.png"), "/etc/passwd", "none.png")
    tools = ("detect_image", "detect_video", "inspect_provenance")
    refused = [(tool, {"path": path}) for tool in tools for path in outside]
    unsupported = [(tool, {"path": "notes.txt"}) for tool in tools]
    answers = call(folder, *refused, *unsupported, ("detect_image", {"path": "broken.png"}), options=FAST)
    assert all(answer.is_error for answer in answers)
    texts = [answer.content[0].text for answer in answers]
    for text in texts[: len(refused)]:
        assert "file_refused" in text
        assert "no such file in the allowed folders" in text
    for text in texts[len(refused) : -1]:
        assert "unsupported" in text
    assert "unreadable_image" in texts[-1]
    assert not [text for text in texts if "my notes" in text or "Traceback" in text]


def test_the_modes_hold_for_what_the_assistant_reads(folder: Path) -> None:
    (found,) = call(
        folder,
        ("detect_image", {"path": "photo.png"}),
        options=(*FAST, "--words-only", "--never-say-real"),
    )
    assert {"p_fake", "verdict", "thresholds"}.isdisjoint(found.structured_content)
    assert {"p_fake", "verdict"}.isdisjoint(found.structured_content["faces"][0])
    assert "does not mean that an image is real" in found.structured_content["caveat"]


def test_requests_are_audited(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    calls = (("detect_image", {"path": "photo.png"}), ("detect_video", {"path": "clip.mp4", "frames": 3}))
    call(folder, *calls, options=(*FAST, "--audit", log))
    call(
        folder,
        ("detect_image", {"path": "broken.png"}),
        ("detect_video", {"path": "notes.txt"}),
        options=(*FAST, "--audit", log),
    )
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert [entry["via"] for entry in entries] == ["mcp"] * 4
    codes = [entry["result"].get("error") for entry in entries]
    assert codes == [None, None, "unreadable_image", "unsupported_video"]
    digest = hashlib.sha256((folder / "notes.txt").read_bytes()).hexdigest()
    assert entries[3]["file"]["sha256"] == digest
    assert not verify(log).problems


def test_a_folder_must_be_named_and_exist(tmp_path: Path) -> None:
    assert veraface("mcp").returncode == 2
    done = veraface("mcp", tmp_path / "none")
    assert done.returncode == 1
    assert "no such folder; name an existing one" in done.stderr


def test_the_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    monkeypatch.delitem(sys.modules, "veraface.mcp.server", raising=False)
    done = veraface("mcp", tmp_path)
    assert done.returncode == 1
    assert "pip install 'veraface[mcp]'" in done.stderr


def test_trustmark_is_read_with_a_decoder_of_the_user(folder: Path, tmp_path: Path) -> None:
    payload, word = MESSAGES["BCH_5"]
    with_bits(portrait(), bits_of(word)).save(folder / "marked.png")
    decoder = patch_decoder(tmp_path)
    call_ = ("inspect_provenance", {"path": "marked.png"})
    (found,) = call(folder, call_, options=(*FAST, "--trustmark", decoder))
    assert [mark["payload"] for mark in found.structured_content["watermarks"]] == [payload]


def test_what_a_video_claims_is_read(folder: Path) -> None:
    pytest.importorskip("c2pa")
    from tests.provenance.credentials import sign

    (folder / "signed.mp4").write_bytes(sign((folder / "clip.mp4").read_bytes(), "video/mp4"))
    (found,) = call(folder, ("inspect_provenance", {"path": "signed.mp4"}), options=FAST)
    assert found.structured_content["credentials"]["state"] == "untrusted_signer"
    assert [claim["code"] for claim in found.structured_content["claims"]] == ["ai_generated"]


BOUNDED = """
import resource, sys
from pathlib import Path
import anyio
from mcp.server.mcpserver.exceptions import ToolError
from veraface import Detector, Wording
from veraface.mcp.folders import AllowedFolders
from veraface.mcp.server import Tools
from veraface.provenance.credentials import CredentialReader
from veraface.video import container

credentials = CredentialReader(trust_lists=False)
tools = Tools(AllowedFolders([Path(sys.argv[1])]), Detector("fast"), Wording(), credentials, None)

def detect():
    try:
        return anyio.run(tools.detect_video, "large.mp4", 1)["label"]
    except ToolError as error:
        return str(error)

before, most = resource.getrlimit(resource.RLIMIT_DATA), container.MAX_MEMORY
container.MAX_MEMORY = 40 * 2**20
print(detect())
print(resource.getrlimit(resource.RLIMIT_DATA) == before)
container.MAX_MEMORY = most
print(detect())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds it")
def test_the_memory_of_a_video_is_bounded(tmp_path: Path) -> None:
    write_video(tmp_path / "large.mp4", [Image.new("RGB", (4000, 3000), "gray")] * 2)
    command = [sys.executable, "-c", BOUNDED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    refused, restored, label = done.stdout.splitlines()
    assert "the video takes more memory than available" in refused
    assert restored == "True"
    assert label == "No face found"
