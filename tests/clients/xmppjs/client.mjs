// One login and one exchange: node client.mjs SERVICE DOMAIN USER PASSWORD MECHANISM PEER TEXT
// Says TEXT to PEER, waits for the same text back, leaves. Prints what happens, a JSON a line.
import { webcrypto } from "node:crypto";
import { client, xml } from "@xmpp/client";

globalThis.crypto ??= webcrypto; // node 18 has it under this name only

const [service, domain, username, password, mechanism, peer, text] = process.argv.slice(2);

function tell(event, more = {}) {
  process.stdout.write(JSON.stringify({ event, ...more }) + "\n");
}

function fail(why) {
  tell("failed", { why: String(why) });
  process.exit(1);
}

async function authenticate(send, offered) {
  if (!offered.includes(mechanism)) {
    fail(`${mechanism} is not among what is offered and known: ${offered}`);
  }
  await send({ username, password }, mechanism);
}

const xmpp = client({ service, domain, resource: "xmppjs", credentials: authenticate });
xmpp.reconnect.stop();
xmpp.on("error", fail);

xmpp.on("stanza", async (stanza) => {
  if (!stanza.is("message")) return;
  if (stanza.getChildText("body") !== text) fail(`another text came back: ${stanza}`);
  tell("echoed", { from: stanza.attrs.from });
  await xmpp.stop();
  tell("left");
});

xmpp.on("online", async (address) => {
  tell("online", { jid: address.toString(), secure: xmpp.isSecure() });
  await xmpp.send(xml("presence"));
  const pong = await xmpp.iqCaller.request(
    xml("iq", { type: "get", to: domain }, xml("ping", "urn:xmpp:ping")));
  tell("ping", { type: pong.attrs.type });
  await xmpp.send(xml("message", { type: "chat", to: peer }, xml("body", {}, text)));
});

xmpp.start().catch(fail);
