// Reads a picture's bytes from where a page has it. Runs in the worker, which the page cannot interfere with.
import { hostOf, hostPattern, isOnThisMachine } from "./addresses.js";
import { browser } from "./browser.js";
import { Fault } from "./fault.js";

const PATIENCE = 20_000; // ms for one picture
const LONGEST_DATA = 64 * 2 ** 20; // characters of a data: address

/**
 * The picture at an http, https or data address, as a Blob.
 *
 * Asked for without cookies first; with them only where that brings no picture and `cookies` allows it, as the page
 * itself has them. Never with cookies to wherever the host points on to.
 */
export async function readPicture(address, { limit, cookies = false }) {
  if (address.length > LONGEST_DATA) throw new Fault("image_too_large");
  if (address.startsWith("data:")) return readOnce(address, limit, {});
  if (!hostPattern(address)) throw new Fault("picture_unreadable", { host: hostOf(address) });
  try {
    return await readOnce(address, limit, { credentials: "omit" });
  } catch (fault) {
    // Never on this machine: no page is to have the extension go where only a log-in leads.
    if (!cookies || isOnThisMachine(address) || fault.code !== "picture_unreadable") throw fault;
    return readOnce(address, limit, { credentials: "include", redirect: "error" });
  }
}

async function readOnce(address, limit, options) {
  const signal = AbortSignal.timeout(PATIENCE);
  const host = hostOf(address);
  try {
    const response = await fetch(address, { ...options, signal, referrerPolicy: "no-referrer" });
    const kind = response.headers.get("Content-Type") ?? "";
    // A page instead of a picture: a log-in, or a refusal.
    if (!response.ok || kind.startsWith("text/html")) throw new Fault("picture_unreadable", { host });
    return await collect(response, limit);
  } catch (error) {
    if (error instanceof Fault) throw error;
    if (signal.aborted) throw new Fault("picture_timeout", { host });
    throw new Fault((await mayRead(address)) ? "picture_unreadable" : "not_permitted", { host });
  }
}

async function collect(response, limit) {
  const declared = Number(response.headers.get("Content-Length") ?? 0);
  if (declared > limit) throw new Fault("image_too_large", { size: declared, most: limit });
  const parts = [];
  let size = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts);
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw new Fault("image_too_large", { most: limit });
    }
    parts.push(value);
  }
}

async function mayRead(address) {
  const pattern = hostPattern(address);
  if (!pattern) return true;
  return browser.permissions.contains({ origins: [pattern] }).catch(() => false);
}
