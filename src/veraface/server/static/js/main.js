// The frame around the views: language, theme, adding files, and the status of the server.
import { addFiles, addLink } from "./addFiles.js";
import { byId } from "./dom.js";
import { setUpIntake } from "./intake.js";
import { addKeys, setUpKeys } from "./keys.js";
import { fillIn, loadLanguage, setUpLanguageMenu, text } from "./language.js";
import { renderNotice } from "./notice.js";
import { setUpOffline, watchConnection } from "./offline.js";
import { changes as checkChanges } from "./queue.js";
import { renderView, startRouter } from "./router.js";
import { receiveShared } from "./share.js";
import { changes, isReachable, readStatus, status } from "./status.js";
import { setUpTheme } from "./theme.js";
import { setWording } from "./wording.js";

const nameTheme = setUpTheme(byId("theme"));
const words = loadLanguage(); // comes while the rest is set up: nothing that a person does early is lost

setUpIntake(
  { input: byId("file"), veil: byId("veil") },
  (files, options) => words.then(() => addFiles(files, options)),
  (link) => words.then(() => addLink(link)),
);
changes.addEventListener("change", () => words.then(() => (setWording(status()?.wording) ? renderAll() : renderStatus())));
watchConnection(readStatus);
// After an unreachable request, show the banner and poll until the server is back.
checkChanges.addEventListener("change", ({ detail }) => detail?.failure?.code === "unreachable" && isReachable() && readStatus());
readStatus();

await words;
setUpKeys(byId("help"));
addKeys({ o: { label: "keys.choose", run: () => byId("file").click() } });
setUpLanguageMenu(byId("language"), renderAll);
renderAll();
await startRouter();
receiveShared(addFiles, addLink);
setUpOffline(); // last: nothing depends on it

// All texts of the page in the current language.
function renderAll() {
  fillIn(document);
  nameTheme();
  renderStatus();
  renderNotice();
  renderView();
}

function renderStatus() {
  const current = status();
  byId("model").textContent = current?.loaded ? `${current.name} ${current.version}` : current ? text("footer.noModel") : "";
  byId("verify-link").hidden = !current?.limits.reports;
  const banner = byId("banner");
  const path = !isReachable() ? "banner.unreachable" : current && !current.loaded ? "banner.loading" : "";
  banner.hidden = !path;
  banner.textContent = path && text(path);
}
