// The provenance panel, shown beside the verdict. Its strings come from the file and are untrusted.
import { element } from "./dom.js";
import { hasText, isRightToLeft, isolated, number, text } from "./language.js";
import { isProvenance } from "./validate.js";

const MAX_UNFOLDED = 120; // characters of a value, from which it is folded
const ENCODERS = ["ijg", "photoshop", "mozjpeg", "custom"];

/** The whole section; reports when nothing was read. */
export function provenanceView(value) {
  const parts = isProvenance(value) ? contents(value) : [element("p", { class: "hint" }, text("provenance.none"))];
  return element("section", { class: "provenance" }, element("h3", {}, text("provenance.heading")), ...parts);
}

function contents(value) {
  const { credentials, claims, findings } = value;
  const state = translated("p", { class: "credentials", "data-state": credentials.state }, `states.${credentials.state}`, credentials.message);
  const rows = [...credentialRows(credentials), ...watermarkRows(value.watermarks), ...generatorRows(value.generator), ...xmpRows(value.xmp), ...cameraRows(value.camera), ...encoderRows(value.encoder)];
  return [
    state,
    list("signals", signalItems(credentials.signals)),
    list("claims", claims.map((claim) => item(claim, `claims.${claim.code}`, placeOf(claim)))),
    rows.length ? element("dl", {}, rows) : null,
    findings.length ? element("h4", {}, text("provenance.odd")) : null,
    list("findings", findings.map((finding) => item(finding, `findings.${finding.code}`))),
    thumbnails(value.thumbnail),
    list("hints", reasons(value.hints).map((hint) => item(hint, `hints.${hint.code}`))),
    timeline(value.timeline),
    element("p", { class: "hint" }, text("provenance.hint")),
  ];
}

/** [code, text] of each finding in what a file states, in the order of the API; null where there is English only. */
export function findingTexts({ credentials, claims, findings, hints, encoder }) {
  const known = (path, values) => (hasText(`provenance.${path}`) ? text(`provenance.${path}`, values) : null);
  return [
    [`credentials_${credentials.state}`, known(`states.${credentials.state}`)],
    ...reasons(credentials.signals).map((signal) => [signal.code, signalText(signal)]),
    ...claims.map((claim) => [claim.code, known(`claims.${claim.code}`, placeOf(claim))]),
    ...findings.map(({ code }) => [code, known(`findings.${code}`)]),
    ...reasons(hints).map(({ code }) => [code, known(`hints.${code}`)]),
    ...(encoder?.compressed_twice === true ? [["compressed_twice", known("twiceFound")]] : []),
  ];
}

/** Lines for an image made from a file: the marks of its origin that the copy lacks; none if it has none. */
export function lostMarks(value) {
  if (!isProvenance(value)) return [];
  const { found, remote } = value.credentials;
  const signed = found === true ? 1 : 0;
  const marks = findingTexts({ ...value, findings: [], hints: [], encoder: null, credentials: { ...value.credentials, signals: [] } }).slice(1 - signed);
  const english = [...(signed ? [value.credentials.message] : []), ...value.claims.map(({ message }) => message)];
  const lines = marks.map(([, words], at) => words ?? english[at]);
  if (typeof remote === "string" && remote) lines.unshift(`${text("provenance.terms.remote")}: ${isolated(remote)}`);
  return lines.length ? [text("provenance.derived"), ...lines] : [];
}

function placeOf({ place }) {
  return { place: isolated(place) };
}

/** The embedded thumbnail beside the image, if it shows something else or more. */
function thumbnails(value) {
  const { thumbnail, image } = objectOf(value);
  const isJpeg = (url) => typeof url === "string" && /^data:image\/jpeg;base64,[\w+/]+=*$/.test(url);
  if (!isJpeg(thumbnail) || !isJpeg(image)) return null;
  const figure = (src, name) => element("figure", {}, element("img", { src, alt: "" }), element("figcaption", {}, text(`provenance.${name}`)));
  return element("div", { class: "thumbnails" }, figure(thumbnail, "thumbnailShown"), figure(image, "imageShown"));
}

function timeline(steps) {
  const dated = (Array.isArray(steps) ? steps : []).filter((step) => typeof step?.when === "string" && typeof step.action === "string");
  if (dated.length < 2) return null; // one date alone is shown above
  const items = dated.map(({ when, action, software, place }) => {
    const what = joined([action, software, place]);
    return element("li", {}, element("bdi", {}, `${time(when)}: ${what}`));
  });
  return element("details", { class: "dated-steps" }, element("summary", {}, text("provenance.timeline")), element("ol", {}, items));
}

function reasons(value) {
  return (Array.isArray(value) ? value : []).filter((entry) => typeof entry?.code === "string" && typeof entry.message === "string");
}

function list(name, items) {
  return items.length ? element("ul", { class: name }, items) : null;
}

function item({ code, message }, path, values = {}) {
  return translated("li", { "data-code": code }, path, message, values);
}

/** What signed manifests show, by the names of the C2PA Asset Signals Rubric. */
function signalItems(signals) {
  return reasons(signals).map((signal) => element("li", { "data-code": signal.code }, signalText(signal)));
}

function signalText({ code, message, of_ingredient }) {
  const path = `provenance.signals.${code}`;
  const claim = hasText(path) ? text(path) : message;
  return of_ingredient === true ? text("provenance.ofIngredient", { claim }) : claim;
}

/** Use the page's translation if there is one, else the server's English. */
function translated(tag, attributes, path, english, values = {}) {
  if (hasText(`provenance.${path}`)) return element(tag, attributes, text(`provenance.${path}`, values));
  return element(tag, { ...attributes, lang: "en", dir: "ltr" }, english);
}

function credentialRows({ signer, generator, title, signed_at, actions, problems, remote, trust_list }) {
  const { title: listName, date } = objectOf(trust_list);
  return rowsOf({ signer, trustList: joined([listName, date]), claimGenerator: generator, title, signed: signed_at, history: steps(actions), status: joined(problems), remote });
}

function watermarkRows(marks) {
  const found = Array.isArray(marks) ? marks.map(objectOf) : [];
  return found.flatMap(({ name, scheme, payload }) => rowsOf({ watermark: joined([name, scheme, payload]) }));
}

function generatorRows(value) {
  const { name, model, prompt, settings } = objectOf(value);
  const pairs = Array.isArray(settings) ? settings.filter(Array.isArray).map(([term, value]) => `${term}: ${value}`) : [];
  return rowsOf({ generator: name, model, prompt, settings: joined(pairs) });
}

function xmpRows(value) {
  const { source_type, creator_tool, credit, ai_system, ai_prompt, history } = objectOf(value);
  return rowsOf({ sourceType: source_type, tool: creator_tool, credit, aiSystem: ai_system, prompt: ai_prompt, history: steps(history) });
}

function cameraRows(value) {
  const camera = objectOf(value);
  const { make, model, lens, software, taken, modified } = camera;
  // "Canon", "Canon EOS R6": the make is shown once.
  const name = typeof model === "string" && typeof make === "string" && model.startsWith(make) ? model : joined([make, model], " ");
  const position = camera.has_position === true ? text("provenance.positionThere") : null;
  return rowsOf({ camera: name, lens, exposure: exposure(camera), software, taken: time(taken), modified: time(modified), position });
}

function exposure({ exposure_s, f_number, iso, focal_length_mm }) {
  const shutter = exposure_s > 0 && exposure_s < 0.3 ? `1/${number(Math.round(1 / exposure_s))} s` : figure(exposure_s, (s) => `${s} s`);
  const parts = [shutter, figure(f_number, (f) => `f/${f}`), figure(iso, (i) => `ISO ${i}`), figure(focal_length_mm, (f) => `${f} mm`)];
  return joined(parts);
}

function encoderRows(value) {
  const { tables, quality, subsampling, compressed_twice } = objectOf(value);
  if (!ENCODERS.includes(tables)) return [];
  const name = text(`provenance.encoders.${tables}`, { quality: quality ?? "–" });
  const twice = compressed_twice === true ? text("provenance.twiceFound") : null;
  return rowsOf({ encoder: joined([name, subsampling]), twice });
}

function steps(actions) {
  if (!Array.isArray(actions)) return null;
  return joined(actions.map((step) => (step?.software ? `${step.action} (${step.software})` : step?.action)));
}

function joined(parts, separator = isRightToLeft() ? "، " : ", ") {
  return Array.isArray(parts) ? parts.filter((part) => typeof part === "string" && part).join(separator) : null;
}

function time(written) {
  return typeof written === "string" ? written.replace("T", " ") : null;
}

function figure(value, format) {
  return Number.isFinite(value) ? format(number(value, { maximumFractionDigits: 2 })) : null;
}

function objectOf(value) {
  return typeof value === "object" && value !== null ? value : {};
}

function rowsOf(values) {
  return Object.entries(values)
    .filter(([, value]) => typeof value === "string" && value)
    .map(([term, value]) => element("div", {}, element("dt", {}, text(`provenance.terms.${term}`)), element("dd", { class: value.length > 40 ? "long" : null }, shown(value))));
}

function shown(value) {
  if (value.length <= MAX_UNFOLDED) return element("bdi", {}, value);
  const start = element("summary", {}, element("bdi", {}, `${value.slice(0, MAX_UNFOLDED - 40).trimEnd()}…`));
  return element("details", {}, start, element("bdi", {}, value));
}
