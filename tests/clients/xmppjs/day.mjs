// A day of two users: node day.mjs SERVICE DOMAIN ALICE BOB PASSWORD
// Roster, subscriptions, presence, chat, carbons between bob's two clients, and streams that go on
// when their cable is cut: "cut" on standard output asks for that. Prints a JSON a line.
import { once } from "node:events";
import { webcrypto } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { client, xml } from "@xmpp/client";

globalThis.crypto ??= webcrypto; // node 18 has it under this name only

const [service, domain, aliceName, bobName, password] = process.argv.slice(2);
const CARBONS = "urn:xmpp:carbons:2";
const ROSTER = "jabber:iq:roster";
const SECONDS = 20;
const CUTS = 3;

function tell(event, more = {}) {
  process.stdout.write(JSON.stringify({ event, ...more }) + "\n");
}

function fail(why) {
  tell("failed", { why: String(why?.stack ?? why) });
  process.exit(1);
}

// A client whose stanzas wait until somebody asks for one that fits.
class Person {
  constructor(username, resource) {
    this.bare = `${username}@${domain}`;
    this.jid = `${this.bare}/${resource}`;
    this.heard = [];
    this.xmpp = client({ service, domain, resource, username, password });
    this.xmpp.reconnect.delay = 50;
    this.xmpp.on("error", (error) => tell("error", { jid: this.jid, why: String(error) }));
    this.xmpp.on("stanza", (stanza) => {
      this.heard.push(stanza);
      this.look?.();
    });
    this.xmpp.iqCallee.set(ROSTER, "query", () => true); // pushes
  }

  // @xmpp/client 0.14 sets its count of stanzas to zero a moment after <enabled/>: what comes in
  // the same bytes is counted before, and its <a/> too high. So nothing may come until then.
  async logIn() {
    await this.xmpp.start();
    while (!this.xmpp.streamManagement.enabled) await pause(5);
    await this.xmpp.send(xml("presence"));
    return this;
  }

  next(what, fits) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`${this.jid}: no ${what} in ${this.heard.join("\n")}`)),
        SECONDS * 1000);
      this.look = () => {
        const at = this.heard.findIndex(fits);
        if (at < 0) return;
        clearTimeout(late);
        this.look = null;
        resolve(this.heard.splice(at, 1)[0]);
      };
      this.look();
    });
  }

  presence(from, type) {
    return this.next(`${type ?? "available"} of ${from}`, (stanza) =>
      stanza.is("presence") && stanza.attrs.from === from && stanza.attrs.type === type);
  }

  text(body, from) {
    return this.next(`"${body}" from ${from}`, (stanza) =>
      stanza.is("message") && stanza.getChildText("body") === body && stanza.attrs.from === from);
  }

  copy(direction, body) {
    return this.next(`copy of "${body}"`, (stanza) => {
      const message = stanza.getChild(direction, CARBONS)?.getChild("forwarded")
        ?.getChild("message");
      return stanza.attrs.from === this.bare && message?.getChildText("body") === body;
    });
  }

  async item(jid) {
    const query = await this.xmpp.iqCaller.get(xml("query", ROSTER));
    return query.getChildren("item").find((item) => item.attrs.jid === jid)?.attrs ?? {};
  }

  async untilItem(jid, subscription) {
    const end = Date.now() + SECONDS * 1000;
    while ((await this.item(jid)).subscription !== subscription) {
      if (Date.now() > end) throw new Error(`${this.jid}: ${jid} is not ${subscription}`);
    }
  }

  ask(type, to) {
    return this.xmpp.send(xml("presence", { type, to }));
  }

  say(to, body) {
    return this.xmpp.send(xml("message", { type: "chat", to }, xml("body", {}, body)));
  }
}

async function befriend(alice, bob) {
  await alice.xmpp.iqCaller.set(xml("query", ROSTER, xml("item", { jid: bob.bare, name: "Bob" })));
  for (const [asking, asked] of [[alice, bob], [bob, alice]]) {
    await asking.ask("subscribe", asked.bare);
    await asked.presence(asking.bare, "subscribe");
    await asked.ask("subscribed", asking.bare);
    await asking.presence(asked.bare, "subscribed");
    await asking.presence(asked.jid, undefined);
  }
  await alice.untilItem(bob.bare, "both");
  await bob.untilItem(alice.bare, "both");
  if ((await alice.item(bob.bare)).name !== "Bob") fail("the name is not in the roster");
  tell("friends");
}

async function chat(alice, bob) {
  await alice.say(bob.bare, "hello");
  await bob.text("hello", alice.jid);
  await bob.say(alice.jid, "Grüße <&> 'you'");
  await alice.text("Grüße <&> 'you'", bob.jid);
  tell("chatted");
}

async function carbons(alice, bob, desk) {
  await desk.xmpp.iqCaller.set(xml("enable", CARBONS));
  await bob.presence(desk.jid, undefined);
  await alice.say(bob.jid, "to the phone");
  await bob.text("to the phone", alice.jid);
  await desk.copy("received", "to the phone");
  await bob.say(alice.jid, "from the phone");
  await alice.text("from the phone", bob.jid);
  await desk.copy("sent", "from the phone");
  tell("copied");
}

// Everybody's cable; what is said while nobody is there arrives all the same, once.
async function cut(all, alice, bob, number) {
  const resumed = all.map((one) => once(one.xmpp.streamManagement, "resumed"));
  tell("cut");
  await Promise.all(resumed);
  await alice.say(bob.jid, `after cut ${number}`);
  await bob.text(`after cut ${number}`, alice.jid);
  if (bob.heard.some((stanza) => stanza.getChildText("body") === `after cut ${number}`)) {
    fail("it came twice");
  }
  tell("resumed");
}

async function day() {
  const alice = await new Person(aliceName, "phone").logIn();
  const bob = await new Person(bobName, "phone").logIn();
  await befriend(alice, bob);
  await chat(alice, bob);
  const desk = await new Person(bobName, "desk").logIn();
  await carbons(alice, bob, desk);
  for (let number = 0; number < CUTS; number++) await cut([alice, bob, desk], alice, bob, number);
  await desk.xmpp.stop();
  await bob.presence(desk.jid, "unavailable");
  await bob.xmpp.stop();
  await alice.presence(bob.jid, "unavailable");
  await alice.xmpp.stop();
  tell("left");
}

day().catch(fail);
