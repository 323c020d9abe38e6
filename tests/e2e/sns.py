"""A stand-in for sns.us-east-1.amazonaws.com: HTTPS on loopback that counts who comes, and misbehaves as told."""

import contextlib
import os
import re
import socket
import ssl
import struct
import threading

from authority import DAY, DNS, ECDSA_SHA256, Issuer, certificate, name, new_key, pem, public_key_of, subject_of
from lab import Lab

NAME = "sns.us-east-1.amazonaws.com"
HANG = 20  # seconds that a client is kept waiting


class Reply:
    def __init__(self, body=b"", status=200, headers=(), how="whole", length=None, pause=0):
        """`how`: whole, hang (never an answer), reset (instead of an answer), half (the body, then the end), drip (slowly).
        `length`: what Content-Length says, if not the truth; -1: none, the end of the connection is the end. `pause`:
        seconds before the answer."""
        self.body = body.encode() if isinstance(body, str) else body
        self.status, self.headers, self.how = status, headers, how
        self.length = len(self.body) if length is None else length
        self.pause = pause


class Sns:
    """`replies`: path -> Reply; another path is 404. show() says with which certificate."""

    def __init__(self, lab):
        self.folder, self.home = lab.folder, lab.home
        self.replies = {}
        self.key = new_key(lab.folder, "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        self.count = 0  # connections, whether or not TLS came of them
        self.requests = []  # of whole heads: (SNI, request line, {header: value})
        self.contexts, self.over = {}, threading.Event()
        self.show("good")
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.over.set()
        with contextlib.suppress(OSError):  # closed before
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def settings(self):
        return (f'\tfetch = yes\n\tconnect_to = "127.0.0.1:{self.port}"\n'
                f'\ttls_trust = "{self.home}/ca.pem"\n')

    def lines(self):
        """Request lines so far."""
        return [line for _, line, _ in self.requests]

    def show(self, kind):
        """"good", "another name", "another region", "expired", "self-signed"; "plain": no TLS; "hang": nothing at all."""
        if kind not in ("plain", "hang", *self.contexts):
            self.contexts[kind] = self.make(kind)
        self.tls = kind

    def make(self, kind):
        path = os.path.join(self.folder, f"sns-{len(self.contexts)}.pem")
        issuer = Issuer(subject_of(f"{self.home}/ca.pem"), f"{self.home}/ca.key")
        how = {"common": NAME.encode(), "names": ((DNS, NAME.encode()),)}
        how.update({"good": {}, "another name": {"common": b"sns.evil.com", "names": ((DNS, b"sns.evil.com"),)},
                    "another region": {"names": ((DNS, b"sns.us-west-2.amazonaws.com"),)},
                    "expired": {"since": -9 * DAY, "until": -DAY}, "self-signed": {}}[kind])
        if kind == "self-signed":
            issuer = Issuer(name(NAME.encode()), self.key, ECDSA_SHA256)
        with open(path, "w") as f:
            f.write(pem(certificate(issuer, public_key_of(self.key), **how)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path, self.key)
        context.sni_callback = lambda s, host, _: setattr(s, "host", host)
        return context

    def accept(self):
        while True:
            try:
                plain, _ = self.socket.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain):
        with plain:
            plain.settimeout(HANG)
            try:
                if self.tls == "hang":
                    self.over.wait(HANG)
                elif self.tls == "plain":
                    plain.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                else:
                    with self.contexts[self.tls].wrap_socket(plain, server_side=True) as s:
                        while self.answer(s):
                            pass
            except OSError:  # also of TLS: the client went away, or did not believe us
                pass

    def answer(self, s):
        """One request; whether another may follow."""
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = s.recv(65536)
            if not chunk:
                return False
            head += chunk
        line, *headers = head.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
        self.requests.append((getattr(s, "host", None), line, dict(re.split(r": *", h, maxsplit=1) for h in headers)))
        reply = self.replies.get(line.split(" ")[1], Reply(b"no such file", 404))
        self.over.wait(reply.pause)
        if reply.how == "hang":
            self.over.wait(HANG)
            return False
        if reply.how == "reset":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        start = f"HTTP/1.1 {reply.status} Said so\r\n" + "".join(f"{h}\r\n" for h in reply.headers)
        if reply.length >= 0:
            start += f"Content-Length: {reply.length}\r\n"
        s.sendall(start.encode() + b"\r\n")
        if reply.how == "drip":
            for i in range(len(reply.body)):
                s.sendall(reply.body[i:i + 1])
                if self.over.wait(0.1):
                    return False
        else:
            s.sendall(reply.body[:len(reply.body) // 2] if reply.how == "half" else reply.body)
        return reply.how == "whole" and reply.length == len(reply.body)


@contextlib.contextmanager
def watched(change=None, start=True):
    """A Lab whose ipnd runs, and would fetch from a stand-in that has nothing: `lab.sns`."""
    with Lab() as lab:
        lab.sns = Sns(lab)
        lab.configure(lambda text: text.replace("\tfetch = no\n", lab.sns.settings()))
        if change:
            lab.configure(change)
        if start:
            lab.start()
        yield lab
