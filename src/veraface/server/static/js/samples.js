// Images to try, for people who have none at hand. Their origins and licenses: samples/README.md.
import { element, icon, serverPath } from "./dom.js";
import { text } from "./language.js";
import { showNotice } from "./notice.js";

const SAMPLES = [
  ["face-swap.jpg", "samples.swap", "fake"],
  ["astronaut.jpg", "samples.real", "real"],
  ["officer.jpg", "samples.hard", "real"],
];

/** A row of buttons, each of which passes one of the images to `addFiles`. */
export function sampleRow(addFiles) {
  const button = ([file, label]) => {
    const address = addressOf(file);
    const image = element("img", { src: address, alt: "", width: 72, height: 72, loading: "lazy", decoding: "async" });
    const node = element("button", { type: "button", class: "sample" }, image, element("span", { "data-text": label }));
    node.addEventListener("click", () => add(address, text(label), addFiles));
    return element("li", {}, node);
  };
  const game = element("button", { type: "button", class: "sample", id: "game", onclick: play }, icon("uncertain"), element("span", { "data-text": "game.heading" }));
  return element(
    "div",
    { class: "samples" },
    element("p", { id: "samples-heading", "data-text": "samples.heading" }),
    element("ul", { "aria-labelledby": "samples-heading" }, SAMPLES.map(button), element("li", {}, game)),
  );
}

async function play() {
  const files = await Promise.all(SAMPLES.map(([file, label]) => fetchSample(addressOf(file), text(label))));
  if (files.includes(null)) return showNotice("samples.unreachable");
  const { openGame } = await import("./game.js");
  return openGame(files.map((file, i) => ({ file, truth: SAMPLES[i][2] })));
}

async function add(address, name, addFiles) {
  const file = await fetchSample(address, name);
  if (file) addFiles([file]);
  else showNotice("samples.unreachable");
}

async function fetchSample(address, name) {
  const content = await fetch(address).then((answer) => (answer.ok ? answer.blob() : null)).catch(() => null);
  return content && new File([content], `${name}.jpg`, { type: "image/jpeg" });
}

function addressOf(file) {
  return serverPath(`/static/samples/${file}`);
}
