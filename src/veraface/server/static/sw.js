// Keeps the page's own files, so that it opens without its server. Never an image, an answer or anything else.

const ROOT = new URL(".", self.location).pathname.slice(0, -1); // "/veraface" behind a proxy that serves the page there
const FAMILY = "veraface-shell-";
const CACHE = `${FAMILY}1`;
const PATIENCE = 3000; // ms for a server that is there but does not answer, before the kept copy is shown

// The addresses of js/router.js: at each of them is the same document. No other page is touched.
const VIEWS = /^\/(history|dashboard|about|verify|result\/[\w-]+)?$/;

// Shared by another app with the installed page, until it asks: { files, link }. In memory only.
let shared = {};

let renewing = null; // promise of all files in the version that the server has now

// All files of the page; a test compares the list with the folder. Other languages are kept once they are used.
const SHELL = [
  "css/about.css",
  "css/base.css",
  "css/dashboard.css",
  "css/dialog.css",
  "css/docs.css",
  "css/forensics.css",
  "css/frame.css",
  "css/history.css",
  "css/intake.css",
  "css/panel.css",
  "css/print.css",
  "css/queue.css",
  "css/tokens.css",
  "css/verdict.css",
  "css/verify.css",
  "css/video.css",
  "css/viewer.css",
  "favicon.svg",
  "icons/icon-192.png",
  "icons/icon-512.png",
  "icons/maskable-512.png",
  "js/about/card.js",
  "js/about/examples.js",
  "js/addFiles.js",
  "js/answer.js",
  "js/answerCard.js",
  "js/answerSheet.js",
  "js/api.js",
  "js/camera.js",
  "js/card.js",
  "js/closeup.js",
  "js/dashboard/attacks.js",
  "js/dashboard/colors.js",
  "js/dashboard/confusion.js",
  "js/dashboard/curves.js",
  "js/dashboard/examples.js",
  "js/dashboard/figures.js",
  "js/dashboard/gauge.js",
  "js/dashboard/glance.js",
  "js/dashboard/kinds.js",
  "js/dashboard/localStats.js",
  "js/dashboard/normalizeCard.js",
  "js/dashboard/parts.js",
  "js/dashboard/plotOverlay.js",
  "js/dashboard/plots.js",
  "js/dashboard/reading.js",
  "js/dashboard/reliability.js",
  "js/dashboard/roc.js",
  "js/dashboard/scores.js",
  "js/dashboard/sizes.js",
  "js/dashboard/sources.js",
  "js/dashboard/summary.js",
  "js/dashboard/tiers.js",
  "js/dashboard/words.js",
  "js/dashboard/worstSlices.js",
  "js/decision.js",
  "js/dom.js",
  "js/duplicates.js",
  "js/export.js",
  "js/faceSize.js",
  "js/fault.js",
  "js/findings.js",
  "js/folders.js",
  "js/forensicViews.js",
  "js/format.js",
  "js/game.js",
  "js/handOn.js",
  "js/heatmap.js",
  "js/history.js",
  "js/historyCard.js",
  "js/historyDialog.js",
  "js/historyStats.js",
  "js/historyTools.js",
  "js/historyUndo.js",
  "js/hold.js",
  "js/images.js",
  "js/intake.js",
  "js/keys.js",
  "js/language.js",
  "js/main.js",
  "js/menu.js",
  "js/notice.js",
  "js/offline.js",
  "js/provenance.js",
  "js/queue.js",
  "js/report.js",
  "js/resultToolbar.js",
  "js/retry.js",
  "js/router.js",
  "js/rovingTabindex.js",
  "js/samples.js",
  "js/share.js",
  "js/snapshot.js",
  "js/status.js",
  "js/storage.js",
  "js/styles.js",
  "js/theme.js",
  "js/themeBootstrap.js",
  "js/thresholds.js",
  "js/trusted.js",
  "js/validate.js",
  "js/verdict.js",
  "js/verdictFilters.js",
  "js/verdictParts.js",
  "js/video/detect.js",
  "js/video/files.js",
  "js/video/handOn.js",
  "js/video/keyFrames.js",
  "js/video/panel.js",
  "js/video/player.js",
  "js/video/summaryImage.js",
  "js/video/timeline.js",
  "js/video/times.js",
  "js/viewer.js",
  "js/views/about.js",
  "js/views/analyse.js",
  "js/views/dashboard.js",
  "js/views/history.js",
  "js/views/missing.js",
  "js/views/result.js",
  "js/views/verify.js",
  "js/views/video.js",
  "js/waiting.js",
  "js/whereElse.js",
  "js/wording.js",
  "js/worklist.js",
  "js/wrongAnswer.js",
  "js/zoom.js",
  "languages/en.json",
  "manifest.webmanifest",
  "vendor/idb/idb.js",
  "vendor/panzoom/panzoom.js",
  "vendor/uplot/uPlot.css",
  "vendor/uplot/uPlot.js",
];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then(fill));
  self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const old = (await caches.keys()).filter((name) => name.startsWith(FAMILY) && name !== CACHE);
      await Promise.all(old.map((name) => caches.delete(name)));
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method === "POST" && origin === location.origin && pathname === `${ROOT}/share`) {
    event.respondWith(receive(request));
    return;
  }
  if (request.method !== "GET" || origin !== location.origin || !pathname.startsWith(`${ROOT}/`)) return;
  const path = pathname.slice(ROOT.length);
  if (path.startsWith("/static/")) event.respondWith(freshOrKept(event, pathname));
  else if (request.mode === "navigate" && VIEWS.test(path)) event.respondWith(freshOrKept(event, `${ROOT}/`));
});

self.addEventListener("message", ({ data, ports: [port] }) => {
  if (data !== "shared") return;
  port.postMessage(shared);
  shared = {};
});

// A share from another app (manifest: "share_target"). js/share.js takes it once the page is there.
async function receive(request) {
  const form = await request.formData();
  const words = [form.get("url"), form.get("text")].filter(Boolean).join(" ");
  shared = { files: form.getAll("files"), link: words.match(/https?:\/\/\S+/)?.[0] ?? "" };
  return Response.redirect(`${ROOT}/?shared`, 303);
}

// The server's copy where it answers in time, so that an update shows at once; else the one kept under `key`.
async function freshOrKept(event, key) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(key);
  const fresh = fetch(event.request).then((answer) => {
    if (answer.status >= 500) return kept ?? answer; // a proxy in front of a server that is down
    const tag = answer.headers.get("ETag"); // null where a proxy removes it
    const isOther = kept?.headers.get("ETag") !== tag;
    if (answer.ok && (isOther || !tag)) keep(event, cache, key, answer.clone());
    if (answer.ok && kept && isOther) renew(event, cache);
    return answer;
  });
  if (!kept) return fresh;
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE, kept));
  return Promise.race([fresh.catch(() => kept), late]);
}

function fill(cache) {
  return cache.addAll([`${ROOT}/`, ...SHELL.map((name) => `${ROOT}/static/${name}`)]);
}

// The server has another version of the page: what was not asked for yet must not stay behind, since old and new files
// do not fit together. Whatever does not come now comes when it is asked for.
function renew(event, cache) {
  renewing ??= renewAll(cache).catch(() => {}).finally(() => (renewing = null));
  lastThrough(event, renewing);
}

async function renewAll(cache) {
  await fill(cache);
  const others = (await cache.keys()).filter(({ url }) => new URL(url).pathname.startsWith(`${ROOT}/static/languages/`));
  await Promise.all(others.map((request) => cache.add(request)));
}

// No room to keep it is no reason not to show it.
function keep(event, cache, key, answer) {
  lastThrough(event, cache.put(key, answer).catch(() => {}));
}

function lastThrough(event, work) {
  try {
    event.waitUntil(work);
  } catch {
    // The answer came after the kept one had been shown; the work goes on as long as the worker runs.
  }
}
