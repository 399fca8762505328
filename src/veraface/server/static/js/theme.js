// The theme button: as the system, light, dark.
import { icon } from "./dom.js";
import { text } from "./language.js";
import { keep, remembered } from "./storage.js";

const KEY = "veraface-theme";
const ROUND = ["system", "light", "dark"];

let theme = ROUND.includes(remembered(KEY)) ? remembered(KEY) : "system";

/** Set up the button; returns the function that labels it, to be called when the language changes. */
export function setUpTheme(button) {
  const next = () => ROUND[(ROUND.indexOf(theme) + 1) % ROUND.length];
  const describe = () => {
    const label = text("theme.label", { theme: text(`theme.${theme}`), next: text(`theme.${next()}`) });
    button.setAttribute("aria-label", label);
    button.title = label;
    button.replaceChildren(icon(theme));
  };
  button.addEventListener("click", () => {
    theme = next();
    document.documentElement.dataset.theme = theme;
    keep(KEY, theme);
    describe();
  });
  return describe;
}
