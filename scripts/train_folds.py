"""Train several networks on one stream of crops: folds of left-out sources, and networks on everything.

    python scripts/train_folds.py data/faces data/faces2 --clip build/clip_b16.pt --out build/folds
    veraface cross-validate --scores build/folds/scores.npz --network vit --one-view --out build/crossval

Decoding and degrading an image takes longer than a step of a small network on an accelerator, so all networks
share the stream, and each skips the sources that it must not see. The learning rate follows the time that has
passed. Writes the tuned weights of every network, and a score table with the logits of all images that a
network may be judged by. `veraface train` does the same one network at a time.

Without an accelerator, one network is trained further from shipped weights (`--start-from`): on two cores
with AMX, 16 crops a second with the transformer (`--compile`), 40 with EfficientNet-Lite0.
"""

import argparse
import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from veraface.datasets.degradations import Degradations
from veraface.datasets.manifest import read_samples
from veraface.datasets.samples import Sample, matched_sources
from veraface.datasets.synthesis.reconstructions import Reconstructions
from veraface.datasets.validation import prepare
from veraface.errors import DataError
from veraface.evaluation.score_images import view_crops
from veraface.evaluation.score_table import VIEWS, ScoreTable
from veraface.geometry import Box
from veraface.models.crop import CropSettings
from veraface.training.dataset import FaceDataset
from veraface.training.network import Network, freeze_all_but_norms, load_pretrained
from veraface.training.sampling import FACE_SWAP, RECONSTRUCTION, SELF_BLEND, PairSampler, SampleDraw

CROP = CropSettings(192, 1.3)
SEED = 17
VIT, LITE = "vit_base_patch16_clip_quickgelu_224", "tf_efficientnet_lite0"
CLEAN = 0.25  # share of draws that are also seen before their degradations
CONSISTENCY = 0.25  # weight of the SmoothL1 distance between the logits of the two
UNIFORMITY, ALIGNMENT = (
    0.1,
    0.05,
)  # of tokens on the sphere (Wang and Isola, ICML 2020), as in Yermakov et al.
SMOOTHING = 0.04
# Sources that show the same people or come from the same generator are left out together.
FOLDS: tuple[tuple[str, ...], ...] = (
    ("dfdc", "sfhq1", "stylegan2_small", "easyphoto_sd15", "officials", "djangocon2018", "fossasia2017",
     "chihacknight", "pirati_praha"),
    ("deepfacelive_pairs", "stylegan2", "generatedphotos", "utkface", "aflw", "rladies", "codeforamerica",
     "ssw_people", "djangocon2019"),
    ("lfw_faceswap", "lfw", "lfw5590", "sfhq_t2i", "eg1800", "finland_mps", "owasp_people", "angular_bios"),
    ("stargan_celeba128", "celeba", "net7876", "ganportraits", "mps", "csvconf", "jbcnconf",
     "pirati_stredocesky"),
    ("talking_head_fake", "stylegan140k", "ffhq", "ffhq1024", "thai_mps", "ropensci", "pirati_jihomoravsky",
     "webhumans"),
    ("ciplab", "flux_lora_politicians", "arc2face_sd15", "facechain_sd15", "ytf", "labfaces", "stock",
     "fossasia2018", "jsheroes", "gsa_18f", "pif_fellows", "pirati_moravskoslezsky"),
)  # fmt: skip


def fold_of(source: str) -> int:
    """Return the number of the fold, from 1, that leaves a source out; new ones follow their name's hash."""
    for number, fold in enumerate(FOLDS, start=1):
        if source in fold:
            return number
    return 1 + sum(source.encode()) % len(FOLDS)


# --- images ---


class TwoViews(Dataset[tuple[Tensor, Tensor, Tensor, Tensor]]):
    """Pairs of a fake and a real: degraded crops, the crops before, labels, and folds of the sources."""

    def __init__(self, faces: FaceDataset) -> None:
        self._faces = faces

    def __getitem__(self, draws: tuple[SampleDraw, SampleDraw]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return crops (2, size, size, 3) twice, labels (2,) and folds (2,)."""
        crops, cleans, labels, folds = [], [], [], []
        for draw in draws:
            face, random = self._faces.face(draw)
            clean = draw.number % round(1 / CLEAN) == 0
            cleans.append(face.crop(CROP) if clean else np.zeros((0,), np.uint8))
            crops.append(self._faces.degrade(face, random))
            labels.append(float(self._faces.is_fake(draw)))
            folds.append(fold_of(self._faces.samples[draw.sample].source))
        return (
            torch.from_numpy(np.stack(crops)),
            torch.from_numpy(np.stack(cleans)),
            torch.tensor(labels),
            torch.tensor(folds),
        )


class PairStream:
    """Endless pairs of draws from a `PairSampler`, whole batches of each epoch."""

    def __init__(self, sampler: PairSampler, batch: int) -> None:
        self._sampler, self._batch = sampler, batch

    def __iter__(self) -> Iterator[tuple[SampleDraw, SampleDraw]]:
        while True:
            draws = iter(self._sampler)
            pairs = len(self._sampler) // 2
            yield from islice(zip(draws, draws, strict=True), pairs - pairs % self._batch)
            self._sampler.set_epoch(self._sampler.epoch + 1)


def collate(items: Sequence[tuple[Tensor, Tensor, Tensor, Tensor]]) -> tuple[Tensor, ...]:
    """Stack pairs: crops (N, S, S, 3), labels (N,) and folds (N,), clean crops (M, S, S, 3), indices (M,)."""
    crops, cleans, labels, folds = zip(*items, strict=True)
    with_clean = [i for i, clean in enumerate(cleans) if clean.numel()]
    clean = torch.cat([cleans[i] for i in with_clean]) if with_clean else torch.zeros(0, 192, 192, 3).byte()
    rows = torch.tensor([row for i in with_clean for row in (2 * i, 2 * i + 1)], dtype=torch.long)
    return torch.cat(crops), torch.cat(labels), torch.cat(folds), clean, rows


class FixedViews(Dataset[Tensor]):
    """The views of each sample that networks are scored by, (5, size, size, 3)."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> Tensor:
        """Return the views of a sample, the same in every run."""
        return torch.from_numpy(view_crops(self._samples[index], CROP))


# --- networks ---


class Trainee:
    """A network in training, with its optimizer and the running mean of its weights."""

    def __init__(self, name: str, network: Network, *, fold: int, lr: float, head_lr: float, decay: float,
                 teacher: "Trainee | None" = None, compiled: bool = False,
                 folded: bool = False) -> None:  # fmt: skip
        self.name, self.fold, self.network, self.teacher = name, fold, network, teacher
        self.transformer = bool(network.prefix_tokens)
        backbone = [p for p in network.backbone.parameters() if p.requires_grad]
        head = network.head_parameters()
        self.rates = (lr, head_lr)
        self.tuned = [p for p in network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            [{"params": backbone}, {"params": head}],
            weight_decay=0.0 if self.transformer else 0.02,
            fused=True,
        )
        # Of folded convolutions the statistics are not known, so those of the start stay.
        self.frozen_norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)] if folded else []
        self.mean = deepcopy(network).eval()
        self.means = [p for p in self.mean.parameters() if p.requires_grad]
        self.mean.requires_grad_(False)
        if compiled and self.transformer:
            for block in network.backbone.blocks:
                block.compile(dynamic=False)
        self.decay, self.steps = decay, 0
        self.loss, self.right = 0.0, 0.0
        self.degraded = torch.zeros(0)

    def step(self, crops: Tensor, labels: Tensor, clean: Tensor, rows: Tensor, progress: float) -> None:
        """Train on a batch; `rows` are those of `crops` that `clean` shows before their degradations."""
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = (
                rate * min(1.0, progress / 0.03) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
            )
        self.network.train()
        for norm in self.frozen_norms:
            norm.eval()
        with torch.autocast(crops.device.type, torch.bfloat16):
            features = self.network.features(torch.cat([crops, clean]))
        features = features.float()
        logits = self.network.classify(features)[0]
        targets = torch.cat([labels, labels[rows]])
        smooth = targets * (1 - SMOOTHING) + SMOOTHING / 2
        losses = functional.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
        loss = losses.mean()
        if self.teacher is not None:
            soft = torch.sigmoid(self.teacher.degraded)
            loss = 0.4 * loss + 0.6 * functional.binary_cross_entropy_with_logits(logits, soft)
        if len(rows):
            loss = loss + CONSISTENCY * functional.smooth_l1_loss(logits[rows], logits[len(labels) :])
        if self.transformer:
            inner = 0 if self.network.inner is None else len(self.network.inner)
            own = functional.normalize(features[: len(labels), inner], dim=1)
            distances = 2 - 2 * own @ own.T
            same = (labels[:, None] == labels[None]).float().triu(1)
            pairs = torch.ones_like(same).triu(1)
            loss = loss + UNIFORMITY * (distances.mul(-2).exp() * pairs).sum().div(pairs.sum()).log()
            loss = loss + ALIGNMENT * (distances * same).sum() / same.sum()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.tuned, 1.0, foreach=True)
        self.optimizer.step()
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        with torch.no_grad():
            torch._foreach_lerp_(self.means, self.tuned, 1 - decay)
            for own_buffer, buffer in zip(self.mean.buffers(), self.network.buffers(), strict=True):
                own_buffer.copy_(buffer)
        self.degraded = logits.detach()
        if self.steps % 10 == 1:
            self.loss += (0.2 if self.loss else 1.0) * (float(losses.detach().mean()) - self.loss)

    def state(self) -> dict[str, Tensor]:
        """Return the averaged weights that differ from the pretrained ones."""
        if not self.transformer:
            return {k: v.contiguous().cpu() for k, v in self.mean.state_dict().items()}
        trained = {n for n, p in self.network.named_parameters() if p.requires_grad}
        return {k: v.contiguous().cpu() for k, v in self.mean.state_dict().items() if k in trained}

    @torch.inference_mode()
    def score(self, crops: Tensor) -> NDArray[np.float32]:
        """Return logits of crops with the averaged weights."""
        with torch.autocast(crops.device.type, torch.bfloat16):
            features = self.mean.features(crops)
        logits: NDArray[np.float32] = self.mean.classify(features.float())[0].float().cpu().numpy()
        return logits


def build(name: str, clip: Path, device: str, start: Path | None = None) -> Network:
    """Build a network from its name: `vit` or `lite`, with variants after a plus sign.

    If a model is given to start from, that is a file of tuned tensors (.npz) for a transformer, an ONNX file
    for EfficientNet-Lite0.
    """
    kind = name.split("/")[0]
    if kind.startswith("vit"):
        network = Network(VIT, CROP.size, inner_tokens="+inner" in kind)
        load_pretrained(network, VIT, str(clip))
        freeze_all_but_norms(network)
        if "+bias" in kind:
            for key, parameter in network.backbone.named_parameters():
                if key.endswith(".bias") or key in ("pos_embed", "cls_token"):
                    parameter.requires_grad_(True)
        if start is not None:
            fill(network, start)
        if device == "cpu":  # PyTorch 2.14 has a slow backward pass of fused attention there
            for block in network.backbone.blocks:
                block.attn.fused_attn = False
        for parameter in network.backbone.parameters():  # frozen products need no other precision
            if not parameter.requires_grad and parameter.ndim == 2:
                parameter.data = parameter.data.to(torch.bfloat16)
        return network.to(device)
    network = Network(LITE, CROP.size, dropout=0.2, drop_path=0.05)
    load_pretrained(network, LITE, "auto")
    if start is not None:
        fill_folded(network, start)
    return network.to(device, memory_format=torch.channels_last)


def fill(network: Network, tuned: Path) -> None:
    """Load the tuned tensors of an exported model."""
    with np.load(tuned) as tensors:
        found = {name: torch.from_numpy(tensors[name]) for name in tensors.files}
    wrong = network.load_state_dict(found, strict=False).unexpected_keys
    if wrong:
        raise DataError(f"{tuned}: has tensors that the network lacks: {', '.join(wrong)}")


def fill_folded(network: Network, path: Path) -> None:
    """Load an exported EfficientNet-Lite0, whose convolutions BatchNorm is folded into.

    BatchNorm becomes the addition of a bias. The stem and the first two stages are not trained further: they
    see edges and textures of a few pixels, and take half of the time.
    """
    graph = onnx.load(path).graph
    tensors = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in graph.initializer}
    inputs = [node.input for node in graph.node if node.op_type == "Conv"]
    convolutions = [m for m in network.backbone.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in network.backbone.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        for (_, weight, bias), convolution, norm in zip(inputs, convolutions, norms, strict=False):
            convolution.weight.copy_(tensors[weight])
            norm.weight.fill_(1.0)
            norm.bias.copy_(tensors[bias])
            norm.running_mean.zero_()
            norm.running_var.fill_(1 - norm.eps)
        network.head.weight.copy_(tensors["head.weight"].reshape(network.head.weight.shape))
        network.head.bias.copy_(tensors["head.bias"])
    for name, parameter in network.backbone.named_parameters():
        parameter.requires_grad_(not name.startswith(("conv_stem", "bn1", "blocks.0.", "blocks.1.")))


def main() -> None:
    """Train and score."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--clip", type=Path, required=True, help="weights from extract_clip.py")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--reconstructions", type=Path)
    parser.add_argument("--shapes", type=Path, help="outlines of faces, .npz by image")
    parser.add_argument("--detected", type=Path, help="cache of detected faces, JSON")
    parser.add_argument("--networks", nargs="+", default=["vit/final", "lite/final"])
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--pairs", type=int, default=64, help="pairs of a batch")
    parser.add_argument(
        "--start-from", type=Path, help="a model to start from: tuned tensors (.npz), or .onnx"
    )
    parser.add_argument("--lr-factor", type=float, default=1.0, help="of the learning rates")
    parser.add_argument("--compile", action="store_true", help="compile the blocks of transformers")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--limit", type=int, default=0, help="images, for a trial")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    samples = detected(options.data, options.detected)
    if options.limit:
        random = np.random.default_rng(0)
        samples = [samples[i] for i in random.permutation(len(samples))[: options.limit]]
    train = [s for s in samples if s.split == "train"]
    print(f"{len(samples)} faces, {len(train)} to train on", flush=True)
    loader = stream(train, options)
    trainees: list[Trainee] = []
    for name in options.networks:
        kind, fold = name.split("/")
        number = int(fold.removeprefix("fold-")) if fold.startswith("fold-") else 0
        teachers = [t for t in trainees if t.transformer and t.name.endswith(f"/{fold}")]
        teacher = teachers[0] if "+student" in kind and teachers else None
        network = build(name, options.clip, options.device, options.start_from)
        rates = (8e-4, 4e-3) if kind.startswith("vit") else (1e-3, 2e-3)
        lr, head = (options.lr_factor * rate for rate in rates)
        trainees.append(
            Trainee(
                name,
                network,
                fold=number,
                lr=lr,
                head_lr=head,
                decay=0.998,
                teacher=teacher,
                compiled=options.compile,
                folded=options.start_from is not None,
            )
        )
    run(loader, trainees, options)
    save(trainees, options.out)
    score(samples, trainees, options)


def detected(folders: Sequence[Path], cache: Path | None) -> list[Sample]:
    """Read the samples with the boxes and landmarks that serving would find; `cache` keeps those of a run."""
    samples = [sample for folder in folders for sample in read_samples(folder)]
    if cache is not None and cache.is_file():
        known = json.loads(cache.read_text())
        found = ((s, known.get("/".join(s.path.parts[-4:]))) for s in samples)
        return [replace(s, box=Box(*f[0]), landmarks=tuple((x, y) for x, y in f[1])) for s, f in found if f]
    prepared = prepare(samples, skip_bad=True).samples
    if cache is not None:
        rows = {
            "/".join(s.path.parts[-4:]): [s.box.to_list(), np.round(s.landmarks, 1).tolist()]
            for s in prepared
            if s.box
        }
        cache.write_text(json.dumps(rows))
    return prepared


def stream(train: Sequence[Sample], options: argparse.Namespace) -> DataLoader[tuple[Tensor, ...]]:
    """Return the endless loader that all networks share."""
    given = Reconstructions(options.reconstructions) if options.reconstructions else None
    stored = np.load(options.shapes) if options.shapes else {"names": [], "points": []}
    shapes = dict(zip(map(str, stored["names"]), stored["points"], strict=True))
    sources = {s.source for s in train}
    pairs = [p for p in ("ffhq:stylegan140k", "ffhq1024:sfhq_t2i") if set(p.split(":")) <= sources]
    sampler = PairSampler(
        train,
        SEED,
        synthesized={SELF_BLEND: 0.15, FACE_SWAP: 0.1, RECONSTRUCTION: 0.2},
        matched=matched_sources(train, pairs),
        reconstructed=[given is not None and s.path in given for s in train],
    )
    faces = FaceDataset(
        train, CROP, Degradations(), SEED, train=True, reconstructions=given, shapes=shapes,
        domains={source: fold_of(source) for source in sources},
    )  # fmt: skip
    return DataLoader(
        TwoViews(faces),
        batch_size=options.pairs,
        sampler=PairStream(sampler, options.pairs),  # type: ignore[arg-type]  # endless
        collate_fn=collate,
        num_workers=options.workers,
        prefetch_factor=4 if options.workers else None,
        pin_memory=options.device != "cpu",
    )


def run(
    loader: DataLoader[tuple[Tensor, ...]], trainees: Sequence[Trainee], options: argparse.Namespace
) -> None:
    """Train until the time is over."""
    started, budget, images, waited = time.monotonic(), 60 * options.minutes, 0, 0.0
    said = started
    before = time.monotonic()
    for number, batch in enumerate(loader, start=1):
        waited += time.monotonic() - before
        progress = (time.monotonic() - started) / budget
        if progress >= 1:
            break
        crops, labels, folds, clean, rows = batch
        images += len(crops) + len(clean)
        crops, labels, clean = (part.to(options.device, non_blocking=True) for part in (crops, labels, clean))
        chosen = {fold: choose(folds, rows, fold, options.device) for fold in {t.fold for t in trainees}}
        for trainee in trainees:
            kept, among, places = chosen[trainee.fold]
            trainee.step(crops[kept], labels[kept], clean[among], places, progress)
        if number % 200 == 0:
            save(trainees, options.out)
        if time.monotonic() - said > 15:
            said = time.monotonic()
            losses = " ".join(f"{t.name} {t.loss:.3f}" for t in trainees)
            rate = images / (said - started)
            print(
                f"{number} steps, {rate:.0f} crops/s, waited {waited:.0f} s, {progress:.0%}: {losses}",
                flush=True,
            )
        before = time.monotonic()
    print(f"trained on {images} crops in {time.monotonic() - started:.0f} s", flush=True)


def choose(folds: Tensor, rows: Tensor, fold: int, device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Return the indices of the crops a network may see, of their clean crops, and the places of these.

    Both of a pair must be of other folds. Computed on the host: a mask on the device would be waited for.
    """
    if not fold:
        kept, among, places = torch.arange(len(folds)), torch.arange(len(rows)), rows
    else:
        kept = (folds.view(-1, 2) != fold).all(dim=1).repeat_interleave(2).nonzero().squeeze(1)
        # Always as many, as a convolution is prepared anew for every size of a batch.
        kept = kept.repeat(3)[: len(folds) * 2 // 3]
        place = {row: number for number, row in reversed(list(enumerate(kept.tolist())))}
        found = [(number, place[row]) for number, row in enumerate(rows.tolist()) if row in place]
        found = (found * len(rows))[: len(rows) // 2]
        among, places = (torch.tensor([pair[i] for pair in found], dtype=torch.long) for i in (0, 1))
    parts = kept, among, places
    kept, among, places = (
        part.pin_memory().to(device, non_blocking=True) if device != "cpu" else part for part in parts
    )
    return kept, among, places


def save(trainees: Sequence[Trainee], out: Path) -> None:
    """Write the tuned weights of transformers to one file, each other network to its own, as float16."""
    tuned = {f"{t.name}:{k}": v for t in trainees if t.transformer for k, v in t.state().items()}
    if tuned:
        save_file(tuned, out / "transformers.safetensors")
    for trainee in trainees:
        if not trainee.transformer and trainee.fold == 0:
            state = {k: v.half() if v.is_floating_point() else v for k, v in trainee.state().items()}
            save_file(state, out / f"{trainee.name.replace('/', '-')}.safetensors")


def score(samples: Sequence[Sample], trainees: Sequence[Trainee], options: argparse.Namespace) -> None:
    """Write logits: networks of folds on the sources they did not see and on val, others on val and test."""
    started = time.monotonic()
    wanted: dict[str, NDArray[np.float32]] = {
        t.name: np.full((len(samples), len(VIEWS)), np.nan, np.float32) for t in trainees
    }
    left = np.array([fold_of(s.source) for s in samples])
    held = np.array([s.split != "train" for s in samples])
    val = np.array([s.split == "val" for s in samples])
    # Of the training split of a source some images are scored, of the other splits all.
    chosen = held.copy()
    of_source: dict[tuple[str, bool], list[int]] = defaultdict(list)
    for index, sample in enumerate(samples):
        if not held[index]:
            of_source[sample.source, sample.fake].append(index)
    for own in of_source.values():
        chosen[own[:: max(1, len(own) // 300)]] = True
    needed = {t.fold for t in trainees}
    indices = np.flatnonzero(chosen & (val | np.isin(left, list(needed)) | (held & (0 in needed))))
    loader = DataLoader(
        FixedViews([samples[i] for i in indices]), batch_size=64, num_workers=options.workers, shuffle=False
    )
    done = 0
    for batch in loader:
        rows = indices[done : done + len(batch)]
        done += len(batch)
        crops = batch.to(options.device)
        for trainee in trainees:
            use = (left[rows] == trainee.fold) | val[rows] if trainee.fold else held[rows]
            if use.any():
                part = crops[torch.from_numpy(use).to(crops.device)]
                logits = trainee.score(part.flatten(0, 1)).reshape(-1, len(VIEWS))
                wanted[trainee.name][rows[use]] = logits
    kept = np.flatnonzero(np.any([~np.isnan(logits[:, 0]) for logits in wanted.values()], axis=0))
    scored = [samples[i] for i in kept]
    ScoreTable(
        path=np.array(["/".join(s.path.parts[-4:]) for s in scored]),
        fake=np.array([s.fake for s in scored]),
        source=np.array([s.source for s in scored]),
        generator=np.array([s.generator if s.fake else "" for s in scored]),
        group=np.array([s.group for s in scored]),
        split=np.array([s.split for s in scored]),
        face_size=np.array([s.box.max_side if s.box else np.nan for s in scored], np.float64),
        fold=left[kept].astype(np.int64),
        views=VIEWS,
        logits={name: logits[kept] for name, logits in wanted.items()},
    ).save(options.out / "scores.npz")
    print(f"scored {len(indices)} images in {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
