// Takes what another app shares with the installed page; see "share_target" in the manifest. The service worker holds
// the files in memory until the page asks for them, so that they are never written to the disk.
import { showNotice } from "./notice.js";

const TIMEOUT_MS = 3000;

/**
 * Pass shared files to `addFiles`, or a shared address to `addLink`, if this page was opened to receive them. They wait
 * for a person's click: websites can send such a form too.
 */
export async function receiveShared(addFiles, addLink) {
  if (!new URLSearchParams(location.search).has("shared")) return;
  history.replaceState(null, "", location.pathname);
  const { files = [], link = "" } = await ask();
  if (files.length) addFiles(files, { wait: true });
  else if (link) addLink(link, { wait: true });
  else showNotice("share.lost");
}

async function ask() {
  const worker = navigator.serviceWorker?.controller;
  if (!worker) return {};
  const { port1, port2 } = new MessageChannel();
  const answered = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
  worker.postMessage("shared", [port2]);
  return Promise.race([answered, new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS, {}))]);
}
