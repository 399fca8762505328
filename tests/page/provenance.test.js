// The panel of what a file states about itself, in every state and language, whatever the server sends.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load, openDocument, readJson } from "./page.js";

await openDocument();
const { lostMarks, provenanceView } = await load("provenance.js");
const { use } = await load("language.js");

beforeEach(() => use("en"));

const STATED = {
  credentials: { state: "valid", message: "another sentence", signer: "Somebody", actions: [], problems: [] },
  claims: [{ code: "ai_generated", place: "XMP", message: "said to be made by AI" }],
  findings: [],
};

for (const state of ["valid", "trusted_official", "trusted_interim", "verified_publisher", "untrusted_signer", "invalid", "absent", "not_installed"]) {
  test(`every state of Content Credentials has its line: ${state}`, () => {
    const panel = provenanceView({ ...STATED, credentials: { ...STATED.credentials, state } });
    const line = panel.querySelector(`.credentials[data-state="${state}"]`);
    assert.match(line.textContent, /Content Credentials:/);
    assert.doesNotMatch(line.textContent, /another sentence/);
    assert.match(panel.textContent, /Somebody/);
  });
}

test("a state that the page does not know is shown in the server's English", () => {
  const line = provenanceView({ ...STATED, credentials: { state: "new", message: "another sentence" } }).querySelector(".credentials");
  assert.equal(line.textContent, "another sentence");
  assert.equal(line.lang, "en");
});

for (const language of ["ar", "de", "es", "fr", "hi", "zh"]) {
  test(`claims are in the reader's language: ${language}`, async () => {
    const words = (await readJson(`languages/${language}.json`)).provenance.claims.ai_generated;
    await use(language);
    const [before, after] = words.split("{place}");
    const shown = provenanceView(STATED).querySelector('.claims [data-code="ai_generated"]').textContent;
    assert.ok(shown.includes(before.trim()) && shown.includes(after.trim()), shown);
  });
}

for (const odd of ["all mine", [null], { length: 3 }, { credentials: { state: 1 }, claims: [], findings: [] }]) {
  test(`provenance of another form is reported as unread: ${JSON.stringify(odd)}`, () => {
    assert.match(provenanceView(odd).textContent, /did not read/);
  });
}

test("the list and what the manifests show stand beside the state", () => {
  const signals = [
    { code: "fullyGenAIMedia", message: "m", of_ingredient: false },
    { code: "newSignal", message: "in English", of_ingredient: true },
    { code: 5, message: "left out" },
  ];
  const trust_list = { name: "official", title: "C2PA Trust List", date: "2026-08-14", sha256: "00" };
  const panel = provenanceView({ ...STATED, credentials: { ...STATED.credentials, state: "trusted_official", trust_list, signals } });
  assert.deepEqual([...panel.querySelectorAll(".signals li")].map((item) => item.textContent), ["made by AI as a whole", "an image it contains: in English"]);
  assert.match(panel.textContent, /C2PA Trust List, 2026-08-14/);
});

test("a TrustMark is named with its payload", () => {
  const watermarks = [{ name: "TrustMark Q", agreement: 1, payload: "1011", scheme: "BCH_5", decoder: "00" }];
  const claims = [{ code: "trustmark", place: "pixels", message: "m" }];
  const panel = provenanceView({ ...STATED, claims, watermarks });
  assert.match(panel.querySelector("dl").textContent, /Watermark.*TrustMark Q, BCH_5, 1011/);
  assert.match(panel.querySelector('[data-code="trustmark"]').textContent, /an identifier/);
});

test("odd values inside are text or left out", () => {
  const evil = "<img src=x onerror=document.title='owned'>";
  const panel = provenanceView({
    credentials: { state: evil, message: evil, signer: evil, trust_list: evil, signals: [evil, { code: evil, message: evil }], actions: [{ action: evil }, 5] },
    claims: [{ code: evil, place: evil, message: evil }],
    findings: [{ code: "__proto__", message: evil }],
    generator: { name: evil, prompt: evil.repeat(50), settings: [[evil, evil], 3] },
    watermarks: [evil, { name: evil, payload: 5 }],
    camera: evil,
    encoder: { tables: evil },
  });
  assert.equal(panel.querySelectorAll("img").length, 0);
  assert.ok(panel.textContent.includes(evil));
  assert.doesNotMatch(panel.textContent, /undefined|NaN|\[object/);
});

test("a copy names the marks of its file that it lacks", () => {
  const claims = [...STATED.claims, { code: "new", place: "XMP", message: "in English" }];
  const signed = { ...STATED, claims, credentials: { ...STATED.credentials, found: true, state: "untrusted_signer" } };
  const [first, ...marks] = lostMarks(signed);
  assert.match(first, /this copy does not carry it/);
  assert.equal(marks.length, 3);
  assert.match(marks[0], /signer is not on the trust list/);
  assert.match(marks[1], /declared as AI-generated/);
  assert.equal(marks[2], "in English");
  const claimed = { ...STATED, credentials: { ...STATED.credentials, found: false, state: "absent" } };
  assert.equal(lostMarks(claimed).length, 2);
  assert.deepEqual(lostMarks({ ...claimed, claims: [] }), []);
  const linked = { ...claimed.credentials, remote: "https://example.org/m.c2pa" };
  assert.match(lostMarks({ ...claimed, claims: [], credentials: linked })[1], /https:\/\/example.org\/m.c2pa/);
  assert.deepEqual(lostMarks(undefined), []);
});
