"""Connections: TLS versions, plain text, trickles, limits, keep-alive, pipelining, an answer before the body's end."""

import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time

from lab import Lab, capture_xml, case, check, equal, inner, together, wait_for
from sns import watched
from threats import nothing, threat

HEAD = b"POST /ipn HTTP/1.1\r\nHost: localhost\r\n"


def request(body, more=b""):
    return HEAD + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


def read_answer(s):
    """The status and the body of one answer; None when the connection closes instead."""
    got = b""
    while b"\r\n\r\n" not in got:
        chunk = s.recv(65536)
        if not chunk:
            return None
        got += chunk
    head, _, body = got.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    while len(body) < length:
        body += s.recv(65536)
    equal(len(body), length, "one answer, not more")
    return int(head.split(b" ")[1]), body


@contextlib.contextmanager
def tls(lab, **limits):
    context = lab.tls()
    for name, value in limits.items():
        setattr(context, name, value)
    with socket.create_connection(("127.0.0.1", lab.port()), timeout=15) as plain, \
            context.wrap_socket(plain, server_hostname="localhost") as s:
        yield s


def body_of(lab, number=0):
    return json.dumps(lab.envelope(inner(capture_xml(f"S01-1111111-2222222-C{number:06}")))).encode()


def client_hello(cipher):
    """A TLS 1.2 client that speaks one cipher suite; no tool of today offers the old ones."""
    extensions = bytes.fromhex("000d0006000404010201" "000a00040002001d")  # RSA with SHA-256 and SHA-1, X25519
    hello = b"\x03\x03" + os.urandom(32) + b"\0" + b"\0\2" + cipher + b"\1\0" + len(extensions).to_bytes(2, "big") + extensions
    handshake = b"\1" + len(hello).to_bytes(3, "big") + hello
    return b"\x16\x03\x01" + len(handshake).to_bytes(2, "big") + handshake


def plainly(lab, data):
    """What comes back when these bytes go to the TLS port."""
    got = b""
    with socket.create_connection(("127.0.0.1", lab.port()), timeout=15) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while chunk := s.recv(1000):
                got += chunk
    return got


@case("24 TLS 1.2 and 1.3 are spoken, 1.1 and weak ciphers are not; 25 plain text to the TLS port is closed")
def tls_versions():
    with watched() as lab:
        for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            with tls(lab, minimum_version=version, maximum_version=version) as s:
                equal(s.version(), name, "version")
                s.sendall(request(body_of(lab)))
                equal(read_answer(s)[0], 200, name)
        for what, arguments in {"1.1": ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "1.0": ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
                                "no encryption": ["-tls1_2", "-cipher", "eNULL:@SECLEVEL=0"]}.items():
            with nothing(lab, "24 TLS, " + what):
                p = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{lab.port()}", *arguments], input=b"",
                                   capture_output=True, timeout=15)
                check(p.returncode != 0 and re.search(rb"written [1-9]", p.stdout) and b"Cipher is (NONE)" in p.stdout,
                      (p.stdout + p.stderr).decode())
        for what, cipher, first in (("AES-128-GCM", b"\xc0\x2f", b"\x16"), ("RC4", b"\x00\x05", b""), ("3DES", b"\x00\x0a", b""),
                                    ("ECDHE and RC4", b"\xc0\x11", b""), ("ECDHE and 3DES", b"\xc0\x12", b"")):
            with nothing(lab, "24 TLS 1.2 of " + what):
                got = plainly(lab, client_hello(cipher))
                check(got[:1] == first or got[:1] == b"\x15" and not first, f"answered {got[:9]!r}")
        for text in (request(body_of(lab)), b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 100, os.urandom(2000)):
            with nothing(lab, f"25 plain {text[:5]!r}"):
                got = plainly(lab, text)
                check(b"HTTP/1." not in got, f"an answer in plain text: {got!r}")
        equal(lab.send(lab.envelope(inner())).status, 200, "afterwards")
        equal(lab.one("SELECT count(*) FROM notification"), 3, "rows")


@case("20-21 one byte at a time: cut off at the deadline of the whole request, however busy the connection")
def trickle():
    with watched(lambda t: t.replace("listen {", 'listen {\n\trequest_deadline = "2s"')) as lab:
        body = body_of(lab)

        def drip(what, at_once, slowly):
            started = time.monotonic()
            with tls(lab) as s:
                s.sendall(at_once)
                with contextlib.suppress(OSError):
                    for i in range(len(slowly)):
                        s.sendall(slowly[i:i + 1])
                        time.sleep(0.1)
                        check(time.monotonic() - started < 8, what + ": still open")
                with contextlib.suppress(OSError):
                    equal(s.recv(10), b"", what)
            took = time.monotonic() - started
            check(1.5 < took < 6, f"{what}: closed after {took:.1f} s")

        def other():
            time.sleep(0.5)
            equal(lab.post(body).status, 200, "others are served meanwhile")

        with threat("20, 21 drops"):
            together(other, lambda: drip("headers", HEAD, b"X-Header: " + b"y" * 200),
                     lambda: drip("body", request(body)[:-len(body)], body),
                     lambda: drip("chunked body", HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 100))
        equal(lab.one("SELECT count(*) FROM notification"), 1, "rows")


@case("22 connections from one address and all together are limited; freed, they serve again")
def limits():
    with Lab() as lab:
        lab.configure(lambda t: t.replace("listen {", "listen {\n\tmax_connections = 12\n\tmax_connections_per_address = 5"))
        lab.start()

        def opened(address, n):
            """Sockets that the server keeps; it closes the others."""
            kept = []
            for _ in range(n):
                s = socket.create_connection(("127.0.0.1", lab.port()), timeout=5, source_address=(address, 0))
                s.settimeout(0.3)
                try:
                    closed = s.recv(1) == b""
                except TimeoutError:
                    closed = False
                except ConnectionResetError:
                    closed = True
                if closed:
                    s.close()
                else:
                    kept.append(s)
            return kept

        one = opened("127.0.0.2", 7)
        equal(len(one), 5, "from one address")
        two = opened("127.0.0.3", 6)
        equal(len(two), 5, "from another")
        three = opened("127.0.0.4", 4)
        equal(len(three), 2, "all together")
        for s in one + two + three:
            s.close()
        wait_for("service", lambda: lab.send(lab.envelope(inner())).status == 200)


@case("22 500 idle TLS connections from one address: 64 are kept, other addresses are served")
def idle():
    with watched() as lab, contextlib.ExitStack() as stack:
        kept = 0
        context = lab.tls()
        with nothing(lab, "22 idle"):
            for _ in range(500):
                plain = stack.enter_context(
                    socket.create_connection(("127.0.0.1", lab.port()), timeout=15, source_address=("127.0.0.2", 0)))
                with contextlib.suppress(OSError):
                    stack.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
                    kept += 1
            equal(kept, 64, "kept")
        equal(lab.send(lab.envelope(inner())).status, 200, "another address")


@case("keep-alive: a thousand posts on one connection; two in one packet; a refused one does not take the next along")
def keep_alive():
    with Lab() as lab:
        lab.start()
        bodies = [body_of(lab, i) for i in range(20)]
        with tls(lab) as s:
            for i in range(1000):
                s.sendall(request(bodies[i % 20]))
                equal(read_answer(s)[0], 200, f"post {i}")
        equal(lab.one("SELECT count(*) FROM notification"), 20, "rows")
        with tls(lab) as s:
            s.sendall(request(body_of(lab, 21)) + request(body_of(lab, 22)))
            got = b""
            while got.count(b"HTTP/1.1 200") < 2:
                chunk = s.recv(65536)
                check(chunk, f"closed after {got!r}")
                got += chunk
        equal(lab.one("SELECT count(*) FROM notification"), 22, "rows")
        with tls(lab) as s:  # the body is complete, so the next request is one
            s.sendall(request(b"hello"))
            equal(read_answer(s)[0], 400, "not JSON")
            with contextlib.suppress(OSError):
                s.sendall(request(body_of(lab, 23)))
                answer = read_answer(s)
                check(answer is None or answer[0] == 200, f"{answer}")
        for what, framing in {"28, 38 two lengths": b"Content-Length: 5\r\n",
                              "29, 38 chunked and a length": b"Transfer-Encoding: chunked\r\n"}.items():
            with nothing(lab, what), tls(lab) as s:
                s.sendall(request(b"", framing) + request(body_of(lab, 24)))
                got = b""
                with contextlib.suppress(OSError):
                    while chunk := s.recv(65536):
                        got += chunk
                equal(got.count(b"HTTP/1.1 "), 1, "one answer, then it is closed")
                check(got.startswith(b"HTTP/1.1 400"), f"{got[:30]!r}")
        with tls(lab) as s:
            s.sendall(request(body_of(lab, 25), b"Connection: close\r\n"))
            equal(read_answer(s)[0], 200, "Connection: close")
            equal(s.recv(1), b"", "closed")
        with tls(lab) as s:
            s.sendall(request(body_of(lab, 26)).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
            equal(read_answer(s)[0], 200, "HTTP/1.0")


@case("an early answer is read by a client that sends its whole body first: up to 1 MiB is drained")
def early():
    with watched() as lab:
        for size in (524289, 700000, 1000000):
            with nothing(lab, f"16 {size} bytes"):
                equal(lab.post(b"x" * size).status, 413, "answer")
        equal(lab.post(b"x" * 600000, path="/else").status, 404, "path")
        equal(lab.post(b"x" * 400000, method="PUT").status, 405, "method")
        equal(lab.post(b"x" * 400000, {"Content-Encoding": "gzip"}).status, 415, "encoding")
        for body in (b"x" * 524288, json.dumps(lab.envelope("x" * 200000)).encode()):
            check(lab.post(body).status in (400, 200), "the largest that is read")
        with tls(lab) as s:
            s.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            check(s.recv(1000).startswith(b"HTTP/1.1 100"), "100 continue")
            s.sendall(b"hello")
            equal(read_answer(s)[0], 400, "then the answer")
        with nothing(lab, "37 expects, too large"), tls(lab) as s:
            s.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 700000\r\n\r\n")
            equal(read_answer(s)[0], 413, "answer")
        good = body_of(lab)
        pieces = [good[i:i + 700] for i in range(0, len(good), 700)]
        with tls(lab) as s:
            s.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) +
                      b"0\r\n\r\n")
            equal(read_answer(s)[0], 200, "chunked")
        boundary = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n" + good + b"\r\n--x--\r\n"
        with nothing(lab, "36 multipart"):
            equal(lab.post(boundary, {"Content-Type": "multipart/form-data; boundary=x"}).status, 400, "answer")
        with nothing(lab, "18 a whole request, whose body is cut"), tls(lab) as s:
            s.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % (len(good) - 10) + good)
            equal(read_answer(s)[0], 400, "answer")
        equal(lab.one("SELECT count(*) FROM notification"), 2, "rows")
        check(os.path.exists(f"/proc/{lab.daemons['ipnd'].pid}"), "ipnd goes on")
        descriptors = f"/proc/{lab.daemons['ipnd'].pid}/fd"
        few = len(os.listdir(descriptors))
        fresh = json.dumps(lab.envelope(inner())).encode()
        with nothing(lab, "19 gone in the middle of the body"):
            for i in range(100):
                with contextlib.suppress(OSError), tls(lab) as s:
                    s.sendall(request(fresh)[:-1] if i % 2 else request(fresh)[:300])
            wait_for("no descriptor is lost", lambda: len(os.listdir(descriptors)) <= few)


@case("sixty connections at once, each with its own messages and duplicates of the others': every answer is 200, each row once")
def at_once():
    with Lab() as lab:
        lab.start()
        bodies = [body_of(lab, i) for i in range(120)]
        got, lock = [], threading.Lock()

        def client(number):
            with tls(lab) as s:
                for i in (number, number + 60, (number + 1) % 120, 0):
                    s.sendall(request(bodies[i]))
                    answer = read_answer(s)
                    with lock:
                        got.append(answer[0])

        together(*(lambda i=i: client(i) for i in range(60)))
        equal(got, [200] * 240, "answers")
        equal(lab.rows("SELECT count(*), count(DISTINCT message_id) FROM notification"), [(120, 120)], "rows")
        equal(lab.rows("SELECT count(*), count(DISTINCT transition_id) FROM event"), [(120, 120)], "events")
