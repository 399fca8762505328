// Settings in localStorage. Without storage, a setting lasts until the page is closed.

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
