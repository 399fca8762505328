// The findings of an answer by grade, in the reader's language, whatever the server sends.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load, openDocument } from "./page.js";

await openDocument();
const { findingsView } = await load("findings.js");
const { use } = await load("language.js");

const REASON = { code: "future_date", message: "has a date in the future" };
const PROVENANCE = {
  credentials: {
    state: "valid",
    message: "intact",
    signals: [
      { code: "fullyGenAIMedia", message: "made by AI as a whole", of_ingredient: false },
      { code: "fullyGenAIMedia", message: "made by AI as a whole", of_ingredient: true },
    ],
  },
  claims: [{ code: "ai_generated", message: "XMP: declared as AI", place: "XMP" }],
  findings: [REASON],
  hints: [],
};
const RATES = { face_size: "128 to 256 px", fake_of_100: 97, false_positive_rate: 0.025, recall: 0.59, false_negative_rate: 0.04, real: 1761, fake: 1385 };

function finding(code, grade, origin = "provenance", more = {}) {
  return { origin, code, grade, message: `message of ${code}`, limitation: `limitation of ${code}`, ...more };
}

function answer(findings, more = {}) {
  return { verdict: "fake", p_fake: 0.97, faces: [], reasons: [], provenance: PROVENANCE, findings, ...more };
}

function texts(view, selector) {
  return [...view.querySelectorAll(selector)].map((node) => node.textContent);
}

beforeEach(() => use("en"));

test("findings are folded, by grade, each with its words and its limitation", () => {
  const view = findingsView(
    answer([finding("verdict_fake", "inferred", "model"), finding("credentials_valid", "derived"), finding("future_date", "derived"), finding("ai_generated", "observed")]),
  );
  assert.equal(view.querySelector("details").open, false);
  assert.deepEqual(texts(view, "h4"), ["Inferred", "Derived", "Observed"]);
  assert.deepEqual(texts(view, "li > strong"), [
    "The model: Likely fake",
    "Content Credentials: valid, signed by a signer this server trusts.",
    "Has a date in the future.",
    "XMP: declared as AI-generated",
  ]);
  const limits = texts(view, "li > p");
  assert.match(limits[1], /not that its content is true/);
  assert.match(limits[3], /what the file states, not what is true/);
});

test("the model's finding has its error rates on faces of that size", () => {
  const of = (rates) => findingsView(answer([finding("verdict_fake", "inferred", "model", { error_rates: rates })]));
  const view = of(RATES);
  assert.match(view.textContent, /Error rates for faces of 128 to 256 pixels/);
  assert.deepEqual(texts(view, "dd"), ["2.5%", "59%", "4%"]);
  assert.match(view.textContent, /1,761 real and 1,385 fake/);
  assert.match(of({ ...RATES, face_size: "all" }).textContent, /Error rates of the model/);
  assert.match(of({ ...RATES, formats: ["JPEG", "PNG"] }).textContent, /Format of the test images: JPEG, PNG/);
  assert.doesNotMatch(view.textContent, /Format/); // as in results of an earlier version
  for (const formats of [5, [5], null]) assert.equal(of({ ...RATES, formats }), null);
  assert.equal(findingsView(answer([finding("verdict_fake", "inferred", "model")])).querySelector("dl"), null);
});

test("of two findings of one kind, that of an ingredient is named as such", () => {
  const view = findingsView(answer([finding("fullyGenAIMedia", "observed"), finding("fullyGenAIMedia", "observed")]));
  assert.deepEqual(texts(view, "li > strong"), ["Made by AI as a whole", "An image it contains: made by AI as a whole"]);
  assert.match(view.querySelector("li > p").textContent, /signature/);
});

test("what this version does not know is shown in the server's English", () => {
  const view = findingsView(answer([finding("news", "derived")]));
  assert.deepEqual([...view.querySelectorAll("[lang=en]")].map((node) => node.textContent), ["Message of news.", "Limitation of news."]);
});

test("without findings, or with something else, there is no section", () => {
  for (const findings of [undefined, null, [], "no", [null], [{ code: "x", message: "y" }], [finding("x", 3)]]) {
    assert.equal(findingsView(answer(findings)), null);
  }
  const hostile = findingsView(answer([finding("x", "observed", "provenance", { message: "<img src=x>" })], { provenance: null }));
  assert.equal(hostile.querySelector("img"), null);
});

test("findings are in the reader's language", async () => {
  await use("de");
  const view = findingsView(answer([finding("verdict_fake", "inferred", "model"), finding("future_date", "derived")]));
  assert.deepEqual(texts(view, "h4"), ["Geschlossen", "Berechnet"]);
  assert.equal(view.querySelector("[lang]"), null);
});
