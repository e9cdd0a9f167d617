"""
A web server on the loopback interface that keeps a block of memory for every request. Prints its port, and how many
requests it has served when SIGTERM has ended it. Prints its truth when it is run with `state`.

Expected: one calloc for a GET of /counted/N, of a size and at a line of do_GET that /uncounted/N does not share; neither
block is ever freed. The answer to both is N. Each request has a thread of its own.
"""
import http.server
import signal
import socket
import sys

from sites import STATES, stated

BYTES_HEADER = sys.getsizeof(b"")  # the object's own part of a bytes object, and the zero at its end

kept = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        _, kind, number = self.path.split("/")
        if kind == "counted":
            kept.append(stated("calloc", 5_003 + BYTES_HEADER) or bytes(5_003))
        else:
            kept.append(stated("calloc", 3_011 + BYTES_HEADER) or bytes(3_011))
        self.answer(number.encode())

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """A line for every request would only fill the pipe."""


def state(server):
    for kind in (b"counted", b"uncounted"):
        with socket.create_connection(server.server_address) as client:
            client.sendall(b"GET /%s/1 HTTP/1.0\r\n\r\n" % kind)
            server.handle_request()
            while client.recv(4096):
                pass


def serve(server):
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(server.server_port, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("served", len(kept))


with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
    state(server) if STATES else serve(server)
