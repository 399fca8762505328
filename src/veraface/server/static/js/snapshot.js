// One result as a PNG file: the image with boxes and heatmap, the verdict, and the caveat.
import { answerOf, faceLabel } from "./answer.js";
import { nameOf } from "./format.js";
import { dateAndTime, text } from "./language.js";
import { lostMarks } from "./provenance.js";

const WIDTH = 1200; // px of the drawn sheet
const EDGE = 48;
const MAX_HEIGHT = 1100; // px of the analyzed image on it
const MAX_FACES = 40; // listed individually
const TAG = 20; // px of the letters on a face's box

/** A PNG Blob of an analyzed check, drawn in the page's own colors from what the viewer shows. */
export async function snapshot(check, viewer) {
  const { answer } = check;
  const style = getComputedStyle(document.body);
  const color = (name) => resolved(`var(--${name})`);
  const scale = Math.min((WIDTH - 2 * EDGE) / viewer.size.width, MAX_HEIGHT / viewer.size.height);
  const image = { width: scale * viewer.size.width, height: scale * viewer.size.height };
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = 4000;
  const context = canvas.getContext("2d");
  context.direction = document.documentElement.dir || "ltr";
  const start = context.direction === "rtl" ? WIDTH - EDGE : EDGE;
  context.textAlign = "start";
  context.fillStyle = color("page");
  context.fillRect(0, 0, canvas.width, canvas.height);
  let y = EDGE;

  const write = (words, { size = 20, weight = 400, fill = "text", gap = 0.45 } = {}) => {
    context.font = `${weight} ${size}px ${style.fontFamily}`;
    context.fillStyle = color(fill);
    for (const line of lines(context, words, WIDTH - 2 * EDGE)) {
      y += size;
      context.fillText(line, start, y);
      y += size * gap;
    }
  };

  const { verdict, name, range, span, zones, band, count, why, worth, open, next, steps, caveat } = answerOf(answer);
  write(name, { size: 44, weight: 650, fill: verdict, gap: 0.3 });
  if (span) {
    write(text("result.probabilityLabel", { percent: range }), { size: 26, weight: 600 });
    y = drawBar(context, span, zones, { y: y + 12, color, font: style.fontFamily }) + 10;
    write(band, { size: 18, fill: "text-soft" });
  }
  y += 10;
  if (count && count !== why) write(count, { size: 22, weight: 600 });
  write(why, { size: 22 });
  for (const line of [worth, open].filter(Boolean)) write(line, { fill: "text-soft" });
  write(`${next}: ${steps.join(" · ")}`);
  y += 16;
  drawResult(context, viewer, { left: (WIDTH - image.width) / 2, top: y, scale, ...image });
  y += image.height + 16;
  if (viewer.heatmapOn.checked) write(`${text("stage.heatmap")}: ${[...viewer.legend.children].map(({ textContent }) => textContent).filter(Boolean).join(" – ")}`, { size: 18, fill: "text-soft" });
  const labels = viewer.faces.length > 1 ? viewer.faces.slice(0, MAX_FACES).map((face, index) => faceLabel(face, index, answer.thresholds)) : [];
  for (const label of labels) write(label, { gap: 0.35 });
  y += 16;
  write(`\u2068${nameOf(check)}\u2069`, { size: 18 }); // its own direction is that of its letters
  write(`${dateAndTime(check.time)} · Veraface · ${answer.model.name} ${answer.model.version}`, { size: 18, fill: "text-soft" });
  if (check.hash) write(`SHA-256 ${check.hash}`, { size: 16, fill: "text-faint" });
  for (const line of lostMarks(answer.provenance)) write(line, { size: 18, fill: "text-soft" });
  write(caveat, { weight: 600 });
  write(text("caveat"), { size: 18, fill: "text-soft" });
  return cut(canvas, Math.ceil(y + EDGE / 2));
}

function drawResult(context, viewer, { left, top, width, height, scale }) {
  if (viewer.image.naturalWidth) context.drawImage(viewer.image, left, top, width, height);
  context.drawImage(viewer.canvas, left, top, width, height);
  for (const [index, face] of viewer.faces.entries()) {
    const [x, y, w, h] = face.box.map((value) => value * scale);
    const tint = getComputedStyle(viewer.boxes.children[index]).borderTopColor;
    context.setLineDash(face.verdict === "uncertain" ? [10, 6] : []);
    for (const [line, stroke] of [[7, "#000a"], [4, tint]]) {
      context.lineWidth = line;
      context.strokeStyle = stroke;
      context.strokeRect(left + x, top + y, w, h);
    }
    drawTag(context, viewer.boxes.children[index].textContent, tint, { x: left + x - 2, y: top + y, above: y > 2 * TAG });
  }
  context.setLineDash([]);
}

// The label of the box, as on the page: the verdict is not conveyed by color alone.
function drawTag(context, words, tint, { x, y, above }) {
  const { textAlign } = context;
  context.textAlign = "left";
  context.font = `650 ${TAG}px ${getComputedStyle(document.body).fontFamily}`;
  const high = TAG * 1.4;
  const top = above ? y - high - 4 : y + 4;
  context.fillStyle = tint;
  context.fillRect(x, top, context.measureText(words).width + TAG, high);
  context.fillStyle = "#0c0d10";
  context.fillText(words, x + TAG / 2, top + TAG * 1.05);
  context.textAlign = textAlign;
}

// From left to right in every language, as on the page.
function drawBar(context, [low, high], zones, { y, color, font }) {
  const wide = WIDTH - 2 * EDGE;
  const { direction, textAlign } = context;
  context.direction = "ltr";
  context.font = `400 16px ${font}`;
  for (const [index, { verdict, from, to, label }] of zones.entries()) {
    context.globalAlpha = verdict === "uncertain" ? 0.35 : 0.6;
    context.fillStyle = color(verdict);
    context.fillRect(EDGE + wide * from + 1, y, wide * (to - from) - 2, 16);
    context.globalAlpha = 1;
    context.fillStyle = color("text-soft");
    context.textAlign = ["left", "center", "right"][index];
    context.fillText(label, EDGE + wide * [from, (from + to) / 2, to][index], y + 44);
  }
  context.lineWidth = 4;
  context.strokeStyle = color("text");
  context.strokeRect(EDGE + wide * low - 2, y - 7, wide * (high - low) + 4, 30);
  Object.assign(context, { direction, textAlign });
  return y + 48;
}

function lines(context, words, width) {
  const found = [""];
  // Chinese has no spaces: it may be broken after any character.
  for (const part of words.split(/(?<=\s)|(?<=[\u3000-\u9fff\uff00-\uffef])/)) {
    const fits = (more) => context.measureText(found.at(-1) + more).width <= width;
    if (!fits(part) && found.at(-1)) found.push("");
    // A word longer than a line, as file names may be, is broken where the line ends.
    for (const piece of fits(part) ? [part] : part) {
      if (!fits(piece)) found.push("");
      found[found.length - 1] += piece;
    }
  }
  return found;
}

/** A color for a canvas, which knows no light-dark() and no variables: the browser resolves it on an element. */
export function resolved(value) {
  const probe = document.createElement("span");
  probe.style.color = value;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function cut(canvas, height) {
  const sheet = document.createElement("canvas");
  sheet.width = canvas.width;
  sheet.height = height;
  sheet.getContext("2d").drawImage(canvas, 0, 0);
  return new Promise((done) => sheet.toBlob(done, "image/png"));
}
