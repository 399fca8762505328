// Outcomes of requests: what counts as a detection, a failure or a busy server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load, serve } from "./page.js";

const { bodyOf, detect, fetchCard, fetchForensicViews, fetchStatus, outcomeOf } = await load("api.js");
const { isDetection } = await load("validate.js");

const FACE = {
  ...{ box: [178, 58, 94, 122], landmarks: [], detection_score: 0.999, p_fake: 0.9, verdict: "fake", reasons: [] },
  heatmap: { box: [154, 42, 141, 152], grid: [[0.4, 0.9], [0.5, 0.6]] },
};
const ANSWER = {
  ...{ success: true, verdict: "fake", p_fake: 0.9, faces: [FACE], reasons: [], width: 512, height: 512, format: "JPEG" },
  model: { name: "veraface-lite0", version: "0.1.0", sha256: "0".repeat(64) },
  thresholds: { real: 0.2, fake: 0.8 },
  timing_ms: { decode: 3.2, faces: 21, model: 14.5, total: 38.7 },
};
const FILE = new Blob(["image"], { type: "image/jpeg" });

const response = (status, headers = {}) => new Response(null, { status, headers });
const send = (body, options) => {
  serve({ "/api/predict": new Response(typeof body === "string" ? body : JSON.stringify(body), options) });
  return detect(FILE, new AbortController().signal);
};

test("a complete answer is a detection", async () => {
  assert.equal(isDetection(ANSWER), true);
  assert.deepEqual(await send(ANSWER), { kind: "analyzed", answer: ANSWER });
});

test("a face that was not classified does not make an answer invalid", () => {
  const tooSmall = { ...FACE, p_fake: null, verdict: "uncertain", heatmap: undefined };
  assert.equal(isDetection({ ...ANSWER, faces: [FACE, tooSmall] }), true);
});

test("a heatmap may be turned", () => {
  assert.equal(isDetection({ ...ANSWER, faces: [{ ...FACE, heatmap: { ...FACE.heatmap, angle: -37.5 } }] }), true);
});

const INVALID = {
  "empty": "",
  "null": "null",
  "a list": "[]",
  "a web page": "<h1>It works!</h1>",
  "without fields": '{"success": true}',
  "no JSON number": '{"success": true, "p_fake": NaN}',
  "without faces": { ...ANSWER, faces: [] },
  "a box that is no box": { ...ANSWER, faces: [{ ...FACE, box: [0, 0, "12", null] }] },
  "a ragged heatmap": { ...ANSWER, faces: [{ ...FACE, heatmap: { box: [0, 0, 9, 9], grid: [[1, 2], [3]] } }] },
  "an angle that is no number": { ...ANSWER, faces: [{ ...FACE, heatmap: { ...FACE.heatmap, angle: "45" } }] },
  "a face that is null": { ...ANSWER, faces: [null] },
  "p_fake above 1": { ...ANSWER, p_fake: 17 },
  "p_fake as a string": { ...ANSWER, p_fake: "0.9" },
  "an unknown verdict": { ...ANSWER, verdict: "certain" },
  "no width": { ...ANSWER, width: 0 },
  "no thresholds": { ...ANSWER, thresholds: null },
  "no model": { ...ANSWER, model: null },
  "reasons as a string": { ...ANSWER, reasons: "none" },
  "no total time": { ...ANSWER, timing_ms: { decode: 1 } },
};
for (const [name, body] of Object.entries(INVALID)) {
  test(`an invalid answer is a failure and no verdict: ${name}`, async () => {
    const { kind, code } = await send(body);
    assert.deepEqual({ kind, code }, { kind: "failed", code: "other" });
  });
}

const PROXY = { 413: "image_too_large", 500: "other", 502: "unreachable", 504: "unreachable" };
for (const [status, code] of Object.entries(PROXY)) {
  test(`an error page of a proxy with status ${status} is ${code}`, async () => {
    const outcome = await send("<h1>nginx</h1>", { status: Number(status) });
    assert.deepEqual([outcome.kind, outcome.code, outcome.message], ["failed", code, ""]);
  });
}

for (const status of [429, 503]) {
  test(`status ${status} means busy, with the time that the server asks for`, async () => {
    const options = { status, headers: { "Retry-After": "3" } };
    const outcome = await send("<h1>Slow down</h1>", options);
    assert.deepEqual([outcome.kind, outcome.code, outcome.seconds], ["busy", "busy", 3]);
    const error = { code: "overloaded", message: "too much to do" };
    const own = await send({ success: false, error }, options);
    assert.deepEqual([own.kind, own.code, own.message], ["busy", "overloaded", "too much to do"]);
  });
}

test("a server without a model is not busy: waiting would not help", async () => {
  const outcome = await send({ success: false, error: { code: "model_unavailable", message: "" } }, { status: 503 });
  assert.deepEqual([outcome.kind, outcome.code], ["failed", "model_unavailable"]);
});

test("Retry-After is seconds or a date; 2 s where it is missing or invalid", () => {
  const seconds = (value) => outcomeOf(response(503, value === null ? {} : { "Retry-After": value }), null).seconds;
  assert.equal(seconds("600"), 600);
  assert.equal(seconds("0"), 0);
  assert.equal(seconds(null), 2);
  assert.equal(seconds("soon"), 2);
  assert.ok(Math.abs(seconds(new Date(Date.now() + 30_000).toUTCString()) - 30) < 20);
  assert.equal(seconds(new Date(Date.now() - 30_000).toUTCString()), 0);
});

const ODD_ERRORS = ["words", { code: 5, message: null }, {}, { code: "__proto__", message: { a: 1 } }];
for (const error of ODD_ERRORS) {
  test(`an error of another form is a failure with text in its fields: ${JSON.stringify(error)}`, async () => {
    const outcome = await send({ success: false, error }, { status: 400 });
    assert.equal(outcome.kind, "failed");
    assert.equal(outcome.code, typeof error.code === "string" ? error.code : "other");
    assert.equal(outcome.message, "");
  });
}

test("a failure keeps the image's size and faces, and nothing else of an invalid answer", () => {
  const answer = { width: 512, height: 512, faces: [], error: { code: "no_face", message: "" } };
  assert.equal(outcomeOf(response(422), answer).answer, answer);
  assert.deepEqual(outcomeOf(response(422), { ...answer, width: "512" }).answer, {});
});

test("a request that fails is unreachable; one that was aborted has no outcome", async () => {
  globalThis.fetch = () => Promise.reject(new TypeError("Failed to fetch"));
  assert.equal((await detect(FILE, new AbortController().signal)).code, "unreachable");
  assert.equal(await detect(FILE, AbortSignal.abort()), null);
});

const VIEW = { name: "noise", media_type: "image/webp", data: "UklGRg==" };
const INVALID_VIEWS = {
  "SVG, which may hold scripts": [{ ...VIEW, media_type: "image/svg+xml", data: "PHN2Zz48L3N2Zz4=" }],
  "data that is not Base64": [{ ...VIEW, data: '"><img src=https://example.org>' }],
  "null": [null],
  "a string": "noise",
  "none": [],
};
for (const [name, views] of Object.entries(INVALID_VIEWS)) {
  test(`forensic views of another form are never shown: ${name}`, async () => {
    serve({ "/api/evidence": { success: true, views } });
    assert.equal((await fetchForensicViews({ file: FILE }, new AbortController().signal)).kind, "failed");
  });
}

test("forensic views are asked for with the file, or with the link", async () => {
  for (const [check, field] of [[{ file: FILE }, "image"], [{ link: "https://example.com/a.jpg" }, "url"]]) {
    let form;
    serve({ "/api/evidence": (_, options) => ((form = options.body), { success: true, views: [VIEW] }) });
    assert.equal((await fetchForensicViews(check, new AbortController().signal)).kind, "views");
    assert.deepEqual([...form.keys()], [field]);
  }
});

test("a status of another form counts as no server", async () => {
  const limits = { max_upload_bytes: 1, max_pixels: 1, links: false };
  for (const [status, valid] of [
    [{ loaded: true, limits }, true],
    [{ loaded: false, limits }, true],
    [{ loaded: true, limits: "none" }, false],
    [{ loaded: "yes", limits }, false],
    [null, false],
  ]) {
    serve({ "/api/model-status": status });
    assert.deepEqual(await fetchStatus(), valid ? status : null);
  }
});

test("a card that cannot be had is null", async () => {
  serve({ "/api/model": new Response("{}", { status: 503 }) });
  assert.equal(await fetchCard(), null);
  serve({ "/api/model": new Response("no JSON") });
  assert.equal(await fetchCard(), null);
});

test("a body that is no JSON is null", async () => {
  assert.equal(await bodyOf(new Response("<h1>nginx</h1>")), null);
  assert.deepEqual(await bodyOf(new Response("[1]")), [1]);
});
