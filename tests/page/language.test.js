// Texts by path, plural forms of every language, and what is used where something is missing.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { load, readJson, serve } from "./page.js";

const { LANGUAGES, hasText, text, use } = await load("language.js");
const CATEGORIES = new Set(["zero", "one", "two", "few", "many", "other"]);

// Every text with its path; plural forms are one entry.
function* entries(words, path = "") {
  for (const [name, value] of Object.entries(words)) {
    if (typeof value === "string" || Object.keys(value).every((key) => CATEGORIES.has(key))) yield [path + name, value];
    else yield* entries(value, `${path}${name}.`);
  }
}

test("every language of the menu has a file, and every file is in the menu", () => {
  const folder = new URL("../../src/veraface/server/static/languages/", import.meta.url);
  const files = readdirSync(folder).map((name) => name.replace(".json", ""));
  assert.deepEqual(files.sort(), Object.keys(LANGUAGES).sort());
});

for (const language of Object.keys(LANGUAGES)) {
  test(`plural forms are those of the language: ${language}`, async () => {
    const needed = new Intl.PluralRules(language).resolvedOptions().pluralCategories.sort();
    const plurals = [...entries(await readJson(`languages/${language}.json`))].filter(([, value]) => typeof value === "object");
    assert.ok(plurals.length > 10);
    for (const [path, value] of plurals) assert.deepEqual(Object.keys(value).sort(), needed, path);
  });
}

test("values are filled in, and a count chooses the plural form", async () => {
  serve();
  assert.equal(await use("en"), true);
  assert.equal(text("result.face", { number: 2 }), "Face 2");
  assert.equal(text("history.count", { count: 1 }), "1 result");
  assert.equal(text("history.count", { count: 5 }), "5 results");
  assert.equal(text("no.such.text"), "");
  assert.equal(hasText("constructor"), false);
  assert.equal(hasText("reasons.__proto__"), false);
});

test("a language that does not come leaves the one in use", async () => {
  serve();
  await use("en");
  const before = text("history.heading");
  globalThis.fetch = async () => new Response("", { status: 503 });
  assert.equal(await use("fr"), false);
  globalThis.fetch = () => Promise.reject(new TypeError("Failed to fetch"));
  assert.equal(await use("fr"), false);
  assert.equal(text("history.heading"), before);
});

test("the language that was asked for last wins", async () => {
  let finish;
  const slow = new Promise((done) => (finish = done));
  serve();
  const { fetch } = globalThis;
  globalThis.fetch = async (address) => (String(address).includes("fr") ? slow : fetch(address));
  const first = use("fr");
  assert.equal(await use("de"), true);
  finish(Response.json({ history: { heading: "Historique" } }));
  assert.equal(await first, false);
  assert.notEqual(text("history.heading"), "Historique");
});
