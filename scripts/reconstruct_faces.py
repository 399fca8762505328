"""Give real faces back by autoencoders: the raw material of synthesized fakes (train --reconstructions).

    python scripts/reconstruct_faces.py data/faces data/faces2 --taef2 models --out build/reconstructions

Three small autoencoders are trained on the reals of the training split: one with a dense bottleneck at 64 px,
as the first face swaps had; a convolutional one at 128 px; and one with an adversarial loss at 224 px. A tiny
autoencoder of a diffusion model's latents (madebyollin/taesd, MIT) gives back faces and whole images. Sizes
and bottlenecks follow published face-swap tools; the number of steps is what a minute allows.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from veraface.datasets.manifest import read_samples
from veraface.datasets.samples import Sample
from veraface.datasets.synthesis.reconstructions import INDEX, PIXELS, sample_key

MARGIN = 1.25  # side of the square that is given back over the longer side of the face box
SHARE = 0.5  # of the images that each autoencoder gives back
BATCH = 64


# --- autoencoders ---


def down(inputs: int, outputs: int) -> nn.Module:
    """Halve the resolution."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 5, 2, 2), nn.LeakyReLU(0.1))


def up(inputs: int, outputs: int) -> nn.Module:
    """Double the resolution by a pixel shuffle, as face-swap tools do."""
    return nn.Sequential(nn.Conv2d(inputs, 4 * outputs, 3, 1, 1), nn.LeakyReLU(0.1), nn.PixelShuffle(2))


def transposed(inputs: int, outputs: int) -> nn.Module:
    """Double the resolution by a transposed convolution."""
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.1))


def last(inputs: int) -> nn.Module:
    """Return to RGB, 0 to 1."""
    return nn.Sequential(nn.Conv2d(inputs, 3, 5, 1, 2), nn.Sigmoid())


def dense_autoencoder(code: int = 1024) -> nn.Module:
    """Build the one with a dense bottleneck, for 64 px."""
    return nn.Sequential(
        *(down(3, 64), down(64, 128), down(128, 256), down(256, 512), nn.Flatten()),
        *(nn.Linear(512 * 16, code), nn.Linear(code, 256 * 16), nn.Unflatten(1, (256, 4, 4))),
        *(up(256, 256), up(256, 128), up(128, 64), up(64, 64), last(64)),
    )


def convolutional_autoencoder(code: int = 24) -> nn.Module:
    """Build the one with a bottleneck of an eighth of the resolution, for 128 px."""
    return nn.Sequential(
        *(down(3, 64), down(64, 128), down(128, 256), nn.Conv2d(256, code, 1)),
        *(nn.Conv2d(code, 256, 3, 1, 1), nn.LeakyReLU(0.1), up(256, 128), up(128, 64), up(64, 64), last(64)),
    )


def adversarial_autoencoder(code: int = 32) -> nn.Module:
    """Build the one with a bottleneck of a sixteenth of the resolution, for 224 px."""
    return nn.Sequential(
        *(down(3, 64), down(64, 128), down(128, 256), down(256, 256), nn.Conv2d(256, code, 1)),
        *(nn.Conv2d(code, 256, 3, 1, 1), nn.LeakyReLU(0.1), transposed(256, 256), transposed(256, 128)),
        *(transposed(128, 64), transposed(64, 64), last(64)),
    )


def patch_critic() -> nn.Module:
    """Build a critic of patches (Isola et al., "Image-to-Image Translation", CVPR 2017)."""
    return nn.Sequential(down(3, 64), down(64, 128), down(128, 256), nn.Conv2d(256, 1, 3, 1, 1))


class Block(nn.Module):
    """The residual block of the tiny autoencoders, with a gate over the whole map in the middle ones."""

    def __init__(self, gated: bool = False) -> None:
        super().__init__()
        conv = [nn.Conv2d(64, 64, 3, padding=1) for _ in range(3)]
        self.conv = nn.Sequential(conv[0], nn.ReLU(), conv[1], nn.ReLU(), conv[2])
        if gated:
            widen, narrow = nn.Conv2d(64, 256, 1, bias=False), nn.Conv2d(256, 64, 1, bias=False)
            self.pool = nn.Sequential(widen, nn.GroupNorm(4, 256), nn.ReLU(), narrow)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        if hasattr(self, "pool"):
            x = x + self.pool(x)
        return functional.relu(self.conv(x) + x)


class Clamp(nn.Module):
    """Limit latents softly to -3..3."""

    def forward(self, x: Tensor) -> Tensor:
        """Return latents of the same shape."""
        return torch.tanh(x / 3) * 3


def tiny_autoencoder(folder: Path) -> nn.Module:
    """Load `taef2_encoder.safetensors` and `taef2_decoder.safetensors`."""

    def conv(inputs: int, outputs: int, stride: int = 1, bias: bool = True) -> nn.Module:
        return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=bias)

    def blocks(count: int, gated: bool = False) -> list[nn.Module]:
        return [Block(gated) for _ in range(count)]

    def doubled() -> list[nn.Module]:
        return [nn.Upsample(scale_factor=2), conv(64, 64, bias=False)]

    half = [conv(64, 64, 2, bias=False) for _ in range(3)]
    encoder = nn.Sequential(
        *(conv(3, 64), *blocks(1), half[0], *blocks(3), half[1], *blocks(3), half[2], *blocks(3, True)),
        conv(64, 32),
    )
    decoder = nn.Sequential(
        *(Clamp(), conv(32, 64), nn.ReLU(), *blocks(3, True), *doubled(), *blocks(3), *doubled()),
        *(*blocks(3), *doubled(), *blocks(1), conv(64, 3)),
    )
    for part, name in ((encoder, "encoder"), (decoder, "decoder")):
        part.load_state_dict(
            {k: v.float() for k, v in load_file(folder / f"taef2_{name}.safetensors").items()}
        )
    return nn.Sequential(encoder, decoder)


def dissimilarity(a: Tensor, b: Tensor) -> Tensor:
    """Return 1 - SSIM over windows of 8 px, plus the L1 distance."""
    mean_a, mean_b = functional.avg_pool2d(a, 8, 4), functional.avg_pool2d(b, 8, 4)
    var_a, var_b = (
        functional.avg_pool2d(a * a, 8, 4) - mean_a**2,
        functional.avg_pool2d(b * b, 8, 4) - mean_b**2,
    )
    cov = functional.avg_pool2d(a * b, 8, 4) - mean_a * mean_b
    ssim = (2 * mean_a * mean_b + 1e-4) * (2 * cov + 9e-4)
    ssim = ssim / ((mean_a**2 + mean_b**2 + 1e-4) * (var_a + var_b + 9e-4))
    return 1 - ssim.mean() + functional.l1_loss(a, b)


def fit(network: nn.Module, faces: Tensor, size: int, steps: int, *, critic: nn.Module | None = None) -> None:
    """Train an autoencoder on RGB uint8 faces (N, 3, side, side) at a size, px."""
    optimizer = torch.optim.Adam(network.parameters(), 5e-4, (0.7, 0.99))
    critic_optimizer = torch.optim.Adam(critic.parameters(), 2e-4, (0.5, 0.99)) if critic else None
    mixed = torch.autocast(faces.device.type, torch.bfloat16)
    for step in range(steps):
        x = faces[torch.randint(len(faces), (BATCH,), device=faces.device)].float() / 255
        x = functional.interpolate(x, (size, size), mode="area")
        x = x.flip(3) if step % 2 else x
        with mixed:
            y = network(x)
        loss = dissimilarity(y.float(), x)
        if critic is not None and critic_optimizer is not None and step > steps // 4:
            with mixed:
                real, fake = critic(x), critic(y.detach())
            critic_loss = functional.relu(1 - real.float()).mean() + functional.relu(1 + fake.float()).mean()
            critic_optimizer.zero_grad()
            critic_loss.backward()
            critic_optimizer.step()
            with mixed:
                loss = loss - 0.02 * critic(y).float().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"autoencoder at {size} px: loss {loss.item():.4f}", flush=True)


# --- images ---


def face_square(sample: Sample) -> tuple[float, float, float]:
    """Return x, y and side of the square that is given back, px."""
    assert sample.box is not None
    box, side = sample.box, MARGIN * sample.box.max_side
    return box.x + (box.width - side) / 2, box.y + (box.height - side) / 2, side


def read(sample: Sample) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the face's square and the whole image at 256 px, RGB."""
    with Image.open(sample.path) as image:
        image = image.convert("RGB")
    x, y, side = face_square(sample)
    edges = (round(x), round(y), round(x + side), round(y + side))
    face = image.crop(edges).resize((256, 256), Image.Resampling.BICUBIC)
    return np.asarray(face), np.asarray(image.resize((256, 256), Image.Resampling.BICUBIC))


def batches(images: Tensor, size: int) -> Iterator[Tensor]:
    """Yield batches of RGB in 0..1 at a size, px."""
    for part in images.split(BATCH):
        yield functional.interpolate(part.float() / 255, (size, size), mode="area")


def main() -> None:
    """Train, reconstruct, write the index and the pixels."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="+", help="folders or manifests with face boxes")
    parser.add_argument("--taef2", type=Path, help="folder with the tiny autoencoder's weights")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1500, help="of each autoencoder")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    started = time.monotonic()
    torch.manual_seed(1)
    samples = [
        s for data in options.data for s in read_samples(data) if not s.fake and s.box and s.split == "train"
    ]
    with ProcessPoolExecutor(options.workers) as pool:
        pairs = list(pool.map(read, samples, chunksize=64))
    stacks = [torch.from_numpy(np.stack(part)).permute(0, 3, 1, 2) for part in zip(*pairs, strict=True)]
    faces, wholes = (stack.contiguous().to(options.device) for stack in stacks)
    print(f"{len(samples)} reals read in {time.monotonic() - started:.0f} s", flush=True)
    dense, convolutional, adversarial = (
        build().to(options.device)
        for build in (dense_autoencoder, convolutional_autoencoder, adversarial_autoencoder)
    )
    critic = patch_critic().to(options.device)
    fit(dense, faces, 64, options.steps)
    fit(convolutional, faces, 128, options.steps)
    fit(adversarial, faces, 224, options.steps // 2, critic=critic)
    jobs: list[tuple[str, nn.Module, int, bool]] = [
        ("dense", dense, 64, False),
        ("convolutional", convolutional, 128, False),
        ("adversarial", adversarial, 224, False),
    ]
    if options.taef2:
        tiny = tiny_autoencoder(options.taef2).to(options.device)
        jobs += [("diffusion", tiny, size, whole) for size, whole in ((128, False), (224, False))]
        jobs += [("diffusion", tiny, size, True) for size in (160, 256)]
    write(options.out, samples, faces, wholes, jobs)
    print(f"done in {time.monotonic() - started:.0f} s", flush=True)


def write(
    out: Path,
    samples: Sequence[Sample],
    faces: Tensor,
    wholes: Tensor,
    jobs: Sequence[tuple[str, nn.Module, int, bool]],
) -> None:
    """Write what every autoencoder makes of every image, and an example of each."""
    out.mkdir(parents=True, exist_ok=True)
    index: list[list[object]] = []
    offset = 0
    with (out / PIXELS).open("wb") as file, torch.inference_mode():
        for name, network, size, whole in jobs:
            network.eval()
            number = 0
            # Each autoencoder gives back some of the images, so that none of them takes long.
            chosen = torch.randperm(len(samples))[: round(len(samples) * SHARE)].sort().values
            names = [samples[int(i)] for i in chosen]
            for batch in batches((wholes if whole else faces)[chosen.to(faces.device)], size):
                with torch.autocast(batch.device.type, torch.bfloat16, enabled=batch.is_cuda):
                    given = network(batch)
                given = (given.float().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
                if not number:
                    shown = np.concatenate([np.concatenate(list(given[:8]), 1)])
                    Image.fromarray(shown).save(out / f"{name}-{size}{'-whole' if whole else ''}.png")
                    error = float(np.abs(given / 255 - batch.permute(0, 2, 3, 1).cpu().numpy()).mean())
                    print(f"{name} {size} {'whole' if whole else 'face'}: mean error {error:.3f}", flush=True)
                file.write(given.tobytes())
                for sample in names[number : number + len(given)]:
                    x, y, side = face_square(sample)
                    if whole:
                        with Image.open(sample.path) as image:  # reads the header only
                            x, y, side = 0.0, 0.0, float(max(image.size))
                    index.append([sample_key(sample.path), offset, size, x, y, side, int(whole)])
                    offset += 3 * size * size
                number += len(given)
    (out / INDEX).write_text(json.dumps(index))


if __name__ == "__main__":
    main()
