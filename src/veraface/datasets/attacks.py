"""Kinds of attack: what was done to a face, by the program that did it.

ISO/IEC 30107-3 reports error rates for each kind ("species") of attack, because an average hides the kind
that gets through. A manifest may name the kind itself, in its column `attack`.
"""

UNKNOWN = "unknown"

# By kind, words in the names of generators and sources; the first kind with a match counts. Manual and
# attribute edits come first: StarGAN and AttGAN edit faces, though their names contain "gan".
_WORDS: dict[str, tuple[str, ...]] = {
    "edited face": ("photoshop", "ciplab", "stargan", "attgan", "faceapp", "edit", "retouch", "inpaint"),
    "talking head": ("talking", "wav2lip", "sadtalker", "hallo", "echomimic", "liveportrait"),
    "reenactment": ("face2face", "neuraltextures", "reenact", "fomm", "facevid2vid", "tpsm"),
    "face swap": (
        *("swap", "deepfake", "dfdc", "faceshifter", "deepfacelive", "deepfacelab", "celeb", "roop"),
        *("fsgan", "hififace", "uniface", "blendface"),
    ),
    "diffusion portrait": (
        *("diffusion", "flux", "sdxl", "sd15", "sd-", "stable", "midjourney", "dall", "imagen", "ddim"),
        *("arc2face", "easyphoto", "facechain", "photomaker", "pixart"),
    ),
    "GAN portrait": ("gan", "generatedphotos", "thispersondoesnotexist"),
    "self-blended face": ("self-blended",),
}
KINDS = (*_WORDS, UNKNOWN)


def attack_kind(generator: str, source: str = "") -> str:
    """Return the kind of attack of a fake by its generator, or else by the name of its data set."""
    for name in (generator.lower(), source.lower()):
        for kind, words in _WORDS.items():
            if any(word in name for word in words):
                return kind
    return UNKNOWN
