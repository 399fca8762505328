// Statistics of the results in this browser, by verdict and day.
import { element, serverPath } from "../dom.js";
import * as history from "../history.js";
import { number, text } from "../language.js";
import { plotFigure, table } from "./parts.js";
import { pattern } from "./plotOverlay.js";
import { bars, ticksTo } from "./plots.js";
import { count, share } from "./words.js";

const DAY = 24 * 60 * 60 * 1000;
const MAX_DAYS = 30; // days
const MIN_DAYS = 7; // days, so that a few bars are not a wall
// From the bottom of a bar to its top; each has its own fill pattern.
const VERDICTS = [
  ["fake", "full", "fake", () => text("verdicts.fake.name")],
  ["uncertain", "hatched", "uncertain", () => text("verdicts.uncertain.name")],
  ["real", "dotted", "real", () => text("verdicts.real.name")],
  ["no_face", "lined", "unclassified", () => text("faults.no_face.name")],
  ["failed", "crossed", "unclassified", () => text("dashboard.own.failed")],
];

/** Fill a node with the counts; to be called again after each change. */
export async function fill(body, plots) {
  const entries = await history.list();
  if (!body.isConnected) return;
  plots.drop(body);
  body.replaceChildren(...contents(entries, plots));
}

function contents(entries, plots) {
  if (!entries.length) return [nothing()];
  return [
    history.isOn() ? null : remark(text("dashboard.own.offNow"), "/history", text("dashboard.own.toHistory")),
    element("div", { class: "pair" }, byVerdict(entries), byDay(entries, plots)),
    element("p", { class: "small" }, text("dashboard.own.here")),
  ].filter(Boolean);
}

function nothing() {
  if (!history.isAvailable()) return remark(text("dashboard.own.unavailable"), "/", text("dashboard.own.toAnalyse"));
  if (!history.isOn()) return remark(text("dashboard.own.off"), "/history", text("dashboard.own.toHistory"));
  return remark(text("dashboard.own.nothing"), "/", text("dashboard.own.toAnalyse"));
}

function remark(words, href, link) {
  return element("p", { class: "remark" }, `${words} `, element("a", { href: serverPath(href) }, link));
}

function byVerdict(entries) {
  const rows = VERDICTS.map(([verdict, kind, , name]) => {
    const own = entries.filter((entry) => entry.verdict === verdict).length;
    const bar = element("span", { class: "fill", "data-kind": kind, "data-verdict": verdict });
    bar.style.width = `${(100 * own) / entries.length}%`;
    const swatch = element("span", { class: "swatch", "data-kind": kind, "data-verdict": verdict, "aria-hidden": "true" });
    const track = element("span", { class: "track", "aria-hidden": "true" }, bar);
    return [
      element("span", { class: "key" }, swatch, name()),
      element("span", { class: "tally" }, element("span", { class: "number" }, count(own)), track),
      share(own / entries.length),
    ];
  });
  const columns = [text("dashboard.own.verdict"), text("dashboard.images"), text("dashboard.own.share")];
  const heading = text("dashboard.own.byVerdict");
  return element("div", { class: "by" }, element("h3", {}, heading), table(heading, columns, rows));
}

function byDay(entries, plots) {
  const days = daysOf(entries);
  const places = days.map((_, i) => i);
  const stacked = VERDICTS.map((_, i) => days.map(({ counts }) => (counts[i] ? sum(counts.slice(0, i + 1)) : null)));
  const totals = days.map(({ counts }) => sum(counts));
  const ticks = ticksTo(Math.max(...totals));
  const heading = text("dashboard.own.byDay");
  const plot = plots.add({
    name: heading,
    x: {
      title: text("dashboard.own.day"),
      range: [-0.6, days.length - 0.4],
      ticks: (drawn) => {
        const step = Math.ceil(days.length / (drawn.width < 460 ? 4 : 7));
        return places.filter((i) => (days.length - 1 - i) % step === 0); // today always has its date
      },
      format: (i) => (days[i] ? dateOf(days[i].date) : ""),
      grid: false,
    },
    y: { title: text("dashboard.images"), range: [0, ticks.at(-1) * 1.04], ticks, format: (value) => count(value) },
    data: [places, ...[...stacked].reverse()],
    series: [...VERDICTS].reverse().map(barOf),
    stops: days.map(({ date, counts }, i) => ({ x: i, ys: [totals[i] || null], words: read(date, counts, totals[i]) })),
  });
  const columns = [text("dashboard.own.day"), ...VERDICTS.map(([, , , name]) => name())];
  const rows = [...days].reverse().map(({ date, counts }) => [dateOf(date), ...counts.map((own) => count(own))]);
  const caption = text("dashboard.own.caption", { count: days.length, days: number(days.length) });
  return element("div", { class: "by" }, element("h3", {}, heading), plotFigure(plot, caption, table(heading, columns, rows)));
}

function barOf([, kind, tint]) {
  return { stroke: tint, width: 1, fill: () => pattern(kind, tint), paths: bars(0.7) };
}

function read(date, counts, total) {
  const parts = VERDICTS.map(([, , , name], i) => (counts[i] ? `${name()} ${count(counts[i])}` : null)).filter(Boolean);
  return `${dateOf(date)}: ${[text("dashboard.own.images", { count: total, number: count(total) }), ...parts].join(" · ")}`;
}

// One for each day from the first result, at most 30 back, to today.
function daysOf(entries) {
  const today = startOf(Date.now());
  const back = (time) => Math.round((today - startOf(time)) / DAY); // summer time makes days of 23 and 25 hours
  const oldest = Math.max(...entries.map((entry) => back(entry.time)));
  const length = Math.min(MAX_DAYS, Math.max(MIN_DAYS, oldest + 1));
  const days = Array.from({ length }, (_, i) => {
    const date = new Date(today);
    date.setDate(date.getDate() - (length - 1 - i));
    return { date, counts: VERDICTS.map(() => 0) };
  });
  for (const { time, verdict } of entries) {
    const day = days[length - 1 - Math.max(0, back(time))];
    const kind = VERDICTS.findIndex(([name]) => name === verdict);
    if (day && kind >= 0) day.counts[kind] += 1;
  }
  return days;
}

function startOf(time) {
  return new Date(time).setHours(0, 0, 0, 0);
}

function dateOf(date) {
  const { lang } = document.documentElement;
  return new Intl.DateTimeFormat(lang, { day: "numeric", month: "short", numberingSystem: "latn" }).format(date);
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
