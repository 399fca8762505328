// How to call Veraface from a program: examples that work as they stand, a tab each.
import { byId, element, serverPath } from "../dom.js";
import { text } from "../language.js";

const FEEDBACK_MS = 2500; // how long a button shows its outcome

const CURL = (server) => `curl -F image=@photo.jpg ${server}/api/v1/detect`;

const PYTHON = (server) => `import httpx

with open("photo.jpg", "rb") as image:
    answer = httpx.post("${server}/api/v1/detect", files={"image": image}, timeout=60).json()

if "error" in answer:
    print(answer["error"]["code"])
else:
    print(answer["verdict"], answer["p_fake"])`;

const JAVASCRIPT = (server) => `import { readFile } from "node:fs/promises";

const form = new FormData();
form.append("image", new Blob([await readFile("photo.jpg")]), "photo.jpg");

const response = await fetch("${server}/api/v1/detect", { method: "POST", body: form });
const answer = await response.json();
console.log(answer.error ? answer.error.code : \`\${answer.verdict} \${answer.p_fake}\`);`;

const LIBRARY = () => `from veraface import Detector

result = Detector().detect("photo.jpg")
print(result.verdict, result.p_fake)`;

const COMMAND = () => `veraface detect photo.jpg
veraface detect photo.jpg --json
veraface detect photo.jpg --heatmap evidence.png`;

const ANSWER = `{
  "verdict": "fake",
  "p_fake": 0.972,
  "faces": [
    { "box": [120.5, 80.1, 210.0, 260.4], "p_fake": 0.972, "verdict": "fake", "reasons": [], … }
  ],
  …
}`;

/** The tabs, and what comes back. */
export function examples() {
  const all = [
    example("curl", { translate: "no" }, "curl", element("p", { "data-text": "about.api.curl" }), CURL),
    example("python", { translate: "no" }, "Python", element("p", { "data-text": "about.api.python" }), PYTHON),
    example("javascript", { translate: "no" }, "JavaScript", element("p", { "data-text": "about.api.javascript" }), JAVASCRIPT),
    example("library", { "data-text": "about.api.libraryName" }, "", element("p", { "data-text": "about.api.library" }), LIBRARY),
    example("command", { "data-text": "about.api.commandName" }, "", element("p", { "data-text": "about.api.command" }), COMMAND),
  ];
  const tabs = all.map(({ tab }) => tab);
  const choose = (tab) => {
    for (const { tab: one, panel } of all) {
      one.setAttribute("aria-selected", String(one === tab));
      one.tabIndex = one === tab ? 0 : -1;
      panel.hidden = one !== tab;
    }
  };
  for (const tab of tabs) tab.addEventListener("click", () => choose(tab));
  const list = element("div", { class: "tabs", role: "tablist", "data-label": "about.api.tabs" }, tabs);
  list.addEventListener("keydown", (event) => {
    const to = neighbor(tabs, event);
    if (!to) return;
    event.preventDefault();
    choose(to);
    to.focus();
    to.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  choose(tabs[0]);
  return element(
    "div",
    { class: "examples" },
    list,
    all.map(({ panel }) => panel),
    element("h3", { "data-text": "about.api.answer" }),
    element("p", { "data-text": "about.api.answerDetail" }),
    codeBox(ANSWER),
    element("p", { "data-text": "about.api.failure" }),
  );
}

function example(name, attributes, label, detail, code) {
  const tab = element(
    "button",
    { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `example-${name}`, ...attributes },
    label,
  );
  const box = codeBox(code(location.origin + serverPath("")), `tab-${name}`);
  const copy = element("button", { type: "button", class: "quiet copy", "data-text": "about.api.copy", "aria-describedby": `tab-${name}` });
  copy.addEventListener("click", () => hand(box.querySelector("code"), copy));
  const panel = element(
    "div",
    { role: "tabpanel", id: `example-${name}`, "aria-labelledby": `tab-${name}`, "data-name": name },
    element("div", { class: "example-top" }, detail, copy),
    box,
  );
  return { tab, panel };
}

// The keyboard can move long lines sideways.
function codeBox(code, labelledBy) {
  const named = labelledBy ? { "aria-labelledby": labelledBy } : { "data-label": "about.api.answer" };
  return element("pre", { class: "code", dir: "ltr", lang: "en", translate: "no", tabindex: "0", role: "group", ...named }, element("code", {}, code));
}

// As tabs do everywhere: arrows go round, Home and End to the ends.
function neighbor(tabs, { key }) {
  const forward = document.documentElement.dir === "rtl" ? -1 : 1;
  const step = { ArrowRight: forward, ArrowLeft: -forward }[key];
  if (key === "Home") return tabs[0];
  if (key === "End") return tabs.at(-1);
  return step && tabs.at((tabs.indexOf(document.activeElement) + step) % tabs.length);
}

// Copies the code, or selects it where the browser does not let a page write to the clipboard.
async function hand(code, button) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    tell(button, text("about.api.copied"));
  } catch {
    getSelection().selectAllChildren(code);
    tell(button, text("about.api.selected"));
  }
}

function tell(button, words) {
  button.textContent = words;
  byId("live").textContent = words;
  clearTimeout(button.dataset.timer);
  button.dataset.timer = setTimeout(() => {
    button.textContent = text("about.api.copy");
    byId("live").textContent = "";
  }, FEEDBACK_MS);
}
