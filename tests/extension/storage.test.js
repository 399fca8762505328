import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { load, session, storage, VERDICT } from "./harness.js";

const { clearHistory, readHistory, remember } = await load("core/history.js");
const { keepImage, keptImage } = await load("core/images.js");
const { readSettings, saveSettings } = await load("core/settings.js");
const ENTRY = { time: 1, verdict: "real", p_fake: 0.1, name: "good.jpg", sha256: "b" };

beforeEach(() => {
  for (const area of [storage, session]) for (const key of Object.keys(area)) delete area[key];
});

test("entries that are not valid are left out", async () => {
  const changes = [
    { time: 1e300 },
    { time: null },
    { time: "now" },
    { p_fake: 2 },
    { p_fake: "x" },
    { verdict: "constructor" },
    { verdict: "<b>" },
    { name: ["x"] },
    { name: 7 },
    { sha256: null },
  ];
  storage.history = [...changes.map((change) => ({ ...ENTRY, ...change })), ENTRY, 7, "x", null];
  assert.deepEqual(await readHistory(), [ENTRY]);
  const covered = { ...ENTRY, verdict: "face_obscured", p_fake: null };
  storage.history = [covered];
  assert.deepEqual(await readHistory(), [covered]);
  storage.history = "nonsense";
  assert.deepEqual(await readHistory(), []);
});

test("fifty entries are kept, one per image, latest first", async () => {
  for (let number = 0; number < 52; number += 1) await remember({ ...ENTRY, name: `${number}`, sha256: `${number % 51}` });
  const entries = await readHistory();
  assert.equal(entries.length, 50);
  assert.equal(entries[0].name, "51");
  assert.equal(new Set(entries.map(({ sha256 }) => sha256)).size, 50);
  await clearHistory();
  assert.deepEqual(await readHistory(), []);
});

test("the result of a check is kept in numbers only, and only if it is one", async () => {
  const face = { box: [1, 2, 3, 4], verdict: "fake", p_fake: 0.9, reasons: [], heatmap: { grid: [[1]] }, landmarks: [[1, 2]] };
  await remember({ ...ENTRY, answer: { ...VERDICT, faces: [face], provenance: { claims: ["x"] } } });
  const [{ answer }] = await readHistory();
  assert.deepEqual(Object.keys(answer).sort(), ["faces", "p_fake", "reasons", "success", "thresholds", "verdict"]);
  assert.deepEqual(Object.keys(answer.faces[0]).sort(), ["box", "p_fake", "reasons", "verdict"]);
  await remember({ ...ENTRY, sha256: "long", answer: { ...VERDICT, reasons: [{ code: "x", message: "y".repeat(30_000) }] } });
  storage.history.push({ ...ENTRY, sha256: "c", answer: { verdict: "fake", p_fake: "<b>" } });
  assert.deepEqual((await readHistory()).map((entry) => "answer" in entry), [false, true, false]);
});

test("images are in memory only, the latest that fit, until the checks are cleared", async () => {
  const bytes = (size, value) => new Blob([new Uint8Array(size).fill(value)], { type: "image/png" });
  await keepImage("one", bytes(3_000_000, 1));
  await keepImage("two", bytes(2_000_000, 2));
  await keepImage("huge", bytes(6_000_000, 3));
  assert.deepEqual(session.images.map(({ sha256 }) => sha256), ["two", "one"]);
  assert.deepEqual([...new Uint8Array(await (await keptImage("two")).arrayBuffer())].slice(0, 3), [2, 2, 2]);
  await keepImage("three", bytes(2_000_000, 4));
  assert.deepEqual(session.images.map(({ sha256 }) => sha256), ["three", "two"]);
  assert.equal(await keptImage("one"), null);
  assert.ok(!JSON.stringify(storage).includes("AQEB"));
  await clearHistory();
  assert.equal(await keptImage("three"), null);
});

test("invalid settings are replaced by their defaults", async () => {
  const defaults = { server: "http://127.0.0.1:7860", language: "", automatic: false, history: true };
  assert.deepEqual(await readSettings(), defaults);
  storage.settings = { server: "javascript:alert(1)", language: "constructor", automatic: "yes", history: 1, other: 1 };
  assert.deepEqual(await readSettings(), defaults);
  await saveSettings({ language: "de" });
  assert.deepEqual(await readSettings(), { ...defaults, language: "de" });
});
