"""The move to the home shard with data in flight.

Each client sends everything behind its <auth/> in one piece: the second stream header, the bind, a
presence and numbered pings. While the server looks the account up, checks the password on a helper
and moves the connection to another shard, all that is held; then it must be answered whole and in
order. Every other client without TLS also shuts its side of the connection at once (RFC 6120 4.4:
what it asked for before is still answered)."""
import asyncio
import base64
import re
import ssl

HEADER = ("<stream:stream xmlns='jabber:client' to='localhost' version='1.0' "
          "xmlns:stream='http://etherx.jabber.org/streams'>")
PINGS = 20


def burst(user, resource):
    plain = base64.b64encode(f"\0{user}\0secret".encode()).decode()
    pings = "".join(f"<iq type='get' id='p{i}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"
                    for i in range(PINGS))
    return ("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + plain + "</auth>"
            + HEADER + "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
            f"<resource>{resource}</resource></bind></iq><presence/>" + pings + "</stream:stream>")


async def read_until(reader, mark):
    text = b""
    while mark not in text:
        piece = await asyncio.wait_for(reader.read(65536), 60)
        if not piece:
            raise EOFError(f"the end came before {mark}: {text[-300:]}")
        text += piece
    return text


async def one_client(port, tls, user, number):
    context = ssl.create_default_context() if tls else None
    if tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.write(HEADER.encode())
    await read_until(reader, b"</stream:features>")
    text = burst(user, f"r{number}").encode()
    cut = number * 37 % len(text)
    writer.write(text[:cut])
    await writer.drain()
    writer.write(text[cut:])
    if not tls and number % 2:
        writer.write_eof()
    answer = (await read_until(reader, b"</stream:stream>")).decode()
    writer.close()
    ids = re.findall(r"id='(bind|p\d+)'", answer)
    wanted = ["bind"] + [f"p{i}" for i in range(PINGS)]
    if ids != wanted:
        raise AssertionError(f"client {number}: answers {ids} in {answer[-700:]}")


async def all_clients(port, tls, users, count, at_once):
    places = asyncio.Semaphore(at_once)

    async def guarded(number):
        async with places:
            await one_client(port, tls, users[number % len(users)], number)

    await asyncio.gather(*(guarded(i) for i in range(count)))


def run(port, tls, users, count=120, at_once=40):
    """Raises when an answer is missing or out of order."""
    asyncio.run(all_clients(port, tls, users, count, at_once))
