// The modes "words only" and "never say real": what a person reads, in every language.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load, readJson, serve } from "./page.js";

const { LANGUAGES, text, use } = await load("language.js");
const { answerOf, summaryOf } = await load("answer.js");
const { frameLabel } = await load("video/times.js");
const { hidesNumbers, setWording } = await load("wording.js");

const THRESHOLDS = { real: 0.17, fake: 0.82 };
const REAL = { verdict: "real", p_fake: 0.03, p_fake_range: [0.02, 0.04], reasons: [] };
const RELIABILITY = { fake_of_100: 7, face_size: "all", false_positive_rate: 0.002, recall: 0.3, false_negative_rate: 0.04, real: 9, fake: 9 };

beforeEach(async () => {
  serve();
  await use("en");
  setWording({ words_only: false, never_say_real: false });
});

function answer(more = {}) {
  return answerOf({ ...REAL, faces: [REAL], thresholds: THRESHOLDS, reliability: RELIABILITY, ...more });
}

test("the modes are those of the server, and only a change is reported", () => {
  assert.equal(setWording({ words_only: true, never_say_real: false }), true);
  assert.equal(setWording({ words_only: true, never_say_real: false }), false);
  for (const nothing of [undefined, null, {}, { words_only: "yes", never_say_real: 1 }]) assert.equal(setWording(nothing), false);
  assert.equal(hidesNumbers(), true);
});

test("words only: no number of this image, while the figures of the model stay", () => {
  assert.match(summaryOf(answer()), /Probability of fake 2 to 4%/);
  setWording({ words_only: true, never_say_real: false });
  const { name, range, span, scaleLabel, worth } = answer();
  assert.deepEqual([name, range, span, scaleLabel], ["Likely real", null, null, null]);
  assert.match(worth, /Of 100 faces/);
  assert.doesNotMatch(summaryOf(answer()), /%/);
  assert.equal(frameLabel({ time: 3, p_fake: 0.03 }, THRESHOLDS).includes("%"), false);
});

for (const language of Object.keys(LANGUAGES)) {
  test(`never say real: no sign of a forgery instead: ${language}`, async () => {
    await use(language);
    const words = await readJson(`languages/${language}.json`);
    assert.equal(answer().name, words.verdicts.real.name);
    setWording({ words_only: false, never_say_real: true });
    const several = answer({ faces: [REAL, REAL] });
    const unstable = { ...REAL, verdict: "uncertain", p_fake: 0.1, p_fake_range: [0.1, 0.3], reasons: [{ code: "changes_under_recompression" }] };
    const shown = [several.name, several.count, several.why, several.open, answerOf({ ...unstable, faces: [unstable], thresholds: THRESHOLDS }).why, text("result.bandReal")];
    const { verdicts, answer: instead, result } = words.neverSayReal;
    assert.equal(several.name, verdicts.real.name);
    assert.equal(answer().why, verdicts.real.detail);
    assert.equal(text("result.bandReal"), result.bandReal);
    assert.equal(shown[4], instead.unstable.real);
    for (const phrase of shown) assert.ok(!phrase.includes(words.verdicts.real.name), phrase);
    assert.equal(answerOf({ ...REAL, verdict: "fake", p_fake: 0.9, p_fake_range: null, faces: [], thresholds: THRESHOLDS }).name, words.verdicts.fake.name);
  });
}
