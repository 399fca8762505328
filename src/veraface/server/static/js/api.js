// Talks to the server. Never throws for a failed request: every outcome is an object with `kind`.
import { serverPath } from "./dom.js";
import { isBusy, retryAfter } from "./retry.js";
import { areFaces, areViews, isDetection, isStatus } from "./validate.js";

// Codes for error pages of a proxy in front of the server.
const MEANT = { 413: "image_too_large", 429: "busy", 502: "unreachable", 503: "busy", 504: "unreachable" };
// Without one of two classes, which a server that never says real gives for no real image.
const DETECT = "/api/predict?heatmap=true&prediction=false";
const DEFAULT_WAIT_S = 2; // for a busy server that sends no Retry-After

/** Return the limits and the model of the server; null if it cannot be reached. */
export async function fetchStatus() {
  const status = await fetchJson("/api/model-status");
  return isStatus(status) ? status : null;
}

/** Return the model card; null if it cannot be loaded. */
export function fetchCard() {
  return fetchJson("/api/model");
}

/**
 * Send one image.
 *
 * Returns { kind: "analyzed", answer }, { kind: "failed", code, message, answer }, or, where it may be sent again,
 * { kind: "busy", code, message, answer, seconds }; null where `signal` ended it.
 */
export function detect(file, signal) {
  const form = new FormData();
  form.append("image", file, file.name || "image");
  return send(form, signal);
}

/** Have the server fetch and analyze the image at an address, if it fetches links; returns as detect() does. */
export function detectLink(link, signal) {
  const form = new FormData();
  form.append("url", link);
  return send(form, signal);
}

/**
 * Request the forensic views of a check's image.
 *
 * Returns { kind: "views", answer }, else as detect() does.
 */
export function fetchForensicViews({ file, link }, signal) {
  const form = new FormData();
  if (file) form.append("image", file, file.name || "image");
  else form.append("url", link);
  return send(form, signal, "/api/evidence", (answer) => areViews(answer?.views) && "views");
}

async function send(form, signal, address = DETECT, fits = (answer) => isDetection(answer) && "analyzed") {
  try {
    const response = await fetch(serverPath(address), { method: "POST", body: form, signal });
    return outcomeOf(response, await bodyOf(response), fits);
  } catch {
    if (signal.aborted) return null;
    return { kind: "failed", code: "unreachable", message: "", answer: {} };
  }
}

// A connection that breaks off throws; words that are no JSON are null.
export async function bodyOf(response) {
  const words = await response.text();
  try {
    return JSON.parse(words);
  } catch {
    return null;
  }
}

export function outcomeOf(response, answer, fits = () => null) {
  const kind = response.ok && fits(answer);
  if (kind) return { kind, answer };
  const textOf = (name) => (typeof answer?.error?.[name] === "string" ? answer.error[name] : null);
  const code = textOf("code") ?? MEANT[response.status] ?? "other";
  const kindOfFailure = isBusy(response, code) ? "busy" : "failed";
  const shown = areFaces(answer) ? answer : {};
  const seconds = retryAfter(response, DEFAULT_WAIT_S);
  return { kind: kindOfFailure, code, message: textOf("message") ?? "", answer: shown, seconds };
}

async function fetchJson(address) {
  try {
    const response = await fetch(serverPath(address));
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}
