import assert from "node:assert/strict";
import { createServer } from "node:net";
import test, { beforeEach, mock } from "node:test";
import { granted, load, serve, VERDICT } from "./harness.js";

const { detect, fetchStatus } = await load("core/detect.js");
const SERVER = "http://127.0.0.1:7860";
const IMAGE = new Blob(["any bytes"]);
const TIMEOUT = AbortSignal.timeout;
const FETCH = globalThis.fetch;
// What no text can be made of.
const NO_TEXT = { toString: 1, valueOf: 1 };

beforeEach(() => {
  mock.restoreAll();
  granted.clear();
  granted.add("http://127.0.0.1/*");
});

function failed(status, body, headers = {}) {
  return new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
}

async function detectWithoutWaiting(...answers) {
  const delays = [];
  mock.method(globalThis, "setTimeout", (callback, delay) => (delays.push(delay), queueMicrotask(callback)));
  const reasons = [];
  const requests = serve(...answers);
  const outcome = await detect(SERVER, IMAGE, (reason) => reasons.push(reason)).catch((fault) => fault);
  return { outcome, delays, reasons, requests };
}

const PLAIN = { words_only: false, never_say_real: false };

test("the status has the limit, the model and how to show verdicts", async () => {
  const wording = { words_only: true, never_say_real: true };
  serve(Response.json({ loaded: true, name: "m", version: "1", limits: { max_upload_bytes: 1000 }, wording }));
  assert.deepEqual(await fetchStatus(SERVER), { limit: 1000, model: { name: "m", version: "1" }, wording });
});

test("values that make no sense in the status are replaced", async () => {
  serve(Response.json({ loaded: true, name: NO_TEXT, limits: { max_upload_bytes: NO_TEXT }, wording: { words_only: NO_TEXT } }));
  assert.deepEqual(await fetchStatus(SERVER), { limit: 25 * 2 ** 20, model: { name: "", version: "" }, wording: PLAIN });
  serve(Response.json({ loaded: false, limits: { max_upload_bytes: 1e300 } }));
  assert.deepEqual(await fetchStatus(SERVER), { limit: 128 * 2 ** 20, model: null, wording: PLAIN });
});

for (const body of ["<h1>Welcome</h1>", "{}", "[]", '{"loaded": 1}', "null"]) {
  test(`another program that answers ${body} is not a Veraface server`, async () => {
    serve(new Response(body));
    await assert.rejects(fetchStatus(SERVER), { code: "not_veraface", details: { server: "127.0.0.1:7860" } });
  });
}

test("the image is sent without its name, cookies and redirects", async () => {
  const { outcome, requests } = await detectWithoutWaiting(Response.json(VERDICT));
  assert.deepEqual(outcome, VERDICT);
  const [{ address, method, credentials, redirect, body }] = requests;
  assert.deepEqual([address, method, credentials, redirect], [`${SERVER}/api/predict?prediction=false`, "POST", "omit", "error"]);
  assert.equal(body.get("image").name, "image");
});

for (const answer of [
  { ...VERDICT, p_fake: 7 },
  { ...VERDICT, p_fake: "0.5" },
  { ...VERDICT, verdict: NO_TEXT },
  { ...VERDICT, faces: {} },
  { ...VERDICT, reasons: {} },
  { ...VERDICT, thresholds: { real: 0.1 } },
  null,
]) {
  test(`an answer without a valid verdict is refused: ${JSON.stringify(answer)}`, async () => {
    const { outcome } = await detectWithoutWaiting(Response.json(answer));
    assert.equal(outcome.code, "not_veraface");
  });
}

test("errors of the server keep their code; messages of another type are dropped", async () => {
  const error = { code: "no_face", message: NO_TEXT };
  const { outcome } = await detectWithoutWaiting(failed(422, { error }));
  assert.deepEqual([outcome.code, outcome.details], ["no_face", { message: "" }]);
});

test("a busy server is asked again after the time it names", async () => {
  const notReady = failed(503, { error: { code: "not_ready", message: "x" } }, { "Retry-After": "1" });
  const slowDown = failed(429, "slow down", { "Retry-After": "3600" });
  const { outcome, delays, reasons } = await detectWithoutWaiting(notReady, slowDown, Response.json(VERDICT));
  assert.equal(outcome.verdict, "fake");
  assert.deepEqual(reasons, ["not_ready", "busy"]);
  assert.deepEqual(delays, [1000, 5000]);
});

test("a busy server is asked six times at most", async () => {
  const { outcome, requests } = await detectWithoutWaiting(failed(503, "slow down", { "Retry-After": "0" }));
  assert.equal(outcome.code, "busy");
  assert.equal(requests.length, 6);
});

test("a server without a model is not asked again", async () => {
  const { outcome, requests } = await detectWithoutWaiting(failed(503, { error: { code: "model_unavailable" } }));
  assert.equal(outcome.code, "model_unavailable");
  assert.equal(requests.length, 1);
});

test("an unreachable server and a missing permission are different errors", async () => {
  const refused = new TypeError("fetch failed");
  serve(refused);
  await assert.rejects(fetchStatus(SERVER), { code: "unreachable" });
  await assert.rejects(fetchStatus("https://veraface.test"), { code: "server_not_permitted" });
  granted.add("https://veraface.test/*");
  await assert.rejects(fetchStatus("https://veraface.test"), { code: "unreachable_elsewhere" });
});

test("a server that accepts the connection and never answers times out", async () => {
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  await new Promise((resolve) => silent.once("listening", resolve));
  const limits = [];
  mock.method(AbortSignal, "timeout", (ms) => (limits.push(ms), TIMEOUT.call(AbortSignal, 100)));
  globalThis.fetch = FETCH;
  await assert.rejects(fetchStatus(`http://127.0.0.1:${silent.address().port}`), { code: "timeout" });
  assert.deepEqual(limits, [5000]);
  silent.unref().close();
});
