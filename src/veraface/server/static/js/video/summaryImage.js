// What the PNG of a video shows: its key frames and a lane for each face.
import { resolved } from "../snapshot.js";
import { keyFrames } from "./keyFrames.js";
import { frameLabel, frameVerdict, stretchesOf } from "./times.js";

const WIDTH = 1104; // px
const COLUMNS = 3;
const GAP = 14; // px
const LABEL = 34; // px below a frame
const LANE = 34; // px of a lane and the room below it
const NAME = 40; // px left of a lane
const MAX_LANES = 12;
// Readable without color, as on the page: full is fake, half uncertain, a thin line real.
const HEIGHTS = { fake: 22, uncertain: 14, real: 6, unclassified: 2 }; // px

/** An image for snapshot(): a canvas in the form of a viewer without boxes and heatmap. */
export async function videoImage(answer) {
  const frames = await Promise.all(keyFrames(answer).map((index) => load(answer.timeline[index])));
  const wide = (WIDTH - GAP * (COLUMNS - 1)) / COLUMNS;
  const high = Math.min((wide * answer.height) / answer.width, wide);
  const rows = Math.ceil(frames.length / COLUMNS);
  const tracks = answer.tracks.slice(0, MAX_LANES);
  const lanes = rows * (high + LABEL + GAP);
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: Math.ceil(lanes + tracks.length * LANE) });
  const context = canvas.getContext("2d");
  const { fontFamily } = getComputedStyle(document.body);
  const color = (name) => resolved(`var(--${name})`);
  context.font = `500 19px ${fontFamily}`;
  frames.forEach(({ image, point }, at) => {
    const [x, y] = [(at % COLUMNS) * (wide + GAP), Math.floor(at / COLUMNS) * (high + LABEL + GAP)];
    const scale = Math.min(wide / image.naturalWidth, high / image.naturalHeight);
    const [w, h] = [image.naturalWidth * scale, image.naturalHeight * scale];
    context.drawImage(image, x + (wide - w) / 2, y + (high - h) / 2, w, h);
    context.fillStyle = color(frameVerdict(point.p_fake, answer.thresholds) ?? "unclassified");
    context.fillRect(x, y + high, wide, 4);
    context.fillStyle = color("text");
    context.fillText(frameLabel(point, answer.thresholds), x, y + high + 27, wide);
  });
  const whole = Math.max(answer.duration, answer.timeline.at(-1).time, 1e-6);
  const place = (time) => NAME + ((WIDTH - NAME) * Math.min(time, whole)) / whole;
  tracks.forEach((track, index) => {
    const middle = lanes + index * LANE + LANE / 2;
    context.fillStyle = color("text");
    context.fillText(String(index + 1), 0, middle + 7);
    context.fillStyle = color("sunken");
    context.fillRect(NAME, middle - 11, WIDTH - NAME, 22);
    for (const { from, to, verdict } of stretchesOf(track, answer)) {
      context.fillStyle = color(verdict);
      context.fillRect(place(from), middle - HEIGHTS[verdict] / 2, place(to) - place(from), HEIGHTS[verdict]);
    }
  });
  const nothing = document.createElement("canvas");
  Object.assign(canvas, { naturalWidth: canvas.width, naturalHeight: canvas.height });
  return { image: canvas, canvas: nothing, faces: [], size: { width: canvas.width, height: canvas.height }, heatmapOn: { checked: false } };
}

async function load(point) {
  const image = new Image();
  image.src = point.thumbnail;
  await image.decode();
  return { image, point };
}
