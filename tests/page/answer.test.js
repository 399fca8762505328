// The answer about a result: its texts, and that its number never contradicts its verdict.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load, readJson, serve } from "./page.js";

const { use } = await load("language.js");
const { rangeText } = await load("format.js");
const { answerOf, faceAnswerOf, faceLabel, summaryOf, worstFirst } = await load("answer.js");
const english = await readJson("languages/en.json");

const THRESHOLDS = { real: 0.17, fake: 0.82 };
const RELIABILITY = { fake_of_100: 99, face_size: "128 to 256 px", false_positive_rate: 0.002, recall: 0.32, false_negative_rate: 0.04, real: 1761, fake: 1385 };

beforeEach(async () => {
  serve();
  await use("en");
});

function face(verdict, low, high = low, codes = []) {
  return { verdict, p_fake: low, p_fake_range: low === null ? null : [low, high], reasons: codes.map((code) => ({ code, message: code })) };
}

function result(faces, more = {}) {
  const worst = faces[worstFirst(faces)[0]];
  return { verdict: worst.verdict, p_fake: worst.p_fake, p_fake_range: worst.p_fake_range, faces, reasons: [], thresholds: THRESHOLDS, reliability: null, ...more };
}

// The verdict that a reader takes from the numbers shown.
function verdictOfNumbers(range) {
  const [real, fake] = [17, 82];
  const ends = range.match(/[<>]?\d+/g).map((end) => (end === "<1" ? 0 : end === ">99" ? 100 : Number(end)));
  const zones = new Set(ends.map((end) => (end >= fake ? "fake" : end <= real ? "real" : "uncertain")));
  return zones.size === 1 ? [...zones][0] : "uncertain";
}

test("a range has one percent sign, and one number where both round to the same", () => {
  const cases = [[[0.61, 0.88], "61 to 88%"], [[0.031, 0.034], "3%"], [[0.002, 0.004], "<1%"], [[0.002, 0.3], "<1 to 30%"], [[0.97, 0.999], "97 to >99%"], [[0, 1], "<1 to >99%"]];
  for (const [range, shown] of cases) assert.equal(rangeText(range), shown);
});

test("no value is rounded into the zone of another verdict", () => {
  assert.equal(rangeText([0.8199, 0.8199], THRESHOLDS), "81%");
  assert.equal(rangeText([0.1701, 0.1701], THRESHOLDS), "18%");
  assert.equal(rangeText([0.82, 0.8201], THRESHOLDS), "82%");
  assert.equal(rangeText([0.16, 0.17], THRESHOLDS), "16 to 17%");
});

test("the verdict and the numbers shown never contradict each other", () => {
  const steps = Array.from({ length: 41 }, (_, index) => index / 40).concat(0.1699, 0.17, 0.1701, 0.8199, 0.82, 0.8201);
  let withNumber = 0;
  for (const low of steps) {
    for (const high of steps.filter((step) => step >= low)) {
      for (const verdict of ["fake", "real", "uncertain"]) {
        const answer = answerOf(result([face(verdict, low, high)]));
        if (!answer.range) continue;
        withNumber += 1;
        assert.equal(verdictOfNumbers(answer.range), verdict, `${verdict} ${low} ${high}: ${answer.range}`);
      }
    }
  }
  assert.ok(withNumber > 900); // every span has its number with the verdict that belongs to it
});

test("results of earlier versions have one value, and none where it would contradict the verdict", () => {
  const { p_fake_range: _, ...old } = result([face("uncertain", 0.88, 0.88, ["changes_under_recompression"])]);
  delete old.faces[0].p_fake_range;
  assert.equal(answerOf(old).range, null);
  assert.match(answerOf(old).why, /^It looks fake, but no longer clearly so/);
  assert.equal(answerOf({ ...old, verdict: "fake" }).range, "88%");
});

test("every reason is a sentence why a result is uncertain, or a remark", () => {
  const codes = Object.keys(english.reasons);
  for (const code of codes) {
    const answer = answerOf(result([face("uncertain", 0.5, 0.5, [code])]));
    assert.equal(answer.name, "Cannot tell");
    assert.match(answer.why, /^[A-Z].*\.$/, code);
    const open = answerOf(result([face("uncertain", null, null, [code])]));
    assert.ok(open.name && open.why, code);
    assert.equal(open.range, null);
  }
  assert.match(answerOf(result([face("uncertain", 0.5)])).why, /too weak/);
  assert.match(answerOf(result([face("uncertain", 0.5, 0.5, ["small_face"])])).why, /too weak/);
  assert.match(answerOf(result([face("uncertain", 0.1, 0.5, ["changes_under_recompression"])])).why, /^It looks real/);
  assert.match(answerOf(result([face("real", 0.03)], { verdict: "uncertain", reasons: [{ code: "first_frame_only" }] })).why, /first was checked/);
});

test("a verdict is worth what was measured, and never certain", () => {
  const worth = (verdict, p, fake) => answerOf(result([face(verdict, p)], { reliability: { ...RELIABILITY, fake_of_100: fake } })).worth;
  assert.match(worth("fake", 0.9, 99), / 99 were fake\.$/);
  assert.match(worth("fake", 0.9, 100), / >99 were fake\.$/);
  assert.match(worth("real", 0.1, 7), / 93 were real\.$/);
  assert.match(worth("uncertain", 0.5, 66), / 66 were fake and 34 were real\.$/);
  assert.equal(answerOf(result([face("fake", 0.9)])).worth, null);
  const open = (verdict, p) => answerOf(result([face(verdict, p)], { reliability: RELIABILITY })).open;
  assert.match(open("fake", 0.9), /in our test, the model called 2 of 1,000 real faces of this size fake\./);
  assert.match(open("real", 0.1), /in our test, the model called 4 of 100 fake faces of this size real\./);
  assert.match(answerOf(result([face("real", 0.1)])).open, /face swaps/);
});

test("several faces are counted, the worst first", () => {
  const faces = [face("real", 0.1), face("fake", 0.9), face("uncertain", null, null, ["face_too_small"]), face("uncertain", 0.4), face("fake", 0.95), face("real", 0.02)];
  assert.deepEqual(worstFirst(faces), [4, 1, 3, 0, 5, 2]);
  assert.equal(answerOf(result(faces)).count, "2 of 6 faces are likely fake, it cannot tell for 1, 2 are likely real, and 1 was not classified.");
  assert.equal(answerOf(result(faces.slice(5))).count, null);
  assert.equal(answerOf(result([faces[0], faces[5]])).count, "All 2 faces are likely real.");
});

test("of several faces, the count says why an image is fake or real, and a reason why it cannot be told", () => {
  const fake = answerOf(result([face("fake", 0.9), face("real", 0.1)]));
  assert.equal(fake.why, fake.count);
  assert.equal(summaryOf(fake).split("faces is likely").length, 2);
  const open = answerOf(result([face("uncertain", 0.5, 0.9, ["changes_under_recompression"]), face("real", 0.1)]));
  assert.match(open.why, /saved again/i);
});

test("what helps next depends on the verdict", () => {
  const steps = (...given) => answerOf(result([face(...given)])).steps;
  assert.match(steps("fake", 0.9)[0], /first published/);
  assert.match(steps("uncertain", 0.5)[0], /original/);
  assert.match(steps("uncertain", 0.5, 0.5, ["small_face"])[0], /larger/);
  for (const verdict of ["fake", "real", "uncertain"]) assert.equal(steps(verdict, 0.5).length, 3);
});

test("a face in one line has its number, its verdict and its range", () => {
  assert.equal(faceLabel(face("fake", 0.93, 0.97), 1, THRESHOLDS), "Face 2: Likely fake, 93 to 97% fake");
  assert.equal(faceLabel(face("uncertain", null, null, ["face_too_small"]), 0, THRESHOLDS), "Face 1: Too small to classify");
  assert.equal(faceAnswerOf(face("uncertain", null, null, ["face_obscured"]), THRESHOLDS).name, "Covered or blurred");
});

test("the summary has the verdict, its worth and the caveat", () => {
  const summary = summaryOf(answerOf(result([face("fake", 0.9, 0.95)], { reliability: RELIABILITY })), ["photo.jpg"]);
  assert.match(summary, /^Likely fake\. Probability of fake 90 to 95%\. .*99 were fake.*Not proof.*photo\.jpg$/);
});

test("every language has the whole answer", async () => {
  for (const language of ["ar", "de", "es", "fr", "hi", "zh"]) {
    await use(language);
    const faces = [face("fake", 0.9, 0.95), face("uncertain", 0.4), face("real", 0.1), face("uncertain", null, null, ["face_too_small"])];
    const answer = answerOf(result(faces, { reliability: RELIABILITY }));
    for (const name of ["name", "range", "label", "scaleLabel", "band", "count", "why", "worth", "open", "next", "caveat"]) assert.ok(answer[name], `${language} ${name}`);
    assert.doesNotMatch(JSON.stringify(answer), /[{}]\w+[{}]|undefined/, language);
  }
});
