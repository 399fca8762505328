// The status of the server: limits, model, reachability.
import { fetchStatus } from "./api.js";

const RETRY_MS = 2000; // between two requests to a server that is not ready

/** Event "change" whenever the status changes. */
export const changes = new EventTarget();

let latest = null; // its last answer
let reachable = true;
let timer = 0;

/** Return { loaded, limits, name, version }, or null before the first answer. */
export function status() {
  return latest;
}

/** Return whether the last request was answered. */
export function isReachable() {
  return reachable;
}

/** Request the status now, and again until the model is loaded. */
export async function readStatus() {
  clearTimeout(timer);
  const answer = await fetchStatus();
  reachable = answer !== null;
  latest = answer ?? latest;
  changes.dispatchEvent(new Event("change"));
  if (!answer?.loaded) timer = setTimeout(readStatus, RETRY_MS);
}
