// Numbers, names and sentences as the page prints them.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load, serve } from "./page.js";

const { use } = await load("language.js");
const format = await load("format.js");
const figures = await load("dashboard/words.js");

beforeEach(async () => {
  serve();
  await use("en");
});

test("a probability is never 0% or 100%", () => {
  const cases = [[0, "<1%"], [0.0099, "<1%"], [0.01, "1%"], [0.045, "5%"], [0.5, "50%"], [0.99, "99%"], [0.991, ">99%"], [1, ">99%"]];
  for (const [p, shown] of cases) assert.equal(format.percent(p), shown);
});

test("sizes are in kB and MB of 1024", () => {
  assert.equal(format.megabytes(26_214_400), "25 MB");
  const cases = [[0, "1 kB"], [47_000, "46 kB"], [1_048_575, "1,024 kB"], [3_145_728, "3.0 MB"]];
  for (const [count, shown] of cases) assert.equal(format.bytes(count), shown);
});

test("milliseconds have one decimal below 10", () => {
  for (const [ms, shown] of [[3.21, "3.2 ms"], [47.8, "48 ms"], [1234, "1234 ms"]]) assert.equal(format.milliseconds(ms), shown);
});

test("a name loses the characters that disguise it", () => {
  assert.equal(format.nameOf({ name: "gpj.\u202eexe" }), "gpj.exe");
  assert.equal(format.nameOf({ name: "\u0000\u202e" }), "Pasted image");
});

test("a message of the server becomes a sentence", () => {
  assert.equal(format.sentence("the file ends too early"), "The file ends too early.");
  assert.equal(format.sentence("Why not?"), "Why not?");
});

test("a share has one decimal below 10%, and its interval as many", () => {
  const cases = [[0.0251, "2.5%"], [0.5932, "59%"], [0, "0%"], [0.0994, "9.9%"], [0.0996, "10%"], [1, "100%"], [null, "–"], ["0.2", "–"]];
  for (const [value, shown] of cases) assert.equal(figures.share(value), shown);
  assert.equal(figures.withRange(0.0251, [0.018, 0.133], figures.share), "2.5% (1.8% to 13.3%)");
  assert.equal(figures.withRange(0.0251, null, figures.share), "2.5%");
  assert.equal(figures.withRange(null, [0, 1], figures.share), "–");
});

test("other figures", () => {
  assert.equal(figures.figure(0.93166), "0.932");
  assert.equal(figures.figure(0.8035), "0.804"); // half up
  assert.equal(figures.ofHundred(0.0251), "2.5");
  assert.equal(figures.ofHundred(0.5932), "59");
  assert.equal(figures.count(12_345), "12,345");
  assert.equal(figures.range([0.1, "x"], figures.share), "");
  assert.equal(figures.ownWords({ a: 1 }), "–");
  assert.equal(figures.nameIn({ blur: () => "Blur" }, "toString"), "toString");
});

test("figures follow the language, in Latin digits", async () => {
  await use("de");
  assert.equal(figures.figure(0.93166), "0,932");
  assert.equal(format.percent(0.5), "50\u00a0%");
  await use("ar");
  assert.match(format.percent(0.5), /^\u2066.*50.*\u2069$/); // isolated: it keeps its order among Arabic words
});
