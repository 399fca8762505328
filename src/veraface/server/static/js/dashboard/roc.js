// The receiver operating characteristic: what every threshold would find, at what price.
import { element } from "../dom.js";
import { text } from "../language.js";
import { lacking, part, plotFigure, table } from "./parts.js";
import { figure, isNumber, share, withRange } from "./words.js";

const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];

export function rocPart(plots, { whole, diagrams, thresholds }) {
  const heading = text("dashboard.roc.heading");
  const { false_alarms: alarms, recall } = diagrams.roc;
  if (!alarms.length || alarms.length !== recall.length) return part("roc", heading, lacking(text("dashboard.roc.lacking")));
  const points = shippedPoints(whole, thresholds);
  const read = (x, y) => text("dashboard.roc.reading", { alarms: share(x), found: share(y) });
  const stops = [
    ...alarms.map((x, i) => ({ x, ys: [recall[i]], words: read(x, recall[i]) })),
    ...points.map(({ x, y, words }) => ({ x, ys: [y], words: `${words}: ${read(x, y)}` })),
  ].sort((a, b) => a.x - b.x || a.ys[0] - b.ys[0]);
  const plot = plots.add({
    name: text("dashboard.roc.heading"),
    height: "square",
    nearest: "both",
    x: { title: text("dashboard.roc.x"), range: [0, 1], ticks: TICKS, format: (value) => share(value, 1) },
    y: { title: text("dashboard.roc.y"), range: [0, 1], ticks: TICKS, format: (value) => share(value, 1) },
    data: [alarms, recall],
    series: [{ stroke: "accent", width: 2.5 }],
    stops,
    before: (paint) => paint.line([0, 0], [1, 1], { dash: [5, 5] }),
    after: (paint) => {
      paint.label(text("dashboard.roc.guessing"), 0.62, 0.55, { fill: "text-soft", dx: 6, dy: 8 });
      for (const { x, y, shape, words } of points) {
        paint.marker(shape, x, y, { size: 6, fill: "text" });
        paint.label(words, x, y, { dx: 13, dy: 12 });
      }
    },
  });
  const auc = withRange(whole?.auc, whole?.intervals?.auc, figure);
  const caption = text("dashboard.roc.caption", { auc });
  const rows = [
    ...points.map(({ x, y, words }) => [words, share(x), share(y)]),
    ...alarms.map((x, i) => [text("dashboard.roc.point", { number: i + 1 }), share(x), share(recall[i])]),
  ];
  const columns = [text("dashboard.roc.threshold"), text("dashboard.roc.x"), text("dashboard.roc.y")];
  return part("roc", heading, plotFigure(plot, caption, table(heading, columns, rows)), shippedWords(points));
}

// Where the shipped thresholds lie: above one a face is called fake, below the other it is called real.
function shippedPoints(whole, thresholds) {
  if (!whole) return [];
  const points = [
    {
      x: whole.reals_called_fake,
      y: whole.fakes_called_fake,
      shape: "diamond",
      words: text("dashboard.roc.fakeFrom", { threshold: share(thresholds?.fake) }),
    },
    {
      x: whole.reals_uncertain + whole.reals_called_fake,
      y: 1 - whole.fakes_called_real,
      shape: "square",
      words: text("dashboard.roc.realTo", { threshold: share(thresholds?.real) }),
    },
  ];
  return points.filter(({ x, y }) => isNumber(x) && isNumber(y));
}

function shippedWords(points) {
  return points.length ? element("p", { class: "small" }, text("dashboard.roc.shipped")) : null;
}
