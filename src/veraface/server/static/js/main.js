// The frame around the views: words, theme, the way pictures come in, and what is known of the server.
import { changes as checkChanges } from "./queue.js";
import { byId } from "./dom.js";
import { setUpIntake } from "./intake.js";
import { addKeys, setUpKeys } from "./keys.js";
import { fillIn, loadLanguage, setUpLanguageMenu, text } from "./language.js";
import { renderNotice } from "./notice.js";
import { setUpOffline, watchConnection } from "./offline.js";
import { renderView, startRouter } from "./router.js";
import { changes, isReachable, readStatus, status } from "./status.js";
import { addFiles, addLink } from "./addFiles.js";
import { setUpTheme } from "./theme.js";

const nameTheme = setUpTheme(byId("theme"));
const words = loadLanguage(); // comes while the rest is set up: nothing that a person does early is lost

setUpIntake(
  { input: byId("file"), veil: byId("veil") },
  (files) => words.then(() => addFiles(files)),
  (link) => words.then(() => addLink(link)),
);
changes.addEventListener("change", () => words.then(renderStatus));
watchConnection(readStatus);
// Where a picture meets no server, the page says so above, and asks until it is back.
checkChanges.addEventListener("change", ({ detail }) => detail?.failure?.code === "unreachable" && isReachable() && readStatus());
readStatus();

await words;
setUpKeys(byId("help"));
addKeys({ o: { label: "keys.choose", run: () => byId("file").click() } });
setUpLanguageMenu(byId("language"), renderAll);
renderAll();
await startRouter();
setUpOffline(); // last: nobody waits for it

// Everything that the page says, in the language of the moment.
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
  const banner = byId("banner");
  const path = !isReachable() ? "banner.unreachable" : current && !current.loaded ? "banner.loading" : "";
  banner.hidden = !path;
  banner.textContent = path && text(path);
}
