// Starts Swagger UI on the OpenAPI document of this server.
window.SwaggerUIBundle({
  url: `${document.documentElement.dataset.root ?? ""}/openapi.json`,
  dom_id: "#api",
  presets: [window.SwaggerUIBundle.presets.apis],
  deepLinking: true,
  validatorUrl: null, // would ask another host
});
