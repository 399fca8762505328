// Runs before the first paint, so that a remembered theme does not flash. The rest is in theme.js.
try {
  const theme = localStorage.getItem("veraface-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // No storage allowed: the system's theme it is.
}
