// Draws the model's coarse heatmap grid as a smooth image: amber suggests fake, blue real.

const SIDE = 192;
const FAKE = [255, 122, 60];
const REAL = [74, 158, 255];
const STRONGEST_ALPHA = 235;
// The outermost part of the square fades out, so that its edge does not look like a signal.
const FADE = 0.12;
const ONE_SIDED = 0.9; // share of cells on one side of 0.5, from which on the difference to their mean is shown
const LEAST_DIFFERENCE = 0.5; // in log odds: smaller ones are not drawn in full color

const painted = new WeakMap();

/** Draw a heatmap at its place in a context whose unit is a pixel of the image. The square is turned as the face is. */
export function drawHeatmap(context, heatmap) {
  if (!painted.has(heatmap)) painted.set(heatmap, paintGrid(shownGrid(heatmap.grid)));
  const [x, y, width, height] = heatmap.box;
  context.save();
  context.translate(x + width / 2, y + height / 2);
  context.rotate(((heatmap.angle ?? 0) * Math.PI) / 180);
  context.drawImage(painted.get(heatmap), -width / 2, -height / 2, width, height);
  context.restore();
}

/**
 * Whether nearly all cells suggest the same. The face would be one color, so the difference to the mean of its cells is
 * shown instead. imaging/overlay.py has the same rule.
 */
export function isRelative(grid) {
  const cells = grid.flat();
  const fake = cells.filter((value) => value >= 0.5).length / cells.length;
  return Math.max(fake, 1 - fake) >= ONE_SIDED;
}

/** The grid as it is drawn: 0 blue, 0.5 nothing, 1 amber. */
export function shownGrid(grid) {
  if (!isRelative(grid)) return grid;
  const odds = grid.map((row) => row.map(logOdds));
  const mean = odds.flat().reduce((sum, value) => sum + value, 0) / odds.flat().length;
  const most = Math.max(LEAST_DIFFERENCE, ...odds.flat().map((value) => Math.abs(value - mean)));
  return odds.map((row) => row.map((value) => 0.5 + (value - mean) / most / 2));
}

function logOdds(p) {
  const bounded = Math.min(1 - 1e-4, Math.max(1e-4, p));
  return Math.log(bounded / (1 - bounded));
}

// A canvas of SIDE x SIDE with the grid's values interpolated, then colored.
function paintGrid(grid) {
  const canvas = document.createElement("canvas");
  canvas.width = SIDE;
  canvas.height = SIDE;
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  const positions = Array.from({ length: SIDE }, (_, position) => position);
  const rows = positions.map((y) => neighbors(y, grid.length));
  const columns = positions.map((x) => neighbors(x, grid[0].length));
  for (const y of positions) {
    for (const x of positions) {
      const value = valueAt(grid, rows[y], columns[x]);
      color(image.data, 4 * (y * SIDE + x), value, edgeFade(x) * edgeFade(y));
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function color(data, at, value, fade) {
  const strength = Math.min(1, Math.abs(value - 0.5) * 2);
  const [red, green, blue] = value >= 0.5 ? FAKE : REAL;
  data[at] = red;
  data[at + 1] = green;
  data[at + 2] = blue;
  data[at + 3] = STRONGEST_ALPHA * strength ** 0.8 * fade;
}

function edgeFade(position) {
  const fromEdge = Math.min(position, SIDE - 1 - position) / (SIDE - 1);
  const t = Math.min(1, fromEdge / FADE);
  return t * t * (3 - 2 * t);
}

// A cubic B-spline through the cells: smooth, and never beyond the values of the grid.
function valueAt(grid, down, across) {
  let value = 0;
  for (const [row, weight] of down) {
    for (const [column, share] of across) value += grid[row][column] * weight * share;
  }
  return value;
}

// The four nearest cells along one side, each with its weight.
function neighbors(position, cells) {
  const at = ((position + 0.5) / SIDE) * cells - 0.5; // a cell's value holds at its center
  const first = Math.floor(at);
  const t = at - first;
  const weights = [(1 - t) ** 3, 3 * t ** 3 - 6 * t ** 2 + 4, 3 * (1 - t) ** 3 - 6 * (1 - t) ** 2 + 4, t ** 3];
  return weights.map((weight, offset) => {
    const cell = Math.min(cells - 1, Math.max(0, first - 1 + offset));
    return [cell, weight / 6];
  });
}
