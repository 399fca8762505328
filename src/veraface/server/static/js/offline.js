// Offline use: registers the service worker and reports changes of the connection.
import { serverPath } from "./dom.js";
import { scriptUrl } from "./trusted.js";

/** Installs the service worker, where there can be one: on https and on this machine. */
export async function setUpOffline() {
  if (!("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register(scriptUrl(serverPath("/sw.js")));
  } catch {
    // Private windows and some settings allow none. The page works without, as long as there is a server.
  }
}

/** Calls `report()` whenever the browser goes offline or comes back, and when a page that lay aside is looked at. */
export function watchConnection(report) {
  addEventListener("offline", report);
  addEventListener("online", report);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && report());
}
