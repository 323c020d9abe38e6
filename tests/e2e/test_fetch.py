"""Certificates that ipnd fetches, subscriptions that it confirms: from a stand-in for SNS that does all that SNS would not."""

import contextlib
import hashlib
import json
import os
import socket
import threading
import time
import uuid

from authority import DNS, Issuer, certificate, new_key, pem, public_key_of, subject_of
from lab import case, check, equal, inner, openssl, together, wait_for
from sns import NAME, Reply, watched
from threats import nothing, nothing_fetched, threat

FOLDER = "SimpleNotificationService-"
FETCH_S = 5  # after so long a fetch is given up


class Signer:
    """Certificates that are not in the cache, and messages signed with them."""

    def __init__(self, lab):
        self.lab = lab
        self.ca = Issuer(subject_of(f"{lab.home}/ca.pem"), f"{lab.home}/ca.key")
        self.key = new_key(lab.folder)
        self.sources = 0

    def make(self, issuer=None, key=None, **how):
        """(32 hex digits, DER)"""
        der = certificate(issuer or self.ca, public_key_of(key or self.key), **how)
        return hashlib.md5(der).hexdigest(), der

    def offer(self, text=None, **reply):
        """A good certificate that SNS has, or this text in its place. Returns its hex digits."""
        hexa, der = self.make()
        self.lab.sns.replies[f"/{FOLDER}{hexa}.pem"] = Reply(pem(der) if text is None else text, **reply)
        return hexa

    def path(self, hexa):
        return os.path.join(self.lab.certificates, f"{FOLDER}{hexa}.pem")

    def message(self, hexa, **changes):
        return self.lab.envelope(inner(), key=self.key, SigningCertURL=f"https://{NAME}/{FOLDER}{hexa}.pem", **changes)

    def send(self, e):
        """Each comes from another network, as a proxy on this machine tells it, so that none uses up another's ration."""
        self.sources += 1
        return self.lab.send(e, headers={"X-Forwarded-For": f"198.{self.sources // 250}.{self.sources % 250}.1"})

    def post(self, hexa):
        return self.send(self.message(hexa))


@case("137, 138 a certificate is fetched once, kept and used again, also after a restart without network")
def fetched():
    with watched() as lab:
        signer = Signer(lab)
        hexa = signer.offer()
        with threat("137 fetched once, then never again"):
            together(*[lambda: equal(signer.post(hexa).status, 200, "answer")] * 20)
            equal(lab.sns.count, 1, "connections")
            host, line, headers = lab.sns.requests[0]
            equal((host, line), (NAME, f"GET /{FOLDER}{hexa}.pem HTTP/1.1"), "request")
            equal({h: v for h, v in headers.items() if h not in ("User-Agent", "Accept")}, {"Host": NAME}, "nothing else is told")
            check(headers["User-Agent"].startswith("ipnd/"), headers["User-Agent"])
            with open(signer.path(hexa)) as f:
                equal(f.read(), lab.sns.replies[f"/{FOLDER}{hexa}.pem"].body.decode(), "kept as it was fetched")
            equal(len(os.listdir(lab.certificates)), 2, "files in the cache")
            lab.stop()
            lab.sns.close()
            lab.start()
            equal(signer.post(hexa).status, 200, "after a restart")
        with threat("175 the fetched file"):
            equal(oct(os.stat(signer.path(hexa)).st_mode & 0o777), oct(0o640), "its mode")
    with watched() as lab:
        signer = Signer(lab)
        for where in ("fetched", "in the cache"):
            with threat("138 the name is not the MD5, " + where):
                _, der = signer.make()
                other = uuid.uuid4().hex
                if where == "fetched":
                    lab.sns.replies[f"/{FOLDER}{other}.pem"] = Reply(pem(der))
                else:
                    with open(signer.path(other), "w") as f:
                        f.write(pem(der))
                for _ in range(3):
                    equal(signer.post(other).status, 200, "answer")
                equal(sum(other in line and "MD5" in line for line in lab.log().splitlines()), 1, "warnings")
        equal(lab.sns.count, 1, "connections")


@case("120-122 answers that are no certificate: 503, not tried again for a minute; put there by hand it is used at once")
def bad_answers():
    with watched() as lab:
        signer = Signer(lab)
        good = pem(signer.make()[1])
        moved = f"https://{NAME}/elsewhere"
        lab.sns.replies["/elsewhere"] = Reply(good)

        def failed(what, hexa):
            e = signer.message(hexa)
            with nothing(lab, what, connections=1):
                for _ in range(2):
                    started = time.monotonic()
                    answer = signer.send(e)
                    equal((answer.status, "retry-after" in answer.headers), (503, True), "answer")
                check(time.monotonic() - started < 1, "the second at once")

        for what, reply in {
            "120 302 to another host": {"status": 302, "headers": ["Location: https://evil.com/x"]},
            "120 301 to itself": {"status": 301, "headers": [f"Location: {moved}"], "text": good},
            "120 307": {"status": 307, "headers": [f"Location: {moved}"]}, "121 404": {"status": 404},
            "121 403": {"status": 403, "text": "<Error/>"}, "121 500": {"status": 500}, "121 503": {"status": 503},
            "121 404 with a good certificate": {"status": 404, "text": good}, "121 204": {"status": 204},
            "121 206 with a good certificate": {"status": 206, "text": good},
            "121 reset": {"how": "reset"}, "121 half of it": {"text": good, "how": "half"}, "121 nothing": {"text": ""},
            "122 10 MB": {"text": "x" * 10000000}, "122 10 MB without a length": {"text": "x" * 10000000, "length": -1},
            "122 10 MB behind a certificate": {"text": good + " " * 10000000},
            "122 it says 10 GB": {"text": good, "length": 10 ** 10},
            "123 XML around it": {"text": f"<xml>{good}</xml>"}, "124 two": {"text": good + good},
            "125 a private key": {"text": openssl("pkey", "-in", signer.key)},
            "125 a public key": {"text": openssl("pkey", "-in", signer.key, "-pubout")},
        }.items():
            failed(what, signer.offer(**reply))
        for what, (_, der) in {
            "126 another name": signer.make(names=((DNS, b"sns.evil.com"),)),
            "127 a wildcard": signer.make(names=((DNS, b"*.amazonaws.com"),)),
            "129 a name with NUL": signer.make(names=((DNS, b"sns.amazonaws.com\0.evil.com"),)),
            "135 RSA-1024": signer.make(key=new_key(lab.folder, "RSA", "-pkeyopt", "rsa_keygen_bits:1024")),
            "135 Ed25519": signer.make(key=new_key(lab.folder, "ED25519")),
        }.items():
            failed(what, signer.offer(pem(der)))
        check("GET /elsewhere" not in " ".join(lab.sns.lines()), "120 followed")
        for kind in ("another name", "another region", "self-signed", "expired", "plain"):
            lab.sns.show(kind)
            hexa = signer.offer()
            before = len(lab.sns.requests)
            failed(f"121 TLS: {kind}", hexa)
            equal(len(lab.sns.requests), before, "121 requests inside such TLS")
        lab.sns.show("good")
        with nothing_fetched(lab, "121 put there by hand"):
            with open(signer.path(hexa), "wb") as f:
                f.write(lab.sns.replies[f"/{FOLDER}{hexa}.pem"].body)
            equal(signer.post(hexa).status, 200, "answer")
        late = signer.offer(status=500)
        equal(signer.post(late).status, 503, "500")
        with threat("121 the next attempt works"):
            lab.sns.replies[f"/{FOLDER}{late}.pem"].status = 200
            lab.stop()
            lab.start()  # or a minute passes
            equal(signer.post(late).status, 200, "answer")


@case("121 an SNS that never answers, or slowly: 503 in time for SNS, and nobody else waits")
def never():
    with watched() as lab:
        signer = Signer(lab)
        known = signer.offer()
        equal(signer.post(known).status, 200, "known")
        over = threading.Event()

        def waits(what, hexa):
            with nothing(lab, what, connections=None):
                started = time.monotonic()
                equal(signer.post(hexa).status, 503, "answer")
                check(FETCH_S * 0.5 < time.monotonic() - started < FETCH_S + 5, f"after {time.monotonic() - started:.1f} s")

        def others():
            while not over.is_set():
                started = time.monotonic()
                equal(lab.send(dict(e, Message=e["Message"] + " ")).status, 403, "another's")
                check(time.monotonic() - started < 2, "in time")
                time.sleep(0.1)

        def all_of_them():
            try:
                together(lambda: waits("121 never answers", signer.offer(how="hang")),
                         lambda: waits("121 one byte at a time", signer.offer("x" * 1000, how="drip")))
                lab.sns.show("hang")
                waits("121 never says hello", signer.offer())
            finally:
                over.set()

        e = signer.message(known)
        together(others, all_of_them)
        lab.sns.show("good")
        equal(signer.post(signer.offer()).status, 200, "afterwards")


@case("136 a thousand messages with a thousand certificate URLs: fetches are rationed, the known one works at once")
def rationed():
    def change(text):
        return text.replace("listen {", 'listen {\n\thttp = {"127.0.0.1:0"}\n\trequest_deadline = "4s"')

    with watched(change) as lab, threat("136 a thousand URLs"):
        signer = Signer(lab)
        known = signer.offer()
        equal(signer.post(known).status, 200, "known")
        e, fresh, before = signer.message(known), signer.offer(), lab.sns.count
        forged = [json.dumps(dict(e, SigningCertURL=f"https://{NAME}/{FOLDER}{uuid.uuid4().hex}.pem")) for _ in range(1000)]
        over, slowest, started = threading.Event(), 0, time.monotonic()

        def storm():
            try:
                equal(lab.flood(forged, len(forged), threads=16), {"503": len(forged)}, "answers")
            finally:
                over.set()

        def genuine():
            nonlocal slowest
            while not over.wait(0.1):
                at = time.monotonic()
                equal(signer.post(known).status, 200, "the known one")
                slowest = max(slowest, time.monotonic() - at)

        def new():
            time.sleep(1)
            at = time.monotonic()
            equal(signer.post(fresh).status, 200, "a new one, of another network")
            check(time.monotonic() - at < 2, "in time")

        together(storm, genuine, new)
        took = time.monotonic() - started
        check(slowest < 1, f"the known one took {slowest:.1f} s")
        fetches = lab.sns.count - before - 1
        check(4 <= fetches <= 4 + took / 5 + 1, f"{fetches} fetches in {took:.1f} s")
        equal(len(os.listdir(lab.certificates)), 3, "files in the cache")


@case("136 who takes over what another wants has no more than its share")
def taken_over():
    with watched(lambda t: t.replace("listen {", 'listen {\n\thttp = {"127.0.0.1:0"}')) as lab, contextlib.ExitStack() as stack:
        e = lab.envelope(inner())
        lab.sns.show("hang")

        def ask(source, hexa=None):
            """Posts and does not wait for the answer."""
            url = f"https://{NAME}/{FOLDER}{hexa or uuid.uuid4().hex}.pem"
            body = json.dumps(dict(e, SigningCertURL=url)).encode()
            s = stack.enter_context(socket.create_connection(("127.0.0.1", lab.port(1)), timeout=0.5))
            s.sendall(b"POST /ipn HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: %s\r\nContent-Length: %d\r\n\r\n%s" %
                      (source.encode(), len(body), body))
            return s

        def waits(s):
            try:
                return not s.recv(1000)
            except TimeoutError:
                return True

        shared = uuid.uuid4().hex
        for source in ("192.0.2.1", "192.0.2.1", "198.51.100.1", "198.51.100.1"):
            ask(source)  # all that are fetched at a time
        ask("192.0.2.1", shared)
        for _ in range(8):
            ask("203.0.113.1")  # its share
        ask("203.0.113.1", shared)  # which was another's, and is its own now
        more = [ask("203.0.113.1") for _ in range(250)]
        check(not waits(more[-20]), "one more than its share waits")
        check(waits(ask("100.64.0.1")), "nobody else may ask any more")


@case("139-142 subscription = confirm: one GET of the URL made of topic and token, and never of another")
def confirm():
    token = "ab" * 100
    right = f"https://{NAME}/?Action=ConfirmSubscription&TopicArn={{}}&Token={{}}"

    def ask(lab, **changes):
        e = {"Type": "SubscriptionConfirmation", "Token": token, "SubscribeURL": right.format(lab.topic, token)}
        return lab.envelope("You have chosen to subscribe", **dict(e, **changes))

    with watched(lambda t: t.replace("sns {\n", "sns {\n\tsubscription = confirm\n")) as lab:
        other = "arn:aws:sns:us-east-1:123456789012:x"
        for what, status, changes in (
                ("139 another topic", 403, {"TopicArn": other, "SubscribeURL": right.format(other, token)}),
                ("142 169.254.169.254", 403, {"SubscribeURL": right.format(lab.topic, token).replace(NAME, "169.254.169.254")}),
                ("142 another region", 403, {"SubscribeURL": right.format(lab.topic, token).replace("east", "west")}),
                ("142 http", 403, {"SubscribeURL": right.format(lab.topic, token).replace("https", "http")}),
                ("142 more parameters", 403, {"SubscribeURL": right.format(lab.topic, token) + "&x=y"}),
                ("142 another token", 403, {"SubscribeURL": right.format(lab.topic, "cd" * 100)}),
                ("142 another token", 400, {"Token": token + "&x", "SubscribeURL": right.format(lab.topic, token + "&x")})):
            with nothing(lab, what):
                equal(lab.send(ask(lab, **changes)).status, status, "answer")
                time.sleep(0.1)
        path = right.format(lab.topic, token)[len("https://" + NAME):]
        lab.sns.replies[path] = Reply("<ConfirmSubscriptionResponse/>")
        with threat("141 genuine"):
            e = ask(lab)
            for again in (e, e, ask(lab)):
                equal(lab.send(again).status, 200, "answer")
            wait_for("confirmed", lambda: lab.rows("SELECT state FROM subscription") == [("confirmed",)])
            time.sleep(0.2)
            equal(lab.sns.lines(), [f"GET {path} HTTP/1.1"], "requests")
            equal((lab.sns.count, lab.sns.requests[0][0]), (1, NAME), "connections")
        with threat("143 the end is not confirmed"):
            equal(lab.send(ask(lab, Type="UnsubscribeConfirmation")).status, 200, "answer")
            time.sleep(0.2)
            equal(lab.sns.count, 1, "connections")
        with threat("141 SNS says no: it is said, and not tried again"):
            refused = "cd" * 100
            equal(lab.send(ask(lab, Token=refused, SubscribeURL=right.format(lab.topic, refused))).status, 200, "answer")
            wait_for("failed", lambda: lab.rows("SELECT state FROM subscription ORDER BY id DESC LIMIT 1") == [("failed",)])
            time.sleep(0.2)
            equal(lab.sns.count, 2, "connections")
        for word in (token[:40], refused[:40]):
            check(word not in lab.log(), "a token is in the log")
        equal(lab.one("SELECT count(*) FROM notification"), 0, "notifications")
