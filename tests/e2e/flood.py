"""A process of its own that posts at full speed: flood.py PORT COUNT THREADS SOURCE <BODIES. Prints a JSON object: how often
each status was the answer.

BODIES is a JSON list; they are posted in turn over plain HTTP, each on a connection of its own, as a proxy would for SOURCE."""

import collections
import json
import socket
import sys
import threading


def main():
    port, many, threads = (int(n) for n in sys.argv[1:4])
    bodies = [body.encode() for body in json.load(sys.stdin)]
    head = f"POST /ipn HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {sys.argv[4]}\r\n".encode()
    requests = [head + b"Content-Length: %d\r\n\r\n%s" % (len(b), b) for b in bodies]
    got, left = [], iter(range(many))

    def client():
        for i in left:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
                s.sendall(requests[i % len(requests)])
                got.append(s.recv(4096).split(b" ", 2)[1].decode())

    clients = [threading.Thread(target=client) for _ in range(threads)]
    for c in clients:
        c.start()
    for c in clients:
        c.join()
    print(json.dumps(collections.Counter(got)))


main()
