// How p_fake is spread over reals and over fakes, and how much of either falls where nothing is decided.
import { element } from "../dom.js";
import { text } from "../language.js";
import { color, faint } from "./colors.js";
import { lacking, part, plotFigure, table } from "./parts.js";
import { bars, ticksTo } from "./plots.js";
import { count, isNumber, share } from "./words.js";

const ALL = "";
const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];

export function scoresPart(plots, { diagrams, thresholds }, state) {
  const heading = text("dashboard.scores.heading");
  const histograms = diagrams.histograms.filter((own) => own.real.length && own.real.length === own.fake.length);
  if (!histograms.length) return part("scores", heading, lacking(text("dashboard.scores.lacking")));
  let shown = figureOf(plots, histograms, thresholds, state.source);
  const choose = (event) => {
    state.source = event.target.value;
    plots.drop(shown);
    const next = figureOf(plots, histograms, thresholds, state.source);
    shown.replaceWith(next);
    shown = next;
  };
  const names = histograms.map((own) => own.source).filter(Boolean);
  const menu = element("select", { onchange: choose }, [
    element("option", { value: ALL }, text("dashboard.scores.all")),
    names.map((name) => element("option", { value: name, selected: name === state.source, lang: "en" }, name)),
  ].flat());
  return part("scores", heading, element("label", { class: "picker" }, element("span", {}, text("dashboard.scores.source")), menu), shown);
}

function figureOf(plots, histograms, thresholds, source) {
  const own = source ? histograms.filter((one) => one.source === source) : histograms;
  const reals = sums(own.map((one) => one.real));
  const fakes = sums(own.map((one) => one.fake));
  const step = 1 / reals.length;
  const middles = reals.map((_, i) => (i + 0.5) * step);
  const place = (i) => text("dashboard.bin", { from: share(i * step, 1), to: share((i + 1) * step, 1) });
  const most = ticksTo(Math.max(...reals, ...fakes));
  const top = most.at(-1);
  const band = isNumber(thresholds?.real) && isNumber(thresholds?.fake) ? [thresholds.real, thresholds.fake] : null;
  const plot = plots.add({
    name: text("dashboard.scores.heading"),
    x: { title: text("dashboard.scores.x"), range: [0, 1], ticks: TICKS, format: (value) => share(value, 1), grid: false },
    y: {
      title: text("dashboard.scores.y"),
      range: [-top * 1.02, top * 1.02],
      ticks: [...most.slice(1).map((tick) => -tick), ...most],
      format: (value) => count(Math.abs(value)),
    },
    data: [middles, reals.map((value) => value || null), fakes.map((value) => -value || null)],
    series: [
      { stroke: "real", width: 1, fill: () => faint("real", 0.55), paths: bars() },
      { stroke: "fake", width: 1, fill: () => faint("fake", 0.55), paths: bars() },
    ],
    stops: middles.map((x, i) => ({
      x,
      ys: [reals[i] || null, fakes[i] ? -fakes[i] : null],
      words: text("dashboard.scores.reading", { bin: place(i), reals: count(reals[i]), fakes: count(fakes[i]) }),
    })),
    before: (paint) => band && paint.zone(...band, color("uncertain"), 0.1),
    after: (paint) => {
      if (band) drawBand(paint, band, top);
      paint.label(text("dashboard.scores.reals"), 0.5, top * 0.5, { align: "center", fill: "real", weight: 600 });
      paint.label(text("dashboard.scores.fakes"), 0.5, -top * 0.5, { align: "center", fill: "fake", weight: 600 });
    },
  });
  const caption = band
    ? text("dashboard.scores.caption", { real: share(band[0]), fake: share(band[1]) })
    : text("dashboard.scores.captionBare");
  const columns = [text("dashboard.scores.x"), text("dashboard.scores.reals"), text("dashboard.scores.fakes")];
  const rows = middles.map((_, i) => [place(i), count(reals[i]), count(fakes[i])]);
  return plotFigure(plot, caption, table(text("dashboard.scores.heading"), columns, rows));
}

function drawBand(paint, [from, to], top) {
  for (const x of [from, to]) paint.line([x, -top], [x, top], { stroke: "uncertain", dash: [3, 3] });
  paint.label(text("dashboard.scores.band"), (from + to) / 2, top * 0.92, { align: "center", fill: "uncertain" });
}

function sums(lists) {
  return lists[0].map((_, i) => lists.reduce((sum, list) => sum + list[i], 0));
}
