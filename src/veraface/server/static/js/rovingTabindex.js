// Moving the focus in a grid of cards with the arrow keys.

export const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

/**
 * Moves the focus from the link of one of the grid's cards that are shown to its neighbour's, or to the first.
 *
 * By counting, not by measuring: that would have the browser lay out all cards that are out of sight.
 */
export function moveFocus(grid, key) {
  const cards = [...grid.querySelectorAll(":scope > .card:not([hidden])")];
  const at = cards.indexOf(document.activeElement?.closest(".card"));
  const { direction, gridTemplateColumns } = getComputedStyle(grid);
  const forward = direction === "rtl" ? -1 : 1;
  const row = gridTemplateColumns.split(" ").length;
  const step = { ArrowLeft: -forward, ArrowRight: forward, ArrowUp: -row, ArrowDown: row }[key];
  cards[at < 0 ? 0 : at + step]?.querySelector(".card-link").focus();
}
