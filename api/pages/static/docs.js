// The OpenAPI document of this very server, with its operations to try.

// Swagger UI fills in the document's examples of keys, and a key belongs to one request: a person who leaves an example
// there gets a new key each time. A key of one's own is sent as it is, to see what a repeat answers.
const exampleKeys = new Set();

function noteExampleKeys(response) {
  if (new URL(response.url, location).pathname === "/openapi.json") {
    const operations = Object.values(JSON.parse(response.text).paths).flatMap(Object.values);
    const parameters = operations.flatMap((operation) => operation.parameters ?? []);
    const examples = parameters.filter(({ name }) => name === "Idempotency-Key").flatMap((key) => Object.values(key.examples));
    examples.forEach(({ value }) => exampleKeys.add(value));
  }
  return response;
}

function withKeyOfItsOwn(request) {
  if (request.headers && exampleKeys.has(request.headers["Idempotency-Key"])) {
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
  responseInterceptor: noteExampleKeys,
  requestInterceptor: withKeyOfItsOwn,
});
