import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { load, storage } from "./harness.js";

const { clearHistory, readHistory, remember } = await load("core/history.js");
const { readSettings, saveSettings } = await load("core/settings.js");
const ENTRY = { time: 1, verdict: "real", p_fake: 0.1, name: "good.jpg", sha256: "b" };

beforeEach(() => {
  for (const key of Object.keys(storage)) delete storage[key];
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

test("invalid settings are replaced by their defaults", async () => {
  const defaults = { server: "http://127.0.0.1:7860", language: "", automatic: false, history: true };
  assert.deepEqual(await readSettings(), defaults);
  storage.settings = { server: "javascript:alert(1)", language: "constructor", automatic: "yes", history: 1, other: 1 };
  assert.deepEqual(await readSettings(), defaults);
  await saveSettings({ language: "de" });
  assert.deepEqual(await readSettings(), { ...defaults, language: "de" });
});
