// Talks to the Veraface server. What does not lead to a verdict is thrown as a Fault.
import { hostOf, hostPattern, isOnThisMachine } from "./addresses.js";
import { browser } from "./browser.js";
import { Fault } from "./fault.js";

const STATUS_PATIENCE = 5_000; // ms
const VERDICT_PATIENCE = 25_000; // browsers end a worker that waits for more than 30 s
const TRIES = 6; // of a busy server
const LONGEST_WAIT = 5; // seconds between two of them
const DEFAULT_LIMIT = 25 * 2 ** 20; // bytes, where the server does not say
const MOST_EVER = 128 * 2 ** 20; // bytes, whatever it says

/** What the server says of itself: { limit } in bytes, and the model's { name, version }, null until it is loaded. */
export async function askStatus(server) {
  const { response, answer } = await ask(server, "/api/model-status", {}, STATUS_PATIENCE);
  if (!response.ok || typeof answer?.loaded !== "boolean") throw new Fault("not_veraface", { server: hostOf(server) });
  const said = answer.limits?.max_upload_bytes;
  const limit = typeof said === "number" && said > 0 ? Math.min(said, MOST_EVER) : DEFAULT_LIMIT;
  return { limit, model: answer.loaded ? { name: plain(answer.name), version: plain(answer.version) } : null };
}

/** The server's answer on a picture; `waiting(code)` is called whenever it is busy or not ready and asked again. */
export async function judge(server, blob, waiting) {
  for (let tried = 1; ; tried += 1) {
    const body = new FormData();
    body.append("image", blob, "picture"); // its name is no business of the server's
    const { response, answer } = await ask(server, "/api/predict", { method: "POST", body }, VERDICT_PATIENCE);
    if (response.ok && isVerdict(answer)) return answer;
    const { code, message } = failure(server, response, answer);
    const busy = [429, 503].includes(response.status) && code !== "model_unavailable";
    if (!busy) throw new Fault(code, { message });
    const known = code === "not_ready" ? code : "busy";
    if (tried === TRIES) throw new Fault(known);
    await waiting(known);
    await new Promise((resolve) => setTimeout(resolve, 1000 * pause(response)));
  }
}

async function ask(server, path, options, patience) {
  const details = { server: hostOf(server) };
  const signal = AbortSignal.timeout(patience);
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
  if (typeof code === "string" && !response.ok) return { code, message: plain(message) };
  // A busy server may be shielded by one that answers for it, in its own words.
  if ([429, 503].includes(response.status)) return { code: "busy", message: "" };
  throw new Fault("not_veraface", { server: hostOf(server) });
}

// Text that the server says, whatever it is that it says.
function plain(said) {
  return typeof said === "string" ? said : "";
}

// Seconds, as Retry-After says; a date there is taken for "a moment".
function pause(response) {
  const said = Number(response.headers.get("Retry-After") ?? 1);
  return said >= 0 ? Math.min(said, LONGEST_WAIT) : 1;
}

function isVerdict(answer) {
  const { verdict, p_fake: chance, thresholds, faces, reasons } = answer ?? {};
  const isShare = (value) => typeof value === "number" && value >= 0 && value <= 1;
  return (
    ["fake", "real", "uncertain"].includes(verdict) &&
    isShare(chance) &&
    isShare(thresholds?.real) &&
    isShare(thresholds?.fake) &&
    Array.isArray(faces) &&
    Array.isArray(reasons)
  );
}
