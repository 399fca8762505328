// Results by source, generator and face size.
import { element } from "../dom.js";
import { sizeName } from "../faceSize.js";
import { text } from "../language.js";
import { gauge } from "./gauge.js";
import { kindName } from "./kinds.js";
import { choice, lacking, part, table } from "./parts.js";
import { count, figure, isNumber, ownWords, share } from "./words.js";

const PAIR = " / "; // "ffhq / stylegan140k": the reals of one source against the fakes of another
const AUC = {
  key: "auc",
  name: () => text("dashboard.auc"),
  note: () => text("dashboard.sources.aucScale"),
  format: figure,
  scale: { from: 0.5 },
};
const FAKES = [
  { key: "fakes_called_fake", name: () => text("dashboard.calledFake"), format: share },
  { key: "fakes_called_real", name: () => text("dashboard.calledReal"), format: share },
  { key: "fakes_uncertain", name: () => text("dashboard.leftOpen"), format: share },
  AUC,
];
const REALS = [
  { key: "reals_called_fake", name: () => text("dashboard.calledFake"), format: share },
  { key: "reals_uncertain", name: () => text("dashboard.leftOpen"), format: share },
  AUC,
];

/** The worst first, until the person sorts. */
export const FIRST_SORT = {
  fakes: { key: "fakes_called_fake", up: true },
  reals: { key: "reals_called_fake", up: false },
};

export function sourcesPart({ measured, terms }, state) {
  const heading = text("dashboard.sources.heading");
  const blocks = [
    ["source", text("dashboard.sources.source"), sourceRows(measured)],
    ["generator", text("dashboard.sources.generator"), named(measured.by_generator, "generator")],
    ["face_size", text("dashboard.sources.size"), named(measured.by_face_size, "face_size")],
  ].filter(([, , rows]) => rows.length);
  if (!blocks.length) return part("sources", heading, lacking(text("dashboard.sources.lacking")));
  if (!blocks.some(([by]) => by === state.by)) state.by = blocks[0][0];
  const body = element("div", { class: "blocks" });
  const lay = () => {
    const [, name, rows] = blocks.find(([by]) => by === state.by);
    const own = { name, terms: state.by === "source" ? terms : new Map(), sort: state.sort };
    const fakes = rows.filter((row) => row.fake > 0 && isNumber(row.fakes_called_fake));
    const reals = rows.filter((row) => row.real > 0 && isNumber(row.reals_called_fake) && !row.name.includes(PAIR) && !row.own);
    body.replaceChildren(
      ...(fakes.length ? [block("fakes", text("dashboard.sources.fakes"), FAKES, fakes, "fake", own)] : []),
      ...(reals.length ? [block("reals", text("dashboard.sources.reals"), REALS, reals, "real", own)] : []),
    );
  };
  lay();
  const choices = blocks.map(([by, name]) => [by, name]);
  const choose = (by) => {
    state.by = by;
    lay();
  };
  return part(
    "sources",
    heading,
    element("p", { class: "caption" }, text("dashboard.sources.caption")),
    choice("by", text("dashboard.sources.by"), choices, state.by, choose),
    body,
    element("p", { class: "small" }, text("dashboard.sources.none")),
  );
}

function sourceRows(measured) {
  const rows = named(measured.rows.slice(1), "source");
  const blended = measured.self_blended;
  // Fakes made of the test's own reals: they count in no other row.
  return blended ? [...rows, { ...blended, name: ownWords(blended.source ?? "self-blended"), own: true }] : rows;
}

function named(rows, key) {
  return rows.map((row) => ({ ...row, name: ownWords(row[key]) }));
}

function block(kind, heading, figures, rows, label, { name, terms, sort }) {
  const own = element("div", { class: "by" });
  const lay = () => {
    const { key, up } = sort[kind];
    const sorted = [...rows].sort((a, b) => compare(a, b, key, up, label));
    const columns = [
      head("name", name),
      head(label, text("dashboard.images")),
      ...figures.map((one) => head(one.key, one.name(), one.note?.())),
    ];
    const body = sorted.map((row) => [
      rowName(row, terms),
      count(row[label]),
      ...figures.map((one) => gauge(row[one.key], row.intervals?.[one.key], one.format, one.scale)),
    ]);
    own.replaceChildren(element("h3", {}, heading), table(heading, columns, body));
  };
  const head = (key, words, note) => {
    const chosen = sort[kind].key === key;
    const sorted = chosen ? (sort[kind].up ? "ascending" : "descending") : "none";
    const press = () => {
      sort[kind] = { key, up: chosen ? !sort[kind].up : key === "name" };
      lay();
      own.querySelector(`[data-key="${key}"]`).focus();
    };
    const button = element("button", { type: "button", class: "sort", "data-key": key, onclick: press }, words);
    return { name: button, note, "aria-sort": sorted };
  };
  lay();
  return own;
}

// A plain name first, then the card's own.
function rowName(row, terms) {
  const known = terms.has(row.name);
  const own = element("bdi", { lang: "en" }, row.name);
  const ours = row.own ? text("dashboard.sources.blended") : row.name.includes(PAIR) ? text("dashboard.sources.pair") : "";
  return element(
    "span",
    { class: "row-name" },
    known ? kindName(row.name, terms) : row.face_size ? sizeName(row.name) : own,
    known ? element("small", {}, own) : null,
    ours ? element("small", {}, ours) : null,
  );
}

// What has no figure comes last, whichever way it is sorted.
function compare(a, b, key, up, label) {
  if (key === "name") return (up ? 1 : -1) * a.name.localeCompare(b.name);
  const [one, other] = [a[key], b[key]];
  if (!isNumber(one) || !isNumber(other)) return Number(isNumber(other)) - Number(isNumber(one));
  return (up ? 1 : -1) * (one - other) || b[label] - a[label];
}
