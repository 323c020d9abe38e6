"""A process of its own that posts at full speed: flood.py PORT COUNT <REQUESTS. Prints how often each status came, as JSON.

REQUESTS is a JSON list of bodies; they are posted in turn over plain HTTP, each on a connection of its own."""

import collections
import json
import socket
import sys
import threading


def main():
    port, many = int(sys.argv[1]), int(sys.argv[2])
    bodies = [body.encode() for body in json.load(sys.stdin)]
    requests = [b"POST /ipn HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(b), b) for b in bodies]
    got, left = [], iter(range(many))

    def client():
        for i in left:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
                s.sendall(requests[i % len(requests)])
                got.append(s.recv(4096).split(b" ", 2)[1].decode())

    threads = [threading.Thread(target=client) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print(json.dumps(collections.Counter(got)))


main()
