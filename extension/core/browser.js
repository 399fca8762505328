// The WebExtension API: `browser` in Firefox, `chrome` in Chromium.

export const browser = globalThis.browser ?? globalThis.chrome;
