// Finds pictures on a page, inside open shadow roots too.

export const PICTURES = "img, input[type=image], video[poster], image";

export function deepAll(selector, root = document) {
  const inside = [...root.querySelectorAll("*")].filter((node) => node.shadowRoot);
  return [...root.querySelectorAll(selector), ...inside.flatMap((node) => deepAll(selector, node.shadowRoot))];
}
