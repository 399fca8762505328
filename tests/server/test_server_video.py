"""Videos sent to the server: progress, results, errors, limits, and images beside them."""

import asyncio
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image

from tests.sample_images import encode, portrait
from tests.sample_videos import make_audio, make_plain, make_portrait, panned
from tests.server.asgi import application
from tests.server.backends import Scripted
from tests.video.test_reader import DASH, written
from tests.waiting import wait_until
from veraface.detector import Detector
from veraface.provenance.movie import read_movie
from veraface.results import Verdict
from veraface.server import create_app, event_stream, load_settings
from veraface.video import detect_video
from veraface.video.results import TimelinePoint, VideoResult
from veraface.wording import Wording

Event = tuple[str, dict[str, Any]]
PATH = "/api/predict-video"


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_portrait(tmp_path_factory.mktemp("videos") / "a.mp4", 8).read_bytes()


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """One that keeps a worker for as long as a test needs."""
    return make_portrait(tmp_path_factory.mktemp("videos") / "a.mp4", 130).read_bytes()


@pytest.fixture(scope="module")
def two_workers(start_server: Callable[..., Any]) -> Iterator[Any]:
    """A server that processes one video at a time beside images."""
    with start_server(VERAFACE_WORKERS="2", VERAFACE_METRICS="true") as server:
        yield server


@pytest.fixture(scope="module")
def one_worker(start_server: Callable[..., Any]) -> Iterator[Any]:
    with start_server(VERAFACE_WORKERS="1", VERAFACE_VIDEO_DEADLINE_S="600") as server:
        yield server


@pytest.fixture(scope="module")
def without_video(start_server: Callable[..., Any]) -> Iterator[Any]:
    with start_server(VERAFACE_VIDEO="false") as server:
        yield server


def send(url: str, content: bytes, name: str = "clip.mp4", **params: Any) -> httpx.Response:
    return httpx.post(url + PATH, files={"video": (name, content)}, params=params, timeout=300)


def open_stream(url: str, content: bytes, frames: int) -> AbstractContextManager[httpx.Response]:
    """Return a request whose events can be read while the server works."""
    files, params = {"video": ("a.mp4", content)}, {"frames": frames}
    return httpx.stream("POST", url + PATH, files=files, params=params, timeout=300)


def events(lines: Iterator[str]) -> Iterator[Event]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def all_events(answer: httpx.Response) -> list[Event]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    return list(events(iter(answer.text.splitlines())))


def error_of(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert body["success"] is False
    assert body["error"]["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, body["error"]["code"]


def test_progress_and_then_the_result_of_the_library(server: Any, video: bytes, tmp_path: Path) -> None:
    *progress, (name, result) = all_events(send(server.url, video, frames=5, thumbnails=2))
    assert {kind for kind, _ in progress} == {"progress"}
    assert [(step["done"], step["total"]) for _, step in progress] == [(i, 5) for i in range(6)]
    assert [step["p_fake"] for _, step in progress[1:]] == [p["p_fake"] for p in result["timeline"]]
    (tmp_path / "a.mp4").write_bytes(video)
    own = detect_video(video, Detector("fast", threads=1), frames=5, thumbnails=2).to_dict()
    for timed in (own, result):
        timed.pop("timing_ms")
    assert name == "result"
    assert result.pop("label") == Wording().label(own["verdict"])
    stated = read_movie(tmp_path / "a.mp4")
    assert stated is not None
    assert result.pop("provenance") == stated.to_dict()
    codes = [(finding["origin"], finding["code"]) for finding in result.pop("findings")]
    assert codes == [("model", f"verdict_{own['verdict']}"), ("provenance", "credentials_absent")]
    assert result == own


def test_what_a_video_claims_is_read_in_the_worker(server: Any, video: bytes) -> None:
    """In the form of an image's answer; checked by signing and by changing an MP4."""
    pytest.importorskip("c2pa")
    from tests.provenance.credentials import sign

    signed = sign(video, "video/mp4")
    *_, (_, result) = all_events(send(server.url, signed, frames=2))
    provenance = result["provenance"]
    assert provenance["credentials"]["state"] == "untrusted_signer"
    assert provenance["credentials"]["signer"] == "Test Press"
    assert [claim["code"] for claim in provenance["claims"]] == ["ai_generated"]
    grades = {finding["code"]: finding["grade"] for finding in result["findings"]}
    assert (grades["credentials_untrusted_signer"], grades["ai_generated"]) == ("derived", "observed")
    still = sign(encode(portrait(), "JPEG"))
    answer = httpx.post(f"{server.url}/api/v1/detect", files={"image": ("a.jpg", still)}, timeout=300).json()
    assert answer["provenance"].keys() == provenance.keys()
    assert answer["provenance"]["credentials"].keys() == provenance["credentials"].keys()
    at = signed.index(b"mdat") + 60
    changed = signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]
    *_, (name, result) = all_events(send(server.url, changed, frames=2))
    assert (name, result["provenance"]["credentials"]["state"]) == ("result", "invalid")


def test_damaged_claims_of_a_video_cost_no_verdict(server: Any, video: bytes) -> None:
    box = (3024).to_bytes(4) + b"uuid" + bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + b"\xff" * 3000
    *_, (name, result) = all_events(send(server.url, video + box, frames=2))
    assert name == "result"
    assert result["verdict"] in ("fake", "real", "uncertain")
    assert result["provenance"]["credentials"]["state"] in ("invalid", "absent")


def test_other_containers_have_no_claims(server: Any) -> None:
    *_, (_, result) = all_events(send(server.url, written("libvpx-vp9", "webm", panned(2)), frames=2))
    assert "provenance" not in result


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF", "TIFF"])
def test_animated_images_are_videos(server: Any, kind: str) -> None:
    content = encode(portrait(256), kind, save_all=True, append_images=[portrait(256).rotate(2)])
    *_, (name, result) = all_events(send(server.url, content, f"a.{kind.lower()}"))
    assert (name, result["format"], len(result["timeline"])) == ("result", kind, 2)
    assert result["provenance"]["credentials"]["state"] == "absent"


@pytest.mark.parametrize(
    ("codec", "kind"),
    [
        ("libx264", "mp4"),
        ("libx265", "matroska"),
        ("libvpx-vp9", "webm"),
        ("libsvtav1", "mp4"),
        ("mjpeg", "avi"),
    ],
)
def test_every_usual_codec_works_behind_the_filter_on_system_calls(
    server: Any, codec: str, kind: str
) -> None:
    content = written(codec, kind, panned(4))
    *_, (name, result) = all_events(send(server.url, content, frames=4))
    assert (name, len(result["tracks"])) == ("result", 1)
    assert all(point["p_fake"] < 0.9 for point in result["timeline"])
    assert len(result["timeline"]) == 4


def test_no_face_is_a_result(server: Any, tmp_path: Path) -> None:
    *_, (name, result) = all_events(send(server.url, make_plain(tmp_path / "a.mp4", 3).read_bytes()))
    assert (name, result["verdict"], result["p_fake"]) == ("result", "no_face", None)


def test_what_is_refused_before_the_work_begins_has_a_status(server: Any, tmp_path: Path) -> None:
    sound = make_audio(tmp_path / "a.mp4").read_bytes()
    play_list = f"#EXTM3U\n#EXTINF:9,\nfile://{tmp_path}/a.mp4\n#EXT-X-ENDLIST\n".encode()
    for content in (
        sound,
        play_list,
        b"ffconcat version 1.0\nfile a.mp4\n",
        DASH.encode(),
        encode(portrait(), "JPEG"),
    ):
        assert error_of(send(server.url, content)) == (415, "unsupported_video")
    assert error_of(send(server.url, b"")) == (422, "unreadable_video")
    assert error_of(send(server.url, sound, frames=0)) == (422, "invalid_parameter")
    assert error_of(send(server.url, sound, frames=1000)) == (422, "invalid_parameter")
    address = server.url + PATH
    assert error_of(httpx.post(address, files={"image": ("a.mp4", sound)}, timeout=300)) == (
        400,
        "missing_video",
    )
    assert error_of(
        httpx.post(address, data={"url": "http://127.0.0.1/"}, files={"x": b""}, timeout=300)
    ) == (
        400,
        "missing_video",
    )
    assert error_of(httpx.post(address, content=sound, timeout=300)) == (400, "not_multipart")


def test_limits_of_bytes_and_pixels(video: bytes, long_video: bytes) -> None:
    with application(video_max_bytes=len(video) + 1000, max_pixels=150_000, metrics=True) as client:
        for content in (long_video, video):  # too many bytes; 192,000 px a frame
            answer = client.post(PATH, files={"video": ("a.mp4", content)})
            assert error_of(answer) == (413, "video_too_large")
        assert 'veraface_failures_total{code="video_too_large"} 2.0' in client.get("/metrics").text


def test_the_deadline_stops_a_video(start_server: Callable[..., Any], long_video: bytes) -> None:
    with start_server(VERAFACE_VIDEO_DEADLINE_S="1", VERAFACE_WORKERS="1") as server:
        answer = send(server.url, long_video, frames=128)
        if answer.status_code == 200:
            *_, (name, data) = all_events(answer)
            assert (name, data["status"], data["error"]["code"]) == ("error", 504, "too_slow")
            assert data["error"]["request_id"] == answer.headers["x-request-id"]
        else:  # on a slow machine not even the first frame was done
            assert error_of(answer) == (504, "too_slow")
        assert send_image(server.url).status_code == 200  # the worker was replaced


def send_image(url: str) -> httpx.Response:
    return httpx.post(
        f"{url}/api/predict", files={"image": ("a.jpg", encode(portrait(), "JPEG"))}, timeout=60
    )


def test_images_are_processed_beside_videos(two_workers: Any, long_video: bytes) -> None:
    """One video at a time with two workers: the other is left to images. A second video comes back later."""
    server = two_workers
    with open_stream(server.url, long_video, frames=60) as answer:
        stream = events(answer.iter_lines())
        assert next(stream)[1]["done"] == 0
        busy = send(server.url, long_video)
        assert error_of(busy) == (503, "overloaded")
        assert int(busy.headers["retry-after"]) >= 1
        assert send_image(server.url).status_code == 200
        assert next(stream)[0] == "progress"  # and the video still goes on
        *_, (name, result) = stream
    assert (name, result["verdict"]) == ("result", "real")
    metrics = httpx.get(f"{server.url}/metrics", timeout=300).text
    for name in ("veraface_videos_total", "veraface_clips_total"):  # the second is the deprecated name
        assert f'{name}{{verdict="real"}}' in metrics


def test_a_disconnect_stops_the_work(one_worker: Any, long_video: bytes) -> None:
    server = one_worker

    (fork_server,) = psutil.Process(server.process.pid).children()
    before = fork_server.children()
    assert len(before) == 1
    with open_stream(server.url, long_video, frames=128) as answer:
        next(events(answer.iter_lines()))
    _, alive = psutil.wait_procs(before, timeout=300)
    assert not alive
    assert send_image(server.url).status_code == 200
    assert send(server.url, long_video, frames=3).status_code == 200  # its place is free again


def post_without_reading(url: str, content: bytes, **params: Any) -> socket.socket:
    """Sends a video, and leaves the answer where it is."""
    host, port = url.removeprefix("http://").split(":")
    request = httpx.Request("POST", url + PATH, files={"video": ("a.mp4", content)}, params=params)
    head = [f"POST {request.url.raw_path.decode()} HTTP/1.1"]
    head += [f"{name}: {value}" for name, value in request.headers.items()]
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.connect((host, int(port)))
    connection.sendall("\r\n".join([*head, "", ""]).encode() + request.read())
    return connection


def analyzed_videos(url: str) -> float:
    lines = httpx.get(f"{url}/metrics", timeout=300).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("veraface_videos_total{"))


def test_a_client_that_does_not_read_holds_no_slot(two_workers: Any) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 320, 320, 3), np.uint8)
    video = written("mpeg4", "mp4", [Image.fromarray(frame) for frame in noise])  # of large thumbnails
    server = two_workers
    before = analyzed_videos(server.url)
    with post_without_reading(server.url, video, frames=64, thumbnails=64):
        wait_until(lambda: analyzed_videos(server.url) > before, pause_s=0.1)
        statuses = []

        def is_accepted() -> bool:
            statuses.append(send(server.url, video, frames=3).status_code)
            return statuses[-1] != 503

        wait_until(is_accepted, 18, pause_s=0.2)  # less than a send may take
        assert statuses[-1] == 200


def large_result() -> VideoResult:
    thumbnail = TimelinePoint(0.0, 0.1, b"x" * 100_000)
    return VideoResult(
        Verdict.REAL, 0.1, (), (thumbnail,), (), 1.0, 1.0, 0, 64, 64, "mp4", "h264",
        {"name": "m", "version": "1", "sha256": "0"}, {"real": 0.3, "fake": 0.7}, {"total": 1.0},
    )  # fmt: skip


async def call(app: Any, send: Callable[[Any], Any]) -> dict[str, Any]:
    """Send a video to an application, and its response to `send`; return the scope of the request."""
    request = httpx.Request("POST", "http://localhost" + PATH, files={"video": ("a.mp4", b"video")})
    body = await request.aread()
    messages = iter([{"type": "http.request", "body": body}])
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in request.headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("here", 80),
    }

    async def receive() -> dict[str, Any]:
        for message in messages:
            return message
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    await asyncio.wait_for(app(scope, receive, send), 60)
    return scope


def test_a_response_that_is_not_read_is_given_up(
    run_async: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "SEND_TIMEOUT_S", 0.05)
    sent: list[Any] = []
    slots: list[bool] = []

    async def request() -> dict[str, Any]:
        app = create_app(load_settings(workers=1), Scripted(large_result()))
        await app.state.inference.start()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                slots.append(not app.state.veraface.video_slots.locked())
                await asyncio.Event().wait()
            sent.append(message)

        return await call(app, send)

    scope = run_async(request)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert slots == [True]  # the slot is free before any of the result is sent
    assert scope["veraface.fault"] == "answer_not_read"


def test_results_are_sent_in_chunks(run_async: Callable[..., Any]) -> None:
    sent: list[bytes] = []

    async def request() -> None:
        app = create_app(load_settings(workers=1), Scripted(large_result()))
        await app.state.inference.start()

        async def send(message: Any) -> None:
            sent.append(message.get("body", b""))

        await call(app, send)

    run_async(request)
    assert max(map(len, sent)) < 50_000
    ((name, result),) = events(iter(b"".join(sent).decode().splitlines()))
    assert name == "result"
    assert len(result["timeline"][0]["thumbnail"]) > 130_000


def test_a_rejection_reaches_clients_that_send_all_before_they_read(without_video: Any) -> None:
    """The server responds at once and reads on; otherwise the client would find its connection closed."""
    body = bytes(40 * 2**20)  # more than what the system keeps on its way
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    server = without_video
    for _ in range(3):
        request = urllib.request.Request(server.url + PATH, body, headers)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=300)
        assert refused.value.code == 501
        assert json.loads(refused.value.read())["error"]["code"] == "video_not_available"


def test_a_rejection_comes_before_the_rest_is_sent(without_video: Any) -> None:
    server = without_video
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=300) as connection:
        connection.sendall(
            f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n".encode()
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 501")


def test_videos_can_be_disabled(video: bytes) -> None:
    with application(video=False) as client:
        for path in (PATH, "/api/v1/detect-video"):
            answer = client.post(path, files={"video": ("a.mp4", video)})
            assert error_of(answer) == (501, "video_not_available")
        assert client.get("/api/model-status").json()["limits"]["video"] is False


def test_a_server_without_pyav(start_server: Callable[..., Any], video: bytes, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'av' else find(name, *more)\n"
        "sys.modules['av'] = None\n"
    )
    with start_server(PYTHONPATH=str(tmp_path)) as server:
        assert error_of(send(server.url, video)) == (501, "video_not_available")
        assert send_image(server.url).status_code == 200


def test_a_video_needs_a_key_if_images_do(video: bytes) -> None:
    with application(api_keys="0" * 64) as client:
        answer = client.post(PATH, files={"video": ("a.mp4", video)})
        assert error_of(answer) == (401, "key_required")


def test_the_log_holds_nothing_of_a_video(server: Any, video: bytes) -> None:
    send(server.url, video, "Name-Canary.mp4", frames=3)
    broken = bytearray(video)
    broken[2000:6000] = b"Canary" * 666 + b"Cana"
    send(server.url, bytes(broken), "Name-Canary.mp4", frames=3)
    log = server.wait_for_log(f"POST {PATH} 200")
    assert f"POST {PATH} 200" in log
    assert "Canary" not in log


def test_it_is_documented(server: Any) -> None:
    route = httpx.get(f"{server.url}/openapi.json", timeout=300).json()["paths"][PATH]["post"]
    assert "text/event-stream" in route["responses"]["200"]["content"]
    assert {"400", "408", "413", "415", "422", "500", "501", "503", "504"} <= set(route["responses"])
    body = route["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert body["required"] == ["video"]


def overwritten(content: bytes, start: float, size: int, byte: int) -> bytes:
    first = int(start * len(content))
    return content[:first] + bytes([byte]) * size + content[first + size :]


def with_random_bytes(content: bytes, seed: int) -> bytes:
    random = np.random.default_rng(seed)
    changed = np.frombuffer(content, np.uint8).copy()
    changed[random.integers(0, len(changed), 100)] = random.integers(0, 256, 100)
    return changed.tobytes()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "first half": lambda content: content[: len(content) // 2],
    "second half": lambda content: content[len(content) // 2 :],
    "last byte missing": lambda content: content[:-1],
    "header only": lambda content: content[:100],
    "twice": lambda content: content + content,
    "zeros in the media data": lambda content: overwritten(content, 0.3, 3000, 0),
    "ones in the media data": lambda content: overwritten(content, 0.5, 3000, 255),
    "zeros in the index": lambda content: overwritten(content, 0.98, 100, 0),
    "no index": lambda content: content.replace(b"moov", b"free"),
    "no media data": lambda content: content.replace(b"mdat", b"free"),
    "unknown codec": lambda content: content.replace(b"avc1", b"xxxx").replace(b"mp4v", b"xxxx"),
    "huge chunk offsets": lambda content: content.replace(b"stco", b"co64"),
    **{f"random bytes, seed {seed}": partial(with_random_bytes, seed=seed) for seed in range(8)},
}


def test_damaged_videos_get_a_documented_response_and_change_nothing(server: Any, video: bytes) -> None:
    def untimed() -> list[Event]:
        return [(name, {**event, "timing_ms": None}) for name, event in all_events(send(server.url, video))]

    before = untimed()
    for name, damage in DAMAGES.items():
        answer = send(server.url, damage(video), frames=3)
        if answer.status_code == 200:
            last, _ = all_events(answer)[-1]
            assert last in ("result", "error"), name
        else:
            status, code = error_of(answer)
            expected = {413: "video_too_large", 415: "unsupported_video", 422: "unreadable_video"}
            assert expected.get(status) == code, (name, status, code)
    assert untimed() == before
    assert "Traceback" not in server.log()


def test_an_upload_that_stops_frees_its_slot(one_worker: Any, video: bytes) -> None:
    server = one_worker
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n".encode()
        )
    *_, (name, result) = all_events(send(server.url, video, frames=3))
    assert (name, result["verdict"], len(result["timeline"])) == ("result", "real", 3)


def test_many_at_once_are_processed_or_rejected(two_workers: Any, video: bytes) -> None:
    server = two_workers
    answers: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(send(server.url, video, frames=3))) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    statuses = sorted(answer.status_code for answer in answers)
    assert len(statuses) == 5
    assert set(statuses) <= {200, 503}
    assert 200 in statuses


def test_an_image_sent_as_a_video_and_a_video_as_an_image(server: Any, video: bytes) -> None:
    buffer = BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "GIF")
    assert error_of(send(server.url, buffer.getvalue(), "a.mp4")) == (415, "unsupported_video")
    answer = httpx.post(f"{server.url}/api/predict", files={"image": ("a.jpg", video)}, timeout=300)
    assert error_of(answer) == (415, "unsupported_image")
