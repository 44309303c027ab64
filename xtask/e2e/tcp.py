"""A line to a server that a test can cut."""
import socket
import threading
import time


class Line:
    """Passes on what comes to a free port of 127.0.0.1, until it is cut."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.open, self.is_cut = set(), False
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, scheme="http"):
        return "%s://127.0.0.1:%d/" % (scheme, self.port)

    def cut(self, seconds):
        """Breaks every connection, and takes no other for so long."""
        with self.lock:
            self.is_cut, broken, self.open = True, self.open, set()
        for end in broken:
            close(end)
        time.sleep(seconds)
        with self.lock:
            self.is_cut = False

    def _accept(self):
        while True:
            near, _ = self.listener.accept()
            with self.lock:
                is_cut = self.is_cut
            try:
                far = None if is_cut else socket.create_connection(self.target, timeout=5)
            except OSError:
                far = None
            if far is None:
                close(near)
                continue
            far.settimeout(None)
            with self.lock:
                self.open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source, sink):
        try:
            while piece := source.recv(1 << 16):
                sink.sendall(piece)
        except OSError:
            pass
        for end in (source, sink):
            close(end)
        with self.lock:
            self.open -= {source, sink}


def close(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()
