"""Caps that a client meets: the sessions of one account (RFC 6120 7.6.2.1), and a listener's
max_connections."""
import socket

from pipelined import HEADER, burst

SESSIONS = 100  # LIMIT_SESSIONS_PER_USER


def login(port, user, resource):
    """A raw session; returns its socket and what came up to the answer of the bind."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=20)
    text = burst(user, resource).split("<presence/>")[0]
    sock.sendall((HEADER + text).encode())
    answer = b""
    while b"id='bind'" not in answer or not answer.endswith(b"</iq>"):
        piece = sock.recv(65536)
        if not piece:
            raise EOFError(answer[-300:])
        answer += piece
    return sock, answer


def run(port, user):
    """Raises when the session over the cap is let in, or one under it is not."""
    sockets = []
    try:
        for number in range(SESSIONS + 1):
            sock, answer = login(port, user, f"s{number}")
            sockets.append(sock)
            refused = b"<resource-constraint" in answer
            if refused != (number == SESSIONS):
                raise AssertionError(f"session {number} of {user}: {answer[-300:]}")
    finally:
        for sock in sockets:
            sock.close()


def run_one_place(port):
    """Twenty clients at once for a listener with one place: each is served, one after the other,
    on whichever shard the kernel has put it."""
    clients = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(20)]
    for sock in clients:
        sock.sendall((HEADER + "</stream:stream>").encode())
        sock.shutdown(socket.SHUT_WR)
    for sock in clients:
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
        sock.close()
        if not answer.endswith(b"</stream:stream>"):
            raise AssertionError(f"the one place: {answer[-300:]}")
