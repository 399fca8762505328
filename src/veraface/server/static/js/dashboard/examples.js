// Images that the default model finds, and images that it does not: anyone can try them.
import { addFiles } from "../addFiles.js";
import { element } from "../dom.js";
import { text } from "../language.js";
import { sampleButton } from "../samples.js";

const MODEL = "veraface"; // the name of the model whose answers are meant
const HEADINGS = { well: "dashboard.examples.well", badly: "dashboard.examples.badly" };
const IMAGES = {
  well: [["generated.jpg", "samples.generated"], ["face-swap.jpg", "samples.swapped"], ["astronaut-swap.jpg", "samples.swapped"]],
  badly: [["rain.jpg", "samples.generated"], ["glasses.jpg", "samples.generated"]],
};

/** Images to try for "well" or "badly"; null for another model than the default one. */
export function examplesOf(card, id) {
  if (card.name !== MODEL) return null;
  const heading = `${id}-examples`;
  const buttons = IMAGES[id].map(([file, label]) => element("li", {}, sampleButton(file, label, addFiles)));
  return element(
    "div",
    { class: "examples" },
    element("p", { id: heading }, text(HEADINGS[id])),
    element("ul", { "aria-labelledby": heading }, buttons),
  );
}
