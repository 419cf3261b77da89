// Starts Swagger UI on our own description. Nothing leaves this host: the validator badge
// would send the address elsewhere, and credentials typed here are forgotten with the page.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
  queryConfigEnabled: false,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
