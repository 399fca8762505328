// Addresses of servers and images. They may come from a page, so none of them is trusted.

const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/;
// Some browsers accept URLs whose hosts contain spaces and asterisks.
const HOST = /^(\[[\da-f:.]+\]|[\w.-]+)$/;
// Invisible characters, and those that change the order of visible ones.
const INVISIBLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const MAX_NAME_LENGTH = 80;

/** A typed server address, normalized to "http://host:port/path"; null if it is not a valid one. */
export function serverAddress(typed) {
  const trimmed = typed.trim();
  const url = parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`);
  if (!isWeb(url) || url.username || url.password || url.search || url.hash) return null;
  return url.origin + url.pathname.replace(/\/+$/, "");
}

/** The match pattern for permission to read an address: browsers ignore ports in it. */
export function hostPattern(address) {
  const url = parse(address);
  return isWeb(url) ? `${url.protocol}//${url.hostname}/*` : null;
}

export function isOnThisMachine(address) {
  return LOOPBACK.test(parse(address)?.hostname ?? "");
}

/** Whether the connection to it is unencrypted and leaves this machine. */
export function isUnprotected(address) {
  return parse(address)?.protocol === "http:" && !isOnThisMachine(address);
}

export function isSameOrigin(one, other) {
  const origin = parse(one)?.origin;
  return origin !== undefined && origin !== "null" && origin === parse(other)?.origin;
}

/** "host:port", for display. */
export function hostOf(address) {
  return parse(address)?.host ?? "";
}

/** A short name for the image at an address: the last part of its path, else the host, else "". */
export function imageName(address) {
  const url = parse(address);
  if (!isWeb(url)) return "";
  const last = url.pathname.split("/").filter(Boolean).pop() ?? "";
  return plainName(decoded(last)) || url.host;
}

/** A name without invisible characters, cut to the length that is shown and stored. */
export function plainName(name) {
  return Array.from(String(name).replace(INVISIBLE, "").trim()).slice(0, MAX_NAME_LENGTH).join("");
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function isWeb(url) {
  return /^https?:$/.test(url?.protocol ?? "") && HOST.test(url.hostname);
}

function parse(address) {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}
