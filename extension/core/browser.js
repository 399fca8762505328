// The extension interface, whose name differs: Firefox calls it `browser`, Chromium `chrome`.

export const browser = globalThis.browser ?? globalThis.chrome;
