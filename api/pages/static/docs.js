// The OpenAPI document of this very server, with its operations to try.

// Swagger UI fills in the document's example of a key, and a key belongs to one request: whoever leaves the example
// there gets a new key each time. A key of one's own is sent as it is, to see what a repeat answers.
const exampleKey = "cart-7f3a-hold-1";

function withKeyOfItsOwn(request) {
  if (request.headers && request.headers["Idempotency-Key"] === exampleKey) {
    request.headers["Idempotency-Key"] = `docs-${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  }
  return request;
}

// Swagger UI is dark where the page says so; what the visitor prefers decides, also while the page is open.
const dark = matchMedia("(prefers-color-scheme: dark)");
const adapt = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", adapt);
adapt();

SwaggerUIBundle({
  dom_id: "#docs",
  url: "/openapi.json",
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  defaultModelsExpandDepth: 0,
  // Nothing is sent to anybody else: by default Swagger UI asks a validator of its makers.
  validatorUrl: null,
  requestInterceptor: withKeyOfItsOwn,
});
