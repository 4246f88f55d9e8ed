"""A cable between a client and the server, which can be cut.

    with Cable(server.port["tls"]) as cable:
        ... connect to cable.port ...
        cable.cut()

A cut resets both ends of all connections that there are; new ones are made as before."""
import socket
import struct
import threading

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: no farewell


class Cable:
    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ends, self.lock = [], threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.cut()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            with self.lock:
                self.ends.append((client, server))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self):
        """How many connections there were."""
        with self.lock:
            ends, self.ends = self.ends, []
        for pair in ends:
            for sock in pair:
                try:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    sock.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads
                except OSError:
                    pass
                sock.close()
        return len(ends)
