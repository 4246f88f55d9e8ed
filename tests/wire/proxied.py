"""The PROXY protocol before the stream: the client's address is the one that the balancer tells."""
import socket
import struct
import subprocess
import time

from pipelined import HEADER, burst

V1 = b"PROXY TCP4 203.0.113.9 198.51.100.2 51234 5222\r\n"
V2 = (b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, 0x11]) + struct.pack("!H", 12)
      + socket.inet_aton("203.0.113.10") + socket.inet_aton("198.51.100.2")
      + struct.pack("!HH", 51234, 5222))


def login(port, pieces, resource):
    text = burst("erin", resource).split("<presence/>")[0]
    sock = socket.create_connection(("127.0.0.1", port), timeout=20)
    for piece in pieces:
        sock.sendall(piece)
        time.sleep(0.05)
    sock.sendall((HEADER + text).encode())
    answer = b""
    while b"id='bind'" not in answer:
        piece = sock.recv(65536)
        if not piece:
            raise EOFError(answer[-300:])
        answer += piece
    return sock


def run(port, ctl, config):
    """Raises when an address is not the told one, or a connection without header is let in."""
    sockets = [login(port, [V1[:20], V1[20:]], "v1"), login(port, [V2], "v2")]
    listing = subprocess.run([ctl, "-c", config, "session", "list"], check=True,
                             capture_output=True, text=True).stdout
    for resource, address in (("v1", "203.0.113.9"), ("v2", "203.0.113.10")):
        if not any(f"erin@localhost/{resource}" in line and address in line
                   for line in listing.splitlines()):
            raise AssertionError(f"{resource} is not from {address}:\n{listing}")
    for sock in sockets:
        sock.close()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall(HEADER.encode())
        if sock.recv(100) != b"":
            raise AssertionError("a connection without a PROXY header was let in")
