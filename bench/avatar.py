#!/usr/bin/env python3
"""The clients of avatar.sh: u0 publishes, u1 … uN are contacts that want news of avatars; two
more, in a process of their own, ask the server all the time. Prints a line for each number."""
import argparse
import asyncio
import base64
import hashlib
import multiprocessing
import os
import re
import tempfile
import time

METADATA = "urn:xmpp:avatar:metadata"
FEATURE = METADATA + "+notify"
VER = base64.b64encode(hashlib.sha1(f"client/pc//bench<{FEATURE}<".encode()).digest()).decode()
CAPS = f"<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='{VER}'/>"
INFO = "http://jabber.org/protocol/disco#info"
STREAM = ("<stream:stream xmlns='jabber:client' to='localhost' version='1.0' "
          "xmlns:stream='http://etherx.jabber.org/streams'>")
LOGINS_AT_ONCE = 50


class Client:
    """Reads all that comes; `heard` is told of each avatar."""

    def __init__(self, name, heard=None):
        self.name, self.heard, self.text, self.waiting = name, heard, "", {}

    async def until(self, pattern):
        """The first match in what comes."""
        while not (found := re.search(pattern, self.text, re.S)):
            data = await self.reader.read(65536)
            if not data:
                raise ConnectionError(f"{self.name}: {self.text[-500:]}")
            self.text += data.decode()
        self.text = self.text[found.end():]
        return found

    def send(self, xml):
        self.writer.write(xml.encode())

    async def log_in(self, port):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        self.send(STREAM)
        await self.until("</stream:features>")
        plain = base64.b64encode(f"\0{self.name}\0secret".encode()).decode()
        self.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"
                  f"{plain}</auth>")
        await self.until("<success[^>]*>")
        self.send(STREAM)
        await self.until("</stream:features>")
        self.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                  "<resource>r</resource></bind></iq>")
        await self.until("id='bind'.*?</iq>")
        self.reading = asyncio.create_task(self.read())

    async def read(self):
        while data := await self.reader.read(65536):
            self.text += data.decode(errors="replace")
            self.look()

    def look(self):
        """What the client does by itself: capabilities, subscriptions, answers it waits for."""
        for asked in re.finditer(rf"<iq[^>]*id='(caps[^']*)'[^>]*><query xmlns='{INFO}' node="
                                 r"'([^']*)'", self.text):
            self.send(f"<iq type='result' to='localhost' id='{asked[1]}'><query xmlns='{INFO}' "
                      f"node='{asked[2]}'><identity category='client' type='pc' name='bench'/>"
                      f"<feature var='{FEATURE}'/></query></iq>")
        for asker in re.finditer(r"<presence[^>]*>", self.text):
            if "type='subscribe'" in asker[0]:
                peer = re.search(r"from='([^']*)'", asker[0])[1]
                self.send(f"<presence type='subscribed' to='{peer}'/>")
        for _ in range(self.text.count(f"<items node='{METADATA}'")) if self.heard else ():
            self.heard(self)
        for answer in re.finditer(r"<iq[^>]*?id='(q\d+)'", self.text):
            future = self.waiting.pop(answer[1], None)
            if future and not future.done():
                future.set_result(None)
        end = self.text.rfind(">") + 1
        self.text = self.text[end:]

    async def ask(self, number, xml):
        self.waiting[f"q{number}"] = future = asyncio.get_running_loop().create_future()
        self.send(xml.replace("ID", f"q{number}"))
        await future


def cpu_seconds(pid):
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def resident_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])


async def ping(options, path):
    """Traffic of others: two users on whatever shards, in turn, each millisecond."""
    pair = [Client(f"u{options.contacts + 1 + place}") for place in range(2)]
    for client in pair:
        await client.log_in(options.port)
    number = 0
    file = open(path, "w", buffering=1, encoding="ascii")
    while True:
        begin = time.monotonic()
        await pair[number % 2].ask(number, "<iq type='get' id='ID' to='localhost'>"
                                           "<ping xmlns='urn:xmpp:ping'/></iq>")
        file.write(f"{begin} {time.monotonic() - begin}\n")
        number += 1
        await asyncio.sleep(0.001)


def ask_all_the_time(options, path):
    asyncio.run(ping(options, path))


def read_waits(path):
    with open(path, encoding="ascii") as file:
        rows = [line.split() for line in file if line.endswith("\n")]
    return [(float(at), float(wait)) for at, wait in rows]


class Bench:
    def __init__(self, options):
        self.options, self.count, self.last = options, 0, 0.0
        self.complete = asyncio.Event()

    def heard(self, _):
        self.count += 1
        self.last = time.monotonic()
        if self.count >= self.options.contacts:
            self.complete.set()

    async def gather(self):
        limit = asyncio.Semaphore(LOGINS_AT_ONCE)

        async def one(client):
            async with limit:
                await client.log_in(self.options.port)
                client.send(f"<presence>{CAPS}</presence>")
                client.send("<presence type='subscribe' to='u0@localhost'/>")

        contacts = [Client(f"u{number + 1}", self.heard)
                    for number in range(self.options.contacts)]
        await asyncio.gather(*(one(client) for client in contacts))
        await asyncio.sleep(2)
        return contacts

    async def round(self, owner, number):
        """One change; CPU time and seconds until the last contact has heard."""
        self.count = 0
        self.complete.clear()
        cpu, begin = cpu_seconds(self.options.pid), time.monotonic()
        picture = hashlib.sha1(str(number).encode()).hexdigest()
        owner.send(f"<iq type='set' id='p{number}'>"
                   "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
                   f"<publish node='{METADATA}'><item id='{picture}'><metadata xmlns='{METADATA}'>"
                   f"<info id='{picture}' bytes='20000' type='image/png' width='96' height='96'/>"
                   "</metadata></item></publish></pubsub></iq>")
        await asyncio.wait_for(self.complete.wait(), 60)
        return cpu_seconds(self.options.pid) - cpu, self.last - begin

    async def run(self):
        options = self.options
        owner = Client("u0")
        await owner.log_in(options.port)
        owner.send("<presence/>")
        contacts = await self.gather()
        await self.round(owner, 0)
        before = resident_kb(options.pid)
        process = multiprocessing.get_context("spawn")  # a loop runs in this one
        results, path = [], tempfile.mkstemp()[1]
        others = process.Process(target=ask_all_the_time, args=(options, path))
        others.start()
        await asyncio.sleep(4)
        begin = time.monotonic()
        for number in range(1, options.rounds + 1):
            results.append((time.monotonic(), *await self.round(owner, number)))
            await asyncio.sleep(0.1)
        others.terminate()
        others.join()
        told = read_waits(path)
        os.unlink(path)
        alone = sorted(wait for at, wait in told if at < begin)
        meanwhile = sorted(wait for at, wait in told
                           if any(start <= at <= start + until for start, _, until in results))
        self.report(results, alone, meanwhile, before)
        for client in (owner, *contacts):
            client.reading.cancel()

    def report(self, results, alone, meanwhile, before):
        cpu = sorted(one for _, one, _ in results)
        until = sorted(one for _, _, one in results)
        contacts = self.options.contacts
        print(f"contacts                  {contacts}")
        print(f"rounds                    {len(results)}")
        print(f"cpu_us_a_contact_least    {cpu[0] * 1e6 / contacts:.2f}")
        print(f"cpu_us_a_contact_median   {cpu[len(cpu) // 2] * 1e6 / contacts:.2f}")
        print(f"last_heard_ms_median      {until[len(until) // 2] * 1e3:.1f}")
        print(f"rss_kb_before             {before}")
        print(f"rss_kb_after              {resident_kb(self.options.pid)}")
        print(f"pings_meanwhile           {len(meanwhile)}")
        for name, waits in (("alone", alone), ("meanwhile", meanwhile)):
            print(f"ping_ms_p50_{name:13} {waits[len(waits) // 2] * 1e3:.2f}")
            print(f"ping_ms_p99_{name:13} {waits[len(waits) * 99 // 100] * 1e3:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("port", "pid", "contacts", "rounds"):
        parser.add_argument(f"--{name}", type=int, required=True)
    asyncio.run(Bench(parser.parse_args()).run())


if __name__ == "__main__":
    main()
