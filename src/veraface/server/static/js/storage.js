// What the browser remembers for the person. Where it allows no storage, a choice lasts until the page is closed.

export function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function keep(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // No storage allowed, or none left.
  }
}
