// Dark or light: the system's wish, until the person chooses; then that choice, remembered.
import { text } from "./language.js";

const KEY = "veraface-theme";
const systemLight = matchMedia("(prefers-color-scheme: light)");

function current() {
  return document.documentElement.dataset.theme ?? (systemLight.matches ? "light" : "dark");
}

/** Returns what names the button, to be called once there are words and whenever the language changes. */
export function setUpTheme(button) {
  const describe = () => {
    const label = text(current() === "dark" ? "theme.toLight" : "theme.toDark");
    button.setAttribute("aria-label", label);
    button.title = label;
  };
  button.addEventListener("click", () => {
    const next = current() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // No storage allowed: the choice lasts until the page is closed.
    }
    describe();
  });
  systemLight.addEventListener("change", describe);
  return describe;
}
