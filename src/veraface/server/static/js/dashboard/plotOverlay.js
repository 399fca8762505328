// Draws on a plot what the library has no words for: markers of several shapes, labels at the lines, zones, hatching.
// Positions are given in the plot's own units; sizes in CSS pixels.
import { color } from "./colors.js";

const SIZE = 12; // px, of text

export function fontOf(size = SIZE) {
  const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  return `${size * scale}px ${getComputedStyle(document.body).fontFamily}`;
}

export class PlotOverlay {
  constructor(plot) {
    this.plot = plot;
    this.ctx = plot.ctx;
    this.pixels = devicePixelRatio;
  }

  x(value) {
    return this.plot.valToPos(value, "x", true);
  }

  y(value) {
    return this.plot.valToPos(value, "y", true);
  }

  /** A straight line between two points. */
  line([fromX, fromY], [toX, toY], { stroke = "text-faint", dash = [], width = 1 } = {}) {
    this.#own(() => {
      this.ctx.strokeStyle = color(stroke);
      this.ctx.lineWidth = width * this.pixels;
      this.ctx.setLineDash(dash.map((length) => length * this.pixels));
      this.ctx.beginPath();
      this.ctx.moveTo(this.x(fromX), this.y(fromY));
      this.ctx.lineTo(this.x(toX), this.y(toY));
      this.ctx.stroke();
    });
  }

  /** From top to bottom between two x. */
  zone(from, to, fill, alpha) {
    const { top, height } = this.plot.bbox;
    this.#own(() => {
      this.ctx.globalAlpha = alpha;
      this.ctx.fillStyle = fill;
      this.ctx.fillRect(this.x(from), top, this.x(to) - this.x(from), height);
    });
  }

  /** shape: "circle", "square", "diamond", "triangle"; `size` is half its width. */
  marker(shape, x, y, { size = 4, fill = "accent", alpha = 1 } = {}) {
    const half = size * this.pixels;
    this.#own(() => {
      this.ctx.translate(this.x(x), this.y(y));
      this.ctx.beginPath();
      if (shape === "circle") this.ctx.arc(0, 0, half, 0, 2 * Math.PI);
      else CORNERS[shape].forEach(([cx, cy]) => this.ctx.lineTo(cx * half, cy * half));
      this.ctx.closePath();
      this.ctx.globalAlpha = alpha;
      this.ctx.fillStyle = color(fill);
      this.ctx.fill();
      this.ctx.globalAlpha = 1;
      this.ctx.lineWidth = 1.5 * this.pixels;
      this.ctx.strokeStyle = color(alpha < 1 ? fill : "raised");
      this.ctx.stroke();
    });
  }

  /** Text beside a point: `dx`, `dy` from it; a rim in the colour of the ground keeps it readable over lines. */
  label(words, x, y, { dx = 0, dy = 0, align = "left", fill = "text", size = SIZE, weight = 500 } = {}) {
    this.#own(() => {
      const [at, height] = [this.x(x) + dx * this.pixels, this.y(y) + dy * this.pixels];
      this.ctx.font = `${weight} ${this.#scaled(fontOf(size))}`;
      this.ctx.textAlign = align;
      this.ctx.textBaseline = "middle";
      this.ctx.lineJoin = "round";
      this.ctx.lineWidth = 4 * this.pixels;
      this.ctx.strokeStyle = color("raised");
      this.ctx.strokeText(words, at, height);
      this.ctx.fillStyle = color(fill);
      this.ctx.fillText(words, at, height);
    });
  }

  /** How wide words are, in CSS pixels. */
  widthOf(words, size = SIZE) {
    this.ctx.save();
    this.ctx.font = `500 ${fontOf(size)}`;
    const { width } = this.ctx.measureText(words);
    this.ctx.restore();
    return width;
  }

  #scaled(font) {
    return font.replace(/^[\d.]+/, (size) => size * this.pixels);
  }

  #own(draw) {
    this.ctx.save();
    this.ctx.setLineDash([]); // the library leaves that of its last line
    draw();
    this.ctx.restore();
  }
}

const CORNERS = {
  square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
  diamond: [[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]],
  triangle: [[0, -1.2], [1.15, 0.85], [-1.15, 0.85]],
};

/** A fill that is distinguishable without color: "full", "hatched", "dotted", "lined" or "crossed". */
export function pattern(kind, name) {
  if (kind === "full") return color(name);
  const side = 7 * devicePixelRatio;
  const tile = new OffscreenCanvas(side, side);
  const ctx = tile.getContext("2d");
  ctx.fillStyle = color("raised"); // nothing of a bar behind it shows through
  ctx.fillRect(0, 0, side, side);
  ctx.fillStyle = ctx.strokeStyle = color(name);
  ctx.globalAlpha = 0.28;
  ctx.fillRect(0, 0, side, side);
  ctx.globalAlpha = 1;
  ctx.lineWidth = side / 4;
  ctx.beginPath();
  if (kind === "dotted") ctx.arc(side / 2, side / 2, side / 5, 0, 2 * Math.PI);
  if (kind === "dotted") ctx.fill();
  if (kind === "lined") ctx.fillRect(0, 0, side, side / 3);
  if (kind === "hatched" || kind === "crossed") strokes(ctx, side, kind === "crossed");
  return ctx.createPattern(tile, "repeat");
}

function strokes(ctx, side, both) {
  for (const shift of [-side, 0, side]) {
    ctx.moveTo(shift - 1, side + 1);
    ctx.lineTo(shift + side + 1, -1);
    if (both) ctx.moveTo(shift - 1, -1);
    if (both) ctx.lineTo(shift + side + 1, side + 1);
  }
  ctx.stroke();
}
