// When a request may be repeated, for the page and the browser extension.

const BUSY = [429, 503];

/** Whether the same request can succeed later. Without a model it cannot. */
export function isBusy(response, code) {
  return BUSY.includes(response.status) && code !== "model_unavailable";
}

/** Seconds to wait according to Retry-After (RFC 9110, 10.2.3: seconds or a date), or `fallback` without a valid one. */
export function retryAfter(response, fallback) {
  const value = response.headers.get("Retry-After");
  const seconds = /^\d+$/.test(value ?? "") ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : fallback;
}
