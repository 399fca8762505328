// Error rates by kind of attack, as ISO/IEC 30107-3 reports them, and by attribute of the people. Worst first.
import { element } from "../dom.js";
import { hasText, text } from "../language.js";
import { gauge } from "./gauge.js";
import { choice, lacking, part, table } from "./parts.js";
import { count, isNumber, ownWords, share, withRange } from "./words.js";

/** Fakes that are missed, by kind of attack, at the operating point that is chosen. */
export function attacksPart({ measured }, state) {
  const heading = text("dashboard.attacks.heading");
  const { points } = measured.attacks;
  if (!points.length) return part("attacks", heading, lacking(text("dashboard.attacks.lacking")));
  if (!points.some(({ name }) => name === state.point)) state.point = points[0].name;
  const body = element("div");
  const lay = () => body.replaceChildren(...atPoint(points.find(({ name }) => name === state.point), heading));
  const choose = (point) => {
    state.point = point;
    lay();
  };
  lay();
  return part(
    "attacks",
    heading,
    element("p", { class: "caption" }, text("dashboard.attacks.caption")),
    choice("point", text("dashboard.attacks.choose"), points.map(({ name }) => [name, pointName(name)]), state.point, choose),
    body,
  );
}

function atPoint({ bpcer, apcer, kinds }, heading) {
  const known = kinds.filter(({ value }) => isNumber(value)).sort((a, b) => b.value - a.value || b.images - a.images);
  const columns = [text("dashboard.attacks.kind"), text("dashboard.images"), text("dashboard.attacks.missed")];
  const rows = known.map((row) => [kindOf(row.kind), count(row.images), gauge(row.value, row.interval, share)]);
  const worst = apcer && isNumber(apcer.value) ? { kind: kindOf(apcer.kind), rate: rateOf(apcer) } : null;
  return [
    element("p", { class: "caption" }, text("dashboard.attacks.bpcer", { rate: rateOf(bpcer) })),
    worst ? element("p", { class: "caption" }, text("dashboard.attacks.worst", worst)) : null,
    table(heading, columns, rows),
  ].filter(Boolean);
}

/** Error rates by age group, sex and other attributes, where a data set names them. */
export function attributesPart({ measured }) {
  const heading = text("dashboard.attributes.heading");
  const attributes = Object.entries(measured.by_attribute).filter(([, rows]) => rows.length);
  if (!attributes.length) return part("attributes", heading, lacking(text("dashboard.attributes.lacking")));
  return part(
    "attributes",
    heading,
    element("p", { class: "caption" }, text("dashboard.attributes.caption")),
    ...attributes.map(([name, rows]) => attributeTable(name, rows)),
  );
}

function attributeTable(name, rows) {
  const heading = named("attributes.names", name);
  const columns = [heading, text("dashboard.images"), text("dashboard.realsCalledFake"), text("dashboard.tiers.realsOpen"), text("dashboard.fakesCalledReal")];
  const cells = rows.map(({ value, fpr, reals_uncertain: open, fnr }) => {
    const rates = [fpr, open, fnr].map((rate) => gauge(rate?.value, rate?.interval, share));
    return [element("bdi", {}, ownWords(value)), count((fpr?.images ?? 0) + (fnr?.images ?? 0)), ...rates];
  });
  return element("div", { class: "by" }, element("h3", {}, heading), table(heading, columns, cells));
}

function pointName(name) {
  const [, bpcer] = name.match(/^BPCER (\d+)%$/) ?? [];
  if (bpcer) return text("dashboard.attacks.points.bpcer", { share: share(Number(bpcer) / 100, 1) });
  return named("attacks.points", name);
}

function kindOf(kind) {
  return named("attacks.kinds", ownWords(kind));
}

/** The page's words for "face swap" or "age_group", else the card's own. */
function named(section, own) {
  const path = `dashboard.${section}.${own.toLowerCase().replace(/[^a-z]+/g, "_")}`;
  return hasText(path) ? text(path) : own.replaceAll("_", " ");
}

function rateOf(rate) {
  return withRange(rate?.value, rate?.interval, share);
}
