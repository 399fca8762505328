import assert from "node:assert/strict";
import test from "node:test";
import { load, useLanguage, VERDICT } from "./harness.js";

const { entryView, outcomeView, shortView, workingView } = await load("core/resultView.js");
const { followWording, loadWording } = await load("core/wording.js");
const { text } = await load("../src/veraface/server/static/js/language.js");
const { setWording } = await load("../src/veraface/server/static/js/wording.js");
await useLanguage("en");
// What no text can be made of.
const NO_TEXT = { toString: 1, valueOf: 1 };

function view(answer, shown) {
  return outcomeView({ kind: "detected", answer: { ...VERDICT, ...answer } }, shown);
}

function fault(code, details = {}) {
  return outcomeView({ kind: "failed", code, details });
}

test("each verdict has its text and its percentage", () => {
  for (const [answer, percent] of [
    [{ p_fake: 0.996 }, ">99%"],
    [{ verdict: "uncertain", p_fake: 0.5 }, "50%"],
    [{ verdict: "real", p_fake: 0.001 }, "<1%"],
  ]) {
    const { kind, verdict, name, range } = view(answer);
    assert.deepEqual([kind, verdict, range], ["verdict", answer.verdict ?? "fake", percent]);
    assert.ok(name);
  }
  assert.match(view({}).caveat, /Not proof/);
});

test("the zones of the scale follow the thresholds", () => {
  const zones = view({}).zones.map(({ verdict, from, to }) => [verdict, from, to]);
  assert.deepEqual(zones, [["real", 0, 0.2], ["uncertain", 0.2, 0.8], ["fake", 0.8, 1]]);
});

test("reasons without a message in the catalog are shown in the server's English, each code once", () => {
  const reasons = [{ code: "x", message: "first" }, { code: "x", message: "second" }, { code: "weak_evidence", message: "" }];
  assert.deepEqual(view({ reasons }).reasons, [{ text: "First.", english: true }]);
});

for (const answer of [
  { reasons: [{ code: "x", message: NO_TEXT }, { code: NO_TEXT, message: "y" }] },
  { faces: [NO_TEXT, null] },
  { faces: [{ reasons: [NO_TEXT, null, 7] }] },
  { faces: [{ reasons: "markup" }] },
  { width: NO_TEXT, height: NO_TEXT },
  { thresholds: { real: 0.9, fake: 0.1 } },
  { reasons: [{ code: "constructor", message: "x" }, null] },
]) {
  test(`a verdict is shown in spite of nonsense beside it: ${JSON.stringify(answer)}`, () => {
    const shown = view(answer, { shape: { width: 1, height: 1 } });
    assert.equal(shown.verdict, "fake");
    assert.ok(shown.reasons.every(({ text }) => typeof text === "string"));
    structuredClone(shown); // it is sent to a script on the page
  });
}

test("many long reasons are cut", () => {
  const reasons = Array.from({ length: 100 }, (_, number) => ({ code: `${number}`, message: "x".repeat(100_000) }));
  const shown = view({ reasons }).reasons;
  assert.equal(shown.length, 8);
  assert.ok(shown.every(({ text }) => text.length <= 301));
});

test("an image of another shape than on the page is noticed, a scaled one is not", () => {
  const notice = (shape) => view({ width: 512, height: 400 }, { shape }).reasons.length;
  assert.equal(notice({ width: 512, height: 512 }), 1);
  assert.equal(notice({ width: 256, height: 201 }), 0);
  assert.equal(notice(null), 0);
  assert.equal(view({}, { redrawn: true }).reasons.length, 1);
});

test("faces are listed with their pictures, the most suspicious first", () => {
  const face = (p_fake, verdict) => ({ box: [0, 0, 9, 9], p_fake, verdict, reasons: [] });
  const answer = { ...VERDICT, faces: [face(0.1, "real"), null, face(0.95, "fake"), face(0.5, "uncertain")] };
  const shown = outcomeView({ kind: "detected", answer, pictures: ["a", "b", "c", null] }, { full: true });
  assert.deepEqual(shown.faces.map(({ picture, name }) => [picture, name]), [["c", "Likely fake"], [null, "Cannot tell"], ["a", "Likely real"]]);
  assert.match(shown.facesHeading, /^3 faces/);
  assert.deepEqual(shown.actions.map(({ name }) => name), ["full"]);
  assert.deepEqual(view({ faces: [face(0.9, "fake")] }).faces, [], "one face needs no list without a picture");
});

test("an earlier check shows what is known of it, and never a number that contradicts it", () => {
  const old = entryView({ verdict: "uncertain", p_fake: 0.97 });
  assert.deepEqual([old.name, old.range], ["Cannot tell", null]);
  assert.match(old.hint, /not stored/);
  assert.equal(shortView({ verdict: "uncertain", p_fake: 0.97 }).percent, "");
  const known = entryView({ verdict: "fake", p_fake: 0.9, answer: VERDICT }, { full: true });
  assert.deepEqual([known.name, known.range, known.hint], ["Likely fake", "90%", ""]);
  assert.equal(shortView({ ...VERDICT, p_fake_range: [0.85, 0.95] }).percent, "85 to 95%");
  assert.equal(entryView({ verdict: "no_face", p_fake: null }).fault, "no_face");
});

test("codes that the catalog does not know are shown as other failures", () => {
  for (const code of ["constructor", "__proto__", "nonsense"]) assert.equal(fault(code).fault, "other", code);
  assert.equal(fault("malformed_upload", { message: "<b>bold</b>".repeat(100) }).notes[0].text.length, 301);
});

test("a covered face is shown in words of its own", () => {
  const { heading, notes } = fault("face_obscured", { message: "in English" });
  assert.deepEqual([heading, notes], ["Face covered or blurred", []]);
});

const REAL = { ...VERDICT, verdict: "real", p_fake: 0.1, p_fake_range: [0.05, 0.15], reliability: { fake_of_100: 4, face_size: "all", false_positive_rate: 0.1, false_negative_rate: 0.2 } };

for (const language of ["ar", "de", "en", "es", "fr", "hi", "zh"]) {
  test(`the modes of the server are followed, in the result and in the list: ${language}`, async () => {
    await useLanguage(language);
    const answer = { ...REAL, faces: [REAL, REAL].map((face) => ({ ...face, box: [0, 0, 9, 9] })) };
    const shown = () => JSON.stringify([outcomeView({ kind: "detected", answer }), shortView(answer), entryView({ ...REAL, answer }), shortView({ ...REAL, thresholds: undefined })]);
    const calledReal = text("verdicts.real.name");
    assert.ok(shown().includes(calledReal));
    assert.match(shown(), /%/);
    await followWording({ words_only: true, never_say_real: true });
    setWording({ words_only: false, never_say_real: false }); // as a page that is opened later
    await loadWording();
    assert.notEqual(text("verdicts.real.name"), calledReal);
    assert.ok(!shown().includes(calledReal));
    assert.doesNotMatch(shown(), /%/);
    assert.equal(outcomeView({ kind: "detected", answer }).kind, "verdict");
    await followWording({ words_only: false, never_say_real: false });
    assert.match(shown(), /%/);
    await useLanguage("en");
  });
}

test("a failure offers the actions that can resolve it", () => {
  const actions = (code) => fault(code).actions.map(({ name }) => name);
  assert.deepEqual(actions("unreachable"), ["again"]);
  assert.deepEqual(actions("timeout"), ["again"]);
  assert.deepEqual(actions("unreachable_elsewhere"), ["again", "options"]);
  assert.deepEqual(actions("not_veraface"), ["options"]);
  assert.deepEqual(actions("no_face"), []);
  assert.equal(fault("unreachable", { server: "127.0.0.1:7860" }).command, "veraface serve");
  assert.match(fault("image_too_large", { size: 50 * 2 ** 20, most: 25 * 2 ** 20 }).notes[0].text, /50.*25/);
});

test("a list entry without a verdict names the failure", () => {
  assert.deepEqual(shortView({ verdict: "no_face", p_fake: null }), { verdict: "unclassified", short: "No face found", percent: "" });
  assert.equal(shortView({ verdict: "face_obscured", p_fake: null }).short, "Face covered or blurred");
  assert.equal(shortView({ verdict: "fake", p_fake: 0.93 }).percent, "93%");
  for (const stage of ["reading", "detecting", "busy", "not_ready"]) assert.ok(workingView(stage).heading, stage);
});
