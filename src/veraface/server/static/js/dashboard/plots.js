// Plots: uPlot draws the axes and lines; here are the theme, the size and the way a plot is read.
import uPlot from "../../vendor/uplot/uPlot.js";
import { element } from "../dom.js";
import { color, onColors } from "./colors.js";
import { fontOf, PlotOverlay } from "./plotOverlay.js";
import { PlotReadout } from "./reading.js";

const STYLES = "/static/vendor/uplot/uPlot.css";
const ON_PAPER = 620; // px, the widest that fits a sheet
const GAP = 6; // px, between an axis and its numbers

let styles = null;

/** The plots of a view: made, kept at the right size and in the right colours, and thrown away together. */
export class Plots {
  constructor() {
    this.alive = new Map();
    this.sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => this.#fit(target)));
    this.stop = onColors(() => {
      for (const box of this.alive.keys()) this.#fit(box, true);
    });
    styles ??= loadStyles();
  }

  /**
   * A plot as a node.
   *
   * name: accessible name. data, series, bands: as uPlot has them, without the first, empty series.
   * x, y: { title, range: [from, to], ticks: [numbers], say(number) }. before, after: called with a Paint, before and
   * after the lines are drawn. stops: what can be read, in order: { x, ys: [y, ...], words }. nearest: "x", or "both"
   * where many stops share an x. height: CSS class. padding: as uPlot has it.
   */
  add(options) {
    const box = element("div", { class: `plot ${options.height ?? ""}`, dir: "ltr" });
    const reading = new PlotReadout(box, options);
    this.alive.set(box, { options, reading, plot: null });
    this.sizes.observe(box);
    return element(
      "div",
      { class: "plot-frame" },
      element("p", { class: "plot-title", "aria-hidden": "true" }, options.y.title),
      box,
      element("p", { class: "plot-title below", "aria-hidden": "true" }, options.x.title),
      reading.line,
    );
  }

  clear() {
    for (const [box, { plot }] of this.alive) {
      this.sizes.unobserve(box);
      plot?.destroy();
    }
    this.alive.clear();
  }

  /** Throws away one plot, found within a node, before the node itself goes. */
  drop(node) {
    for (const box of node.querySelectorAll(".plot")) {
      this.sizes.unobserve(box);
      this.alive.get(box)?.plot?.destroy();
      this.alive.delete(box);
    }
  }

  close() {
    this.clear();
    this.sizes.disconnect();
    this.stop();
  }

  async #fit(box, recolor = false) {
    await styles;
    const own = this.alive.get(box);
    if (!own || !box.clientWidth) return;
    const paper = document.body.classList.contains("on-paper");
    const width = paper ? Math.min(box.clientWidth, ON_PAPER) : box.clientWidth;
    const height = box.clientHeight;
    if (!own.plot) {
      own.plot = create(box, own.options, width, height);
      own.reading.attach(own.plot);
    } else if (own.plot.width !== width || own.plot.height !== height) {
      own.plot.setSize({ width, height });
    } else if (recolor) {
      own.plot.redraw();
    }
    own.reading.place();
  }
}

function create(box, { x, y, data, series, bands = [], before, after, padding = [10, 22, 0, 0] }, width, height) {
  const paint = (draw) => (draw ? [(plot) => draw(new PlotOverlay(plot))] : []);
  return new uPlot(
    {
      width,
      height,
      padding,
      pxAlign: 1,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, range: x.range }, y: { range: y.range } },
      axes: [axis(x, { side: 2, size: 26 }), axis(y, { side: 3, size: widthOf })],
      series: [{}, ...series.map(line)],
      bands,
      hooks: { drawClear: paint(before), draw: paint(after) },
    },
    data,
    box,
  );
}

function axis({ ticks, format, grid = true }, placed) {
  return {
    ...placed,
    font: fontOf(),
    stroke: () => color("text-soft"),
    gap: GAP,
    splits: typeof ticks === "function" ? ticks : () => ticks,
    values: (plot, splits) => splits.map((split) => format(split, plot)),
    grid: { show: grid, stroke: () => color("line"), width: 1 },
    ticks: { show: false },
  };
}

// As wide as the longest number, so that long ones are not cut off and short ones leave no gap.
function widthOf(plot, values) {
  if (!values) return 40;
  const paint = new PlotOverlay(plot);
  return Math.ceil(Math.max(...values.map((value) => paint.widthOf(value ?? "")))) + GAP + 4;
}

function line({ stroke, fill, ...rest }) {
  return {
    width: 2,
    points: { show: false },
    ...rest,
    stroke: stroke && (() => color(stroke)),
    fill: typeof fill === "string" ? () => color(fill) : fill,
  };
}

/** Bars without gaps between neighbours but a hair. */
export function bars(width = 0.9) {
  return uPlot.paths.bars({ size: [width, 80], gap: 1 });
}

/** 0 and some three round numbers up to `most` or just above. */
export function ticksTo(most) {
  const rough = Math.max(1, most) / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, power * [1, 2, 5, 10].find((round) => round * power >= rough));
  return Array.from({ length: Math.ceil(Math.max(1, most) / step) + 1 }, (_, i) => i * step);
}

function loadStyles() {
  return new Promise((resolve) => {
    document.head.append(element("link", { rel: "stylesheet", href: STYLES, onload: resolve, onerror: resolve }));
  });
}
