// Metrics under one degradation at a time, by strength.
import { element } from "../dom.js";
import { number, text } from "../language.js";
import { faint } from "./colors.js";
import { choice, lacking, part, plotFigure, table } from "./parts.js";
import { NONE, figure, isNumber, isRange, nameIn, share, withRange } from "./words.js";

const KINDS = {
  JPEG: () => "JPEG",
  WebP: () => "WebP",
  blur: () => text("dashboard.curves.blur"),
  noise: () => text("dashboard.curves.noise"),
  downscale: () => text("dashboard.curves.downscale"),
  brightness: () => text("dashboard.curves.brightness"),
  contrast: () => text("dashboard.curves.contrast"),
};
const SCALES = {
  quality: () => text("dashboard.curves.quality"),
  factor: () => text("dashboard.curves.factor"),
  "standard deviation, px": () => text("dashboard.curves.deviationPixels"),
  "standard deviation, share of full scale": () => text("dashboard.curves.deviationShare"),
};
const LINES = [
  { key: "fakes_called_fake", words: () => text("dashboard.curves.fakesFound"), stroke: "fake", shape: "circle", dash: [] },
  { key: "share_uncertain", words: () => text("dashboard.leftOpen"), stroke: "uncertain", shape: "diamond", dash: [7, 4] },
  { key: "reals_called_fake", words: () => text("dashboard.curves.alarms"), stroke: "real", shape: "triangle", dash: [2, 3] },
];
const SHARES = [0, 0.25, 0.5, 0.75, 1];

export function curvesPart(plots, { measured }, state) {
  const heading = text("dashboard.curves.heading");
  const { clean, degradations } = measured.curves;
  const kinds = degradations.filter((kind) => kind.steps.length);
  if (!kinds.length) return part("curves", heading, lacking(text("dashboard.curves.lacking")));
  if (!kinds.some((kind) => kind.degradation === state.degradation)) state.degradation = kinds[0].degradation;
  const body = element("div", { class: "pair" });
  const lay = () => {
    plots.drop(body);
    body.replaceChildren(...curves(plots, kinds.find((kind) => kind.degradation === state.degradation), clean));
  };
  lay();
  const choices = kinds.map(({ degradation }) => [degradation, nameOf(degradation)]);
  const choose = (kind) => {
    state.degradation = kind;
    lay();
  };
  const images = { real: number(measured.curves.real ?? 0), fake: number(measured.curves.fake ?? 0) };
  return part(
    "curves",
    heading,
    element("p", { class: "caption" }, text("dashboard.curves.caption", images)),
    choice("degradation", text("dashboard.curves.choose"), choices, state.degradation, choose),
    body,
  );
}

function curves(plots, kind, clean) {
  const steps = inOrder(kind, clean);
  const name = nameOf(kind.degradation);
  const places = steps.map((_, i) => i);
  const strength = (i) => (steps[i] ? strengthOf(steps[i]) : "");
  const title = text("dashboard.curves.x", { name, scale: nameIn(SCALES, kind.scale) });
  const x = { title, range: [-0.35, steps.length - 0.65], ticks: places, format: strength, grid: false };
  const columns = [title, text("dashboard.auc"), ...LINES.map((line) => line.words())];
  const auc = (step) => withRange(step.auc, step.intervals?.auc, figure);
  const rows = steps.map((step) => [strengthOf(step), auc(step), ...LINES.map((line) => share(step[line.key]))]);
  const asTable = () => table(name, columns, rows);
  return [
    plotFigure(aucPlot(plots, name, steps, x, auc), text("dashboard.curves.aucCaption", { name }), asTable()),
    plotFigure(sharesPlot(plots, name, steps, x), text("dashboard.curves.sharesCaption", { name }), asTable()),
  ];
}

function aucPlot(plots, name, steps, x, format) {
  const ends = (i) => steps.map((step) => (isRange(step.intervals?.auc) ? step.intervals.auc[i] : null));
  const lowest = Math.min(...steps.map((step) => step.auc ?? 1), ...ends(0).filter(isNumber));
  const from = lowest < 0.5 ? 0 : 0.5;
  return plots.add({
    name: text("dashboard.curves.aucName", { name }),
    x,
    y: {
      title: text("dashboard.auc"),
      range: [from, 1],
      ticks: from ? [0.5, 0.6, 0.7, 0.8, 0.9, 1] : SHARES,
      format: (value) => number(value, { minimumFractionDigits: 1 }),
    },
    data: [x.ticks, steps.map((step) => step.auc), ends(0), ends(1)],
    series: [{ stroke: "accent" }, { width: 0 }, { width: 0 }],
    bands: [{ series: [3, 2], fill: () => faint("accent", 0.18) }],
    stops: steps.map((step, i) => ({
      x: i,
      ys: [step.auc],
      words: text("dashboard.curves.aucReading", { strength: strengthOf(step), auc: format(step) }),
    })),
    after: (paint) => {
      steps.forEach((step, i) => isNumber(step.auc) && paint.marker("circle", i, step.auc));
      const low = ends(0).at(-1);
      if (isNumber(low)) {
        const options = { align: "right", dy: 14, dx: 8, fill: "text-soft", size: 11 };
        paint.label(text("dashboard.curves.interval"), steps.length - 1, low, options);
      }
    },
  });
}

function sharesPlot(plots, name, steps, x) {
  const values = (key) => steps.map((step) => step[key] ?? null);
  const read = (step) => LINES.map((line) => `${line.words()} ${share(step[line.key])}`).join(" · ");
  return plots.add({
    name: text("dashboard.curves.sharesName", { name }),
    x,
    y: { title: text("dashboard.curves.y"), range: [0, 1], ticks: SHARES, format: (value) => share(value, 1) },
    data: [x.ticks, ...LINES.map((line) => values(line.key))],
    series: LINES.map(({ stroke, dash }) => ({ stroke, dash })),
    stops: steps.map((step, i) => ({ x: i, ys: LINES.map((line) => step[line.key]), words: `${strengthOf(step)}: ${read(step)}` })),
    after: (paint) => {
      for (const line of LINES) {
        const own = values(line.key);
        own.forEach((value, i) => isNumber(value) && paint.marker(line.shape, i, value, { fill: line.stroke }));
        if (isNumber(own[0])) paint.label(line.words(), 0, own[0], { dx: -4, dy: -14, fill: line.stroke });
      }
    },
  });
}

// From unchanged to strongest; a factor that goes both ways has the unchanged image in the middle.
function inOrder({ scale, steps }, clean) {
  const untouched = clean ? [{ ...clean, strength: null }] : [];
  const strengths = steps.map((step) => step.strength);
  if (scale !== "factor" || Math.max(...strengths) < 1) return [...untouched, ...steps];
  return [...untouched, ...steps].sort((a, b) => (a.strength ?? 1) - (b.strength ?? 1));
}

function strengthOf(step) {
  if (step.strength === null) return text("dashboard.curves.untouched");
  return isNumber(step.strength) ? number(step.strength) : NONE;
}

function nameOf(degradation) {
  return nameIn(KINDS, degradation);
}
