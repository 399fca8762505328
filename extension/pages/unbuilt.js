// Says at once that the folder with the source code was loaded.
const api = globalThis.browser ?? globalThis.chrome;
api.runtime.onInstalled.addListener(() => api.tabs.create({ url: api.runtime.getURL("pages/unbuilt.html") }));
