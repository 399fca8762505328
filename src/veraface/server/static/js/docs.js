// Starts Swagger UI on the OpenAPI document of this server, in the theme of the page.
const { theme } = document.documentElement.dataset;
const systemDark = matchMedia("(prefers-color-scheme: dark)");
const setTheme = () => document.documentElement.classList.toggle("dark-mode", theme ? theme === "dark" : systemDark.matches);
systemDark.addEventListener("change", setTheme);
setTheme();

window.SwaggerUIBundle({
  url: `${document.documentElement.dataset.root ?? ""}/openapi.json`,
  dom_id: "#api",
  presets: [window.SwaggerUIBundle.presets.apis],
  deepLinking: true,
  validatorUrl: null, // would ask another host
});
