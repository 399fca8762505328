"""The kind of attack of a fake, from its generator or its manifest."""

from pathlib import Path

import pytest

from veraface.datasets.attacks import KINDS, UNKNOWN, attack_kind
from veraface.datasets.manifest import read_samples


@pytest.mark.parametrize(
    ("generator", "source", "kind"),
    [
        ("Deepfakes", "", "face swap"),
        ("FaceShifter", "", "face swap"),
        ("FaceSwap", "", "face swap"),
        ("Face2Face", "", "reenactment"),
        ("NeuralTextures", "", "reenactment"),
        ("dfdc-swap", "dfdc", "face swap"),
        ("deepfacelive_pairs", "", "face swap"),
        ("stylegan2-curated", "", "GAN portrait"),
        ("stargan_celeba128", "", "edited face"),
        ("photoshop", "ciplab", "edited face"),
        ("talking_head_fake", "", "talking head"),
        ("flux1-schnell", "", "diffusion portrait"),
        ("arc2face_sd15", "", "diffusion portrait"),
        ("", "lfw_faceswap", "face swap"),
        ("self-blended", "", "self-blended face"),
        ("brand-new", "web", UNKNOWN),
        ("", "", UNKNOWN),
    ],
)
def test_kinds_of_known_generators(generator: str, source: str, kind: str) -> None:
    assert attack_kind(generator, source) == kind
    assert kind in KINDS


def test_the_manifest_may_name_the_kind(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text(
        "path,label,generator,attack\na.jpg,fake,flux,morph\nb.jpg,fake,flux,\nc.mp4,fake,,lip sync\n"
    )
    samples = read_samples(tmp_path, frames=2)
    assert [sample.attack for sample in samples] == ["morph", "", "lip sync", "lip sync"]
