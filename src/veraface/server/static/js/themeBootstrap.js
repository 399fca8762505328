// Runs before the first paint, so that a remembered theme or writing direction does not flash. The rest is in
// theme.js and language.js.
try {
  const theme = localStorage.getItem("veraface-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  if (localStorage.getItem("veraface-language") === "ar") document.documentElement.dir = "rtl";
} catch {
  // No storage allowed: theme and language of the system.
}
