// Renders the model's coarse heatmap grid as a smooth image: amber suggests fake, blue real.

const SIDE = 192;
const FAKE = [255, 122, 60];
const REAL = [74, 158, 255];
const STRONGEST_ALPHA = 235;
// The outermost part of the square fades out, so that its edge does not look like a signal.
const FADE = 0.12;

/** A canvas of SIDE x SIDE with the grid's values interpolated, then coloured. */
export function paintGrid(grid) {
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
