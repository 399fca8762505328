"""Metadata are read, and contradictions in them are found."""

import json
from datetime import datetime
from io import BytesIO

import pytest
from PIL import Image

from tests.provenance import files
from tests.provenance.files import camera_exif, jpeg, png, read, xmp
from tests.sample_images import encode, noise, portrait
from veraface.provenance import CredentialState

NOW = datetime(2025, 1, 1)


def codes(content: bytes) -> set[str]:
    return {finding.code for finding in read(content, now=NOW).findings}


def test_plain_image_claims_nothing() -> None:
    found = read(encode(noise(64, 48), "PNG"))
    assert found.credentials.state in (CredentialState.ABSENT, CredentialState.NOT_INSTALLED)
    assert (found.claims, found.xmp, found.camera, found.generator, found.encoder, found.findings) == (
        *((), None, None, None, None),
        (),
    )


def test_image_in_memory_has_no_provenance() -> None:
    from veraface.imaging.decode import ImageFile
    from veraface.provenance.reading import read_provenance

    assert read_provenance(ImageFile(noise(64, 48))) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_camera_and_source_type_of_each_format(kind: str) -> None:
    content = encode(noise(64, 48), kind, exif=camera_exif(), xmp=files.AI_PACKET)
    if kind == "TIFF":
        exif = camera_exif()
        exif[700] = files.AI_PACKET
        content = encode(noise(64, 48), kind, exif=exif)
    if kind == "PNG":
        content = encode(noise(64, 48), kind, exif=camera_exif())
        chunk = files.text_chunk("XML:com.adobe.xmp", files.AI_PACKET.decode(), "iTXt")
        content = content.replace(content[33:], chunk + content[33:], 1)
    found = read(content, now=NOW)
    assert found.camera is not None
    assert found.camera.model == "Canon EOS R6"
    assert found.xmp is not None
    assert found.xmp.source_type == "trainedAlgorithmicMedia"
    assert [(claim.code, claim.place) for claim in found.claims] == [("ai_generated", "XMP")]


def test_camera_fields() -> None:
    camera = read(jpeg(exif=camera_exif(tag_0131="Firmware 1.2")), now=NOW).camera
    assert camera is not None
    assert (camera.make, camera.model, camera.lens) == ("Canon", "Canon EOS R6", "RF85mm F2")
    assert (camera.exposure_s, camera.f_number, camera.iso, camera.focal_length_mm) == (0.004, 2.8, 200, 85.0)
    assert (camera.taken, camera.modified) == ("2024-05-06T07:08:09", "2024-05-06T10:00:00")
    assert camera.software == "Firmware 1.2"
    assert not camera.has_position


def test_position_is_never_returned() -> None:
    exif = camera_exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.5), 3: "E", 4: (2.0, 17.0, 40.25)})
    found = read(jpeg(exif=exif))
    assert found.camera is not None
    assert found.camera.has_position
    text = json.dumps(found.to_dict())
    assert not any(number in text for number in ("48", "51", "29.5", "17", "40.25"))


def test_a_plausible_camera_has_no_finding() -> None:
    assert codes(jpeg(exif=camera_exif())) == set()


@pytest.mark.parametrize(
    ("exif", "code"),
    [
        (camera_exif(tag_829A=None, tag_829D=None, tag_8827=None), "no_exposure"),
        (camera_exif(tag_0131="Adobe Photoshop 25.0"), "editor_software"),
        (camera_exif(tag_9003="2031:01:01 00:00:00", tag_0132=None), "future_date"),
        (camera_exif(tag_9003="2024:13:45 00:00:00"), "odd_date"),
        (camera_exif(tag_0132="2020:01:01 00:00:00"), "modified_before_taken"),
        (camera_exif(tag_A002=4000, tag_A003=3000), "size_differs"),
        (files.with_thumbnail(camera_exif(), encode(noise(64, 64), "JPEG")), "thumbnail_differs"),
    ],
)
def test_contradictions_are_found(exif: Image.Exif | bytes, code: str) -> None:
    assert codes(jpeg(exif=exif)) == {code}


@pytest.mark.parametrize("size", [(160, 120), (64, 48), (48, 64)])
def test_usual_thumbnail_is_no_contradiction(size: tuple[int, int]) -> None:
    image = noise(64, 48)
    shown = image.rotate(90, expand=True) if size[0] < size[1] else image.resize(size)
    assert codes(jpeg(exif=files.with_thumbnail(camera_exif(), encode(shown, "JPEG")))) == set()


def test_a_camera_with_a_generators_size_is_found() -> None:
    content = encode(noise(512, 512), "JPEG", exif=camera_exif())
    assert codes(content) == {"generator_size"}


def test_rotated_size_is_no_contradiction() -> None:
    assert codes(jpeg(exif=camera_exif(tag_A002=48, tag_A003=64, tag_0112=6))) == set()


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt"])
@pytest.mark.parametrize("behind_pixels", [False, True])
@pytest.mark.parametrize(
    ("keyword", "text", "name", "prompt"),
    [
        ("parameters", files.A1111, "Stable Diffusion WebUI", "a portrait of a woman, photo"),
        ("prompt", files.COMFYUI, "ComfyUI", "a smiling man"),
        ("invokeai_metadata", files.INVOKEAI, "InvokeAI", "a man in a hat"),
        ("Description", files.MIDJOURNEY, "Midjourney", "a queen --v 6"),
    ],
)
def test_generators_in_png(
    keyword: str, text: str, name: str, prompt: str, kind: str, behind_pixels: bool
) -> None:
    found = read(png((keyword, text), kind=kind, behind_pixels=behind_pixels))
    assert found.generator is not None
    assert (found.generator.name, found.generator.prompt) == (name, prompt)
    assert keyword in found.generator.place
    assert [claim.code for claim in found.claims] == ["generator_parameters"]


def test_generator_parameters() -> None:
    generator = read(png(("parameters", files.A1111))).generator
    assert generator is not None
    assert generator.model == "sd, xl"
    assert dict(generator.settings)["Seed"] == "42"
    graph = read(png(("prompt", files.COMFYUI), ("workflow", '{"nodes": [{"type": "KSampler"}]}'))).generator
    assert graph is not None
    assert graph.model == "sdxl.safetensors"
    assert dict(graph.settings) == {"Nodes": "3", "seed": "7", "steps": "20"}


def test_older_invokeai_and_a_workflow_alone() -> None:
    old = '{"model_weights": "sd-1.4", "image": {"prompt": [{"prompt": "a cow", "weight": 1}], "seed": 3}}'
    found = read(png(("sd-metadata", old))).generator
    assert found is not None
    assert (found.name, found.prompt, found.model) == ("InvokeAI", "a cow", "sd-1.4")
    alone = read(png(("workflow", '{"nodes": [{"type": "KSampler", "id": 1}]}'))).generator
    assert alone is not None
    assert alone.name == "ComfyUI"


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le"])
def test_generators_in_exif(kind: str, encoding: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + files.A1111.encode(encoding)
    found = read(encode(noise(64, 48), kind, exif=exif)).generator
    assert found is not None
    assert (found.name, found.place, found.prompt) == (
        *("Stable Diffusion WebUI", "EXIF UserComment"),
        "a portrait of a woman, photo",
    )


def test_graph_in_make_and_model_is_not_a_camera() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = 'workflow:{"nodes": []}', "prompt:" + files.COMFYUI
    found = read(encode(noise(512, 512), "WEBP", exif=exif))
    assert found.camera is None
    assert found.generator is not None
    assert found.generator.prompt == "a smiling man"
    assert found.findings == ()


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("Description", "an image of a queen"),
        ("Description", "Job ID: none"),
        ("parameters", "width and height"),
        ("prompt", "what do you see?"),
        ("prompt", '{"a": 1}'),
        ("workflow", "{" * 5000),
        ("invokeai_metadata", "[1, 2]"),
        ("Comment", files.A1111),
        ("parameters", "Scan at 600 dpi. Steps: 3, Lamp: cold"),
        ("parameters", "Steps: 3, Lamp: cold"),
        ("sd-metadata", "{}"),
        ("workflow", '{"review": {"type": "editorial", "inputs": {}}}'),
    ],
)
def test_other_texts_are_not_parameters(keyword: str, text: str) -> None:
    found = read(png((keyword, text)))
    assert (found.generator, found.claims) == (None, ())


def test_comment_of_a_photo_is_not_parameters() -> None:
    exif = camera_exif(tag_9286=b"ASCII\0\0\0Oma on the Spanish Steps: Rome, Model: Anna")
    assert read(jpeg(exif=exif)).generator is None


def test_other_texts_do_not_hide_parameters() -> None:
    others = [(f"text {number}", "x") for number in range(200)]
    for more in (others, [("Comment", "x")] * 200):
        found = read(png(*more, ("parameters", files.A1111)))
        assert [claim.code for claim in found.claims] == ["generator_parameters"]


@pytest.mark.parametrize("speeds", [(100, 200), (100, 200, 300)])
def test_first_of_several_iso_speeds_is_used(speeds: tuple[int, ...]) -> None:
    camera = read(jpeg(exif=camera_exif(tag_8827=speeds)), now=NOW).camera
    assert camera is not None
    assert camera.iso == 100


def test_an_absurd_date_hides_no_other_finding() -> None:
    exif = camera_exif(
        tag_829A=None, tag_829D=None, tag_8827=None, tag_9003="0001:01:01 00:00:00", tag_0132=None
    )
    assert codes(jpeg(exif=exif)) == {"no_exposure"}
    exif = camera_exif(tag_9003="9999:12:31 23:59:59", tag_0132="0001:01:01 00:00:00")
    assert codes(jpeg(exif=exif)) == {"future_date", "modified_before_taken"}


def test_xmp_description_of_another_resource_is_ignored() -> None:
    own = xmp("", 'xmp:CreatorTool="GIMP"').decode()
    other = files.AI_PACKET.decode()
    other = other[other.index("<rdf:Description") : other.index("</rdf:RDF>")]
    for about, source_type in (("uuid:other", None), ("", "trainedAlgorithmicMedia")):
        both = own.replace("</rdf:RDF>", other.replace('about=""', f'about="{about}"') + "</rdf:RDF>")
        found = read(jpeg(xmp=both.encode())).xmp
        assert found is not None
        assert (found.creator_tool, found.source_type) == ("GIMP", source_type)


def test_xmp_history_and_tool() -> None:
    packet = xmp(
        "<xmpMM:History><rdf:Seq>"
        '<rdf:li stEvt:action="created" stEvt:when="2024-01-01" stEvt:softwareAgent="Adobe Photoshop 25"/>'
        '<rdf:li rdf:parseType="Resource"><stEvt:action>saved</stEvt:action>'
        "<stEvt:softwareAgent>GIMP</stEvt:softwareAgent></rdf:li>"
        "</rdf:Seq></xmpMM:History><photoshop:Credit>Made with Google AI</photoshop:Credit>",
        'xmp:CreatorTool="GIMP 2.10"',
    )
    found = read(jpeg(xmp=packet))
    assert found.xmp is not None
    assert (found.xmp.creator_tool, found.xmp.credit) == ("GIMP 2.10", "Made with Google AI")
    assert [(step.action, step.software, step.when) for step in found.xmp.history] == [
        ("created", "Adobe Photoshop 25", "2024-01-01"),
        ("saved", "GIMP", None),
    ]
    assert [finding.code for finding in found.findings] == ["editor_software"]


def test_xmp_of_ingredients_is_ignored() -> None:
    inner = (
        "<xmpMM:Pantry><rdf:Bag><rdf:li><rdf:Description>"
        f"<Iptc4xmpExt:DigitalSourceType>{files.AI_ADDRESS}</Iptc4xmpExt:DigitalSourceType>"
        "</rdf:Description></rdf:li></rdf:Bag></xmpMM:Pantry>"
    )
    found = read(jpeg(xmp=xmp(inner)))
    assert (found.claims, found.xmp) == ((), None)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("trainedAlgorithmicMedia", "ai_generated"),
        ("compositeWithTrainedAlgorithmicMedia", "ai_edited"),
        ("digitalCapture", "captured"),
    ],
)
def test_source_types_are_claims(name: str, code: str) -> None:
    address = files.AI_ADDRESS.replace("trainedAlgorithmicMedia", name)
    for packet in (
        xmp(f"<Iptc4xmpExt:DigitalSourceType>{address}</Iptc4xmpExt:DigitalSourceType>"),
        xmp(f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{address}"/>'),
        xmp("", f'Iptc4xmpExt:DigitalSourceType="{address}"'),
    ):
        assert [claim.code for claim in read(jpeg(xmp=packet)).claims] == [code]


@pytest.mark.parametrize("quality", [1, 5, 30, 49, 50, 51, 75, 90, 95, 100])
def test_quality_is_identified_from_standard_tables(quality: int) -> None:
    encoder = read(jpeg(quality=quality, subsampling=2)).encoder
    assert encoder is not None
    assert (encoder.tables, encoder.quality, encoder.subsampling) == ("ijg", str(quality), "4:2:0")
    gray = read(encode(noise(64, 48).convert("L"), "JPEG", quality=quality, progressive=True)).encoder
    assert gray is not None
    assert (gray.tables, gray.quality, gray.subsampling, gray.progressive) == (
        "ijg",
        str(quality),
        None,
        True,
    )


def test_encoders_are_identified_by_their_tables() -> None:
    photoshop = read(jpeg(quality="web_high")).encoder
    assert photoshop is not None
    assert (photoshop.tables, photoshop.quality) == ("photoshop", "web high")
    own = read(jpeg(quality=90, qtables=[[7] * 64, [9] * 64])).encoder
    assert own is not None
    assert (own.tables, own.quality) == ("custom", None)
    mozjpeg = [
        *(16, 16, 16, 18, 25, 37, 56, 85, 16, 17, 20, 27, 34, 40, 53, 75),
        *(16, 20, 24, 31, 43, 62, 91, 135, 18, 27, 31, 40, 53, 74, 106, 156),
        *(25, 34, 43, 53, 69, 94, 131, 189, 37, 40, 62, 74, 94, 124, 169, 238),
        *(56, 53, 91, 106, 131, 169, 226, 255, 85, 75, 135, 156, 189, 238, 255, 255),
    ]
    other = read(jpeg(qtables=[mozjpeg, mozjpeg], quality=50)).encoder
    assert other is not None
    assert (other.tables, other.quality) == ("mozjpeg", "50")


def test_an_earlier_coarser_compression_leaves_traces() -> None:
    once = encode(portrait(), "JPEG", quality=90)
    coarse = encode(portrait(), "JPEG", quality=70)
    twice = encode(Image.open(BytesIO(coarse)), "JPEG", quality=90)
    for content, expected in ((once, False), (twice, True)):
        full, quick = read(content, level="full").encoder, read(content).encoder
        assert full is not None
        assert quick is not None
        assert full.compressed_twice is expected
        assert quick.compressed_twice is None
