// Requests to the Veraface server. Whatever does not lead to a verdict is thrown as a Fault.
import { isBusy, retryAfter } from "../../src/veraface/server/static/js/retry.js";
import { isChance } from "../../src/veraface/server/static/js/validate.js";
import { hostOf, hostPattern, isOnThisMachine } from "./addresses.js";
import { browser } from "./browser.js";
import { Fault } from "./fault.js";

const STATUS_TIMEOUT_MS = 5_000;
const DETECT_TIMEOUT_MS = 25_000; // browsers end a service worker that waits for more than 30 s
const MAX_ATTEMPTS = 6; // with a busy server
const DEFAULT_WAIT_S = 1; // between two attempts, where the server does not send Retry-After
const MAX_WAIT_S = 5;
const DEFAULT_MAX_BYTES = 25 * 2 ** 20; // where the server does not report its limit
const MAX_BYTES = 128 * 2 ** 20; // whatever limit the server reports
const VERDICTS = ["fake", "real", "uncertain"];

/**
 * The server's upload limit in bytes, its model's { name, version }, null until it is loaded, and its `wording`: whether
 * it has verdicts shown in words only, and without calling anything real.
 */
export async function fetchStatus(server) {
  const { response, answer } = await request(server, "/api/model-status", {}, STATUS_TIMEOUT_MS);
  if (!response.ok || typeof answer?.loaded !== "boolean") throw new Fault("not_veraface", { server: hostOf(server) });
  const reported = answer.limits?.max_upload_bytes;
  const limit = typeof reported === "number" && reported > 0 ? Math.min(reported, MAX_BYTES) : DEFAULT_MAX_BYTES;
  const wording = { words_only: answer.wording?.words_only === true, never_say_real: answer.wording?.never_say_real === true };
  return { limit, wording, model: answer.loaded ? { name: textOf(answer.name), version: textOf(answer.version) } : null };
}

/** The server's answer for an image; `waiting(code)` is called before each further attempt with a busy server. */
export async function detect(server, blob, waiting) {
  for (let attempt = 1; ; attempt += 1) {
    const body = new FormData();
    body.append("image", blob, "image"); // the image's real name is not sent
    const { response, answer } = await request(server, "/api/predict?prediction=false", { method: "POST", body }, DETECT_TIMEOUT_MS);
    if (response.ok && isVerdict(answer)) return answer;
    const { code, message } = failure(server, response, answer);
    if (!isBusy(response, code)) throw new Fault(code, { message });
    const reason = code === "not_ready" ? code : "busy";
    if (attempt === MAX_ATTEMPTS) throw new Fault(reason);
    await waiting(reason);
    const seconds = Math.min(retryAfter(response, DEFAULT_WAIT_S), MAX_WAIT_S);
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  }
}

async function request(server, path, options, timeoutMs) {
  const details = { server: hostOf(server) };
  const signal = AbortSignal.timeout(timeoutMs);
  let response;
  try {
    response = await fetch(server + path, { ...options, signal, credentials: "omit", redirect: "error", cache: "no-store" });
  } catch {
    if (signal.aborted) throw new Fault("timeout", details);
    const allowed = await browser.permissions.contains({ origins: [hostPattern(server)] }).catch(() => false);
    if (!allowed) throw new Fault("server_not_permitted", details);
    throw new Fault(isOnThisMachine(server) ? "unreachable" : "unreachable_elsewhere", details);
  }
  try {
    return { response, answer: await response.json() };
  } catch {
    if (signal.aborted) throw new Fault("timeout", details);
    return { response, answer: null };
  }
}

function failure(server, response, answer) {
  const { code, message } = answer?.error ?? {};
  if (typeof code === "string" && !response.ok) return { code, message: textOf(message) };
  // A proxy may answer for a busy server with a page of its own.
  if (isBusy(response)) return { code: "busy", message: "" };
  throw new Fault("not_veraface", { server: hostOf(server) });
}

// The server's answer is not trusted: a value of another type counts as no text.
function textOf(value) {
  return typeof value === "string" ? value : "";
}

/** Whether it is a server's answer with a verdict; what is beside it may still be anything. */
export function isVerdict(answer) {
  const { verdict, p_fake: chance, thresholds, faces, reasons } = answer ?? {};
  return (
    VERDICTS.includes(verdict) &&
    isChance(chance) &&
    isChance(thresholds?.real) &&
    isChance(thresholds?.fake) &&
    Array.isArray(faces) &&
    Array.isArray(reasons)
  );
}
