// What lies in folders that were dropped.

const IMAGES = /\.(jpe?g?|jfif|pjp(eg)?|mpo|a?png|webp|avifs?|hei[cf]s?|hif|gif|bmp|dib|tiff?)$/i;

/**
 * A promise of the `images` that were dropped, including those in nested folders, by name, and of how many files
 * were `leftOut` for their names, hidden ones not counted; null where no folder was among them. To be called while
 * the event is handled: afterwards the browser clears the data.
 */
export function imagesOf({ items }) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return null;
  return Promise.all(entries.map((entry) => filesOf(entry, true))).then((all) => {
    const found = all.flat();
    const images = found.filter(Boolean);
    return { images, leftOut: found.length - images.length };
  });
}

// A file that was dropped by itself is taken whatever it is called: the person meant it. Null for one that is left out.
async function filesOf(entry, meant) {
  if (entry.isDirectory) {
    const inside = await Promise.all((await entriesOf(entry)).map((one) => filesOf(one, false)));
    return inside.flat();
  }
  if (!meant && entry.name.startsWith(".")) return [];
  if (!meant && !IMAGES.test(entry.name)) return [null];
  return new Promise((resolve) => entry.file((file) => resolve([file]), () => resolve([])));
}

// They come in portions, until an empty one.
async function entriesOf(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!some.length) return all.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
    all.push(...some);
  }
}
