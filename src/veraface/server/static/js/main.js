// The frame around the views: words, theme, the way pictures come in, and what is known of the server.
import { changes as checkChanges } from "./queue.js";
import { byId } from "./dom.js";
import { setUpIntake } from "./intake.js";
import { addKeys, setUpKeys } from "./keys.js";
import { fillIn, loadLanguage, setUpLanguageMenu, text } from "./language.js";
import { sayNotice } from "./notice.js";
import { setUpOffline, watchConnection } from "./offline.js";
import { sayView, startRouter } from "./router.js";
import { changes, isReachable, readStatus, status } from "./status.js";
import { take, takeLink } from "./addFiles.js";
import { setUpTheme } from "./theme.js";

const nameTheme = setUpTheme(byId("theme"));
const words = loadLanguage(); // comes while the rest is set up: nothing that a person does early is lost

setUpIntake(
  { input: byId("file"), veil: byId("veil") },
  (files) => words.then(() => take(files)),
  (link) => words.then(() => takeLink(link)),
);
changes.addEventListener("change", () => words.then(sayStatus));
watchConnection(readStatus);
// Where a picture meets no server, the page says so above, and asks until it is back.
checkChanges.addEventListener("change", ({ detail }) => detail?.failure?.code === "unreachable" && isReachable() && readStatus());
readStatus();

await words;
setUpKeys(byId("help"));
addKeys({ o: { says: "keys.choose", run: () => byId("file").click() } });
setUpLanguageMenu(byId("language"), sayAll);
sayAll();
await startRouter();
setUpOffline(); // last: nobody waits for it

// Everything that the page says, in the language of the moment.
function sayAll() {
  fillIn(document);
  nameTheme();
  sayStatus();
  sayNotice();
  sayView();
}

function sayStatus() {
  const said = status();
  byId("model").textContent = said?.loaded ? `${said.name} ${said.version}` : said ? text("footer.noModel") : "";
  const banner = byId("banner");
  const path = !isReachable() ? "banner.unreachable" : said && !said.loaded ? "banner.loading" : "";
  banner.hidden = !path;
  banner.textContent = path && text(path);
}
