// A receiver of notifications. It prints each once.
//
// Node.js 18 or newer, no packages: `NOTIFY_SECRET=whsec_… node receiver.mjs 9000`.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.NOTIFY_SECRET.replace(/^whsec_/, ""), "base64");
const TOLERANCE = 300; // seconds between the two clocks
const seen = new Set(); // in a shop: a table with a unique key on the id, written in the transaction of what the notification does

/** Whether one of the signatures fits; `body` is a Buffer of the bytes as they came. */
function isSigned(headers, body) {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures } = headers;
  if (!id || !signatures || !(Math.abs(Date.now() / 1000 - Number(timestamp)) < TOLERANCE)) return false;
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  return signatures.split(" ").some((signature) => {
    const [version, text = ""] = signature.split(",");
    const given = Buffer.from(text, "base64");
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

/** What the shop does: note it, and let somebody else act on it. */
function take(notification) {
  console.log(JSON.stringify(notification));
}

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  if (!isSigned(request.headers, body)) {
    response.writeHead(401).end();
    return;
  }
  const id = request.headers["webhook-id"];
  if (!seen.has(id)) take(JSON.parse(body));
  seen.add(id);
  response.writeHead(204).end();
});
server.listen(Number(process.argv[2]), "127.0.0.1");
