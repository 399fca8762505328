// The reliability diagram: of faces with a probability of 80%, are eight in ten fake?
import { text } from "../language.js";
import { lacking, part, plotFigure, table } from "./parts.js";
import { count, figure, isNumber, share, withRange } from "./words.js";

const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];
const MIN_SIZE = 3; // px, half the width of the smallest dot
const GROWTH = 9; // px more for the fullest bin

export function reliabilityPart(plots, { whole, diagrams }) {
  const heading = text("dashboard.reliability.heading");
  const bins = diagrams.reliability.filter((bin) => isNumber(bin.p_fake) && isNumber(bin.share_fake));
  if (!bins.length) return part("reliability", heading, lacking(text("dashboard.reliability.lacking")));
  const most = Math.max(...bins.map((bin) => bin.pictures));
  const place = (bin) => text("dashboard.bin", { from: share(bin.from, 1), to: share(bin.to, 1) });
  const plot = plots.add({
    name: heading,
    height: "square",
    x: { title: text("dashboard.reliability.x"), range: [0, 1], ticks: TICKS, format: (value) => share(value, 1) },
    y: { title: text("dashboard.reliability.y"), range: [0, 1], ticks: TICKS, format: (value) => share(value, 1) },
    data: [bins.map((bin) => bin.p_fake), bins.map((bin) => bin.share_fake)],
    series: [{ stroke: "accent", width: 1, dash: [2, 3] }],
    stops: bins.map((bin) => ({
      x: bin.p_fake,
      ys: [bin.share_fake],
      words: text("dashboard.reliability.reading", {
        bin: place(bin),
        images: count(bin.pictures),
        mean: share(bin.p_fake),
        fake: share(bin.share_fake),
      }),
    })),
    before: (paint) => paint.line([0, 0], [1, 1], { dash: [5, 5] }),
    after: (paint) => {
      paint.label(text("dashboard.reliability.tooHigh"), 0.98, 0.06, { fill: "text-soft", align: "right" });
      paint.label(text("dashboard.reliability.tooLow"), 0.03, 0.95, { fill: "text-soft" });
      for (const bin of bins) {
        const size = MIN_SIZE + GROWTH * Math.sqrt(bin.pictures / most);
        paint.marker("circle", bin.p_fake, bin.share_fake, { size, alpha: 0.75 });
        if (paint.plot.width < 380) continue; // no room for the counts; the table has them
        const below = bin.p_fake > 0.1;
        paint.label(count(bin.pictures), bin.p_fake, bin.share_fake, {
          dx: below ? size * 0.6 + 2 : -4,
          dy: below ? size + 8 : -size - 9,
          fill: "text-soft",
          size: 11,
        });
      }
    },
  });
  const error = withRange(whole?.calibration_error, whole?.intervals?.calibration_error, figure);
  const rows = bins.map((bin) => [place(bin), count(bin.pictures), share(bin.p_fake), share(bin.share_fake)]);
  const columns = [
    text("dashboard.scores.x"),
    text("dashboard.images"),
    text("dashboard.reliability.mean"),
    text("dashboard.reliability.y"),
  ];
  const caption = text("dashboard.reliability.caption", { error });
  return part("reliability", heading, plotFigure(plot, caption, table(heading, columns, rows)));
}
