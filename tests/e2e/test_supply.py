"""Certificates that ipnd fetches from a stand-in for SNS: rotation, one fetch for many, restarts, full folders, dead resolvers."""

import contextlib
import json
import os
import re
import shutil
import socket
import sqlite3
import stat
import subprocess
import threading
import time

import contract
from lab import TOPIC, Lab, Skip, case, check, equal, inner, together, wait_for
from sns import Reply, watched
from test_fetch import FOLDER, Signer

SENDERS = 4


@case("141 a new certificate in the middle of traffic: it is fetched once, and no message is lost")
def rotation():
    with watched() as lab:
        signer = Signer(lab)
        old, new = signer.offer(), signer.offer(pause=0.3)
        bodies = [json.dumps(signer.message(old if i < 20 else new)) for i in range(60)]
        answers = []

        def send(first):
            c = lab.connect()
            for body in bodies[first::SENDERS]:
                answers.append(lab.post(body, connection=c).status)
            c.close()

        together(*(lambda n=n: send(n) for n in range(SENDERS)))
        equal(set(answers), {200}, "answers")
        equal(lab.one("SELECT count(*) FROM notification"), 60, "rows")
        equal(sorted(lab.sns.lines()), sorted(f"GET /{FOLDER}{h}.pem HTTP/1.1" for h in (old, new)), "fetches")
        equal({sni for sni, _, _ in lab.sns.requests}, {"sns.us-east-1.amazonaws.com"}, "server name")
        headers = lab.sns.requests[0][2]
        equal(set(headers), {"Host", "User-Agent", "Accept"}, "headers of ours")
        for hexa in (old, new):
            equal(stat.S_IMODE(os.stat(signer.path(hexa)).st_mode), 0o640, "mode of the file")
        equal(len(os.listdir(lab.certificates)), 3, "files: those two and the first")
        wait_for("counted", lambda: lab.rows("SELECT count FROM note_count WHERE note = 'certificate fetched'") == [(2,)])
        # without network after a restart
        lab.stop()
        lab.sns.close()
        lab.start()
        equal(lab.send(signer.message(new)).status, 200, "from the folder")


@case("136 a storm of invented names from one network: another's new certificate is fetched at once, known ones need none")
def storm():
    with watched() as lab:
        signer = Signer(lab)
        new, known = signer.offer(), signer.offer()
        equal(lab.send(signer.message(known)).status, 200, "the known one")
        e = lab.envelope(inner())
        invented = [json.dumps(dict(e, SigningCertURL=e["SigningCertURL"].replace(lab.hex, f"{i:032x}"))) for i in range(200)]
        answers, over = [], threading.Event()

        def attack(part):
            for body in invented[part::8]:
                if over.is_set():
                    return
                with contextlib.suppress(OSError):
                    answers.append(lab.post(body, headers={"X-Forwarded-For": "10.0.0.1, 198.51.100.7"}).status)

        threads = [threading.Thread(target=attack, args=(n,)) for n in range(8)]
        for t in threads:
            t.start()
        wait_for("the storm", lambda: len(lab.sns.requests) > 2)
        for what, hexa, source in (("known", known, "198.51.100.7"), ("new", new, "203.0.113.1")):
            body, started = json.dumps(signer.message(hexa)), time.monotonic()
            equal(lab.post(body, headers={"X-Forwarded-For": source}).status, 200, what)
            took = time.monotonic() - started
            check(took < 2, f"{what}: {took:.1f} s")
        over.set()
        for t in threads:
            t.join()
        equal(set(answers) <= {503}, True, "answers to the storm")
        check(len(lab.sns.requests) < 20, f"{len(lab.sns.requests)} fetches")


@case("137 a certificate that cannot be kept in the folder is kept in memory; a damaged file is fetched anew")
def folder():
    with watched() as lab:
        signer = Signer(lab)
        first, second = signer.offer(), signer.offer()
        shutil.move(lab.certificates, lab.certificates + ".aside")
        with open(lab.certificates, "w"):
            pass  # where the folder should be
        for _ in range(2):
            equal(lab.send(signer.message(first)).status, 200, "there is no folder")
        equal(len(lab.sns.requests), 1, "fetches")
        check("kept in memory only" in lab.log(), "said")
        os.unlink(lab.certificates)
        equal(lab.send(signer.message(second)).status, 200, "the folder is made")
        equal(stat.S_IMODE(os.stat(lab.certificates).st_mode), 0o750, "mode of the folder")
        with open(signer.path(second)) as f:
            whole = f.read()
        with open(signer.path(second), "w") as f:
            f.write(whole[:500])
        equal(lab.send(signer.message(second)).status, 200, "damaged, so fetched anew")
        with open(signer.path(second)) as f:
            equal(f.read(), whole, "the file")
        equal(len(lab.sns.requests), 3, "fetches")


@case("a fetch that takes longer than a message can wait: 503 in time, and 200 when the sender comes again")
def slow_fetch():
    with watched(lambda t: t.replace("listen {", 'listen {\n\trequest_deadline = "2s"')) as lab:
        signer = Signer(lab)
        late = signer.offer(pause=2.5)
        body, started = json.dumps(signer.message(late)), time.monotonic()
        answer = lab.post(body)
        equal((answer.status, answer.headers.get("retry-after")), (503, "20"), "too slow")
        check(1 < time.monotonic() - started < 2, "answered before the connection's end")
        check("still being fetched" in lab.log(), "said")
        wait_for("fetched all the same", lambda: os.path.exists(signer.path(late)))
        equal(lab.post(body).status, 200, "again")
        equal(len(lab.sns.requests), 1, "fetches")


@case("a reload and a stop while a message waits for its certificate: 503, nothing lost")
def reload_while_waiting():
    with watched() as lab:
        signer = Signer(lab)
        body, answers = json.dumps(signer.message(signer.offer(pause=3))), []
        for what, signal_it in (("reload", lambda p: p.send_signal(1)), ("stop", lambda p: p.send_signal(15))):
            t = threading.Thread(target=lambda: answers.append(lab.post(body).status))
            before = len(lab.sns.requests)
            t.start()
            wait_for("the fetch", lambda: len(lab.sns.requests) > before)
            signal_it(lab.daemons["ipnd"])
            t.join()
            equal(len(answers), 1, what)
            check(answers.pop() in ((503,) if what == "reload" else (200, 503)), what)
        equal(lab.daemons.pop("ipnd").wait(30), 0, "exit")


@case("140-143 subscriptions: confirmed once, by ipnd or by hand; status warns of an end until notifications come")
def subscriptions():
    with watched() as lab:
        def message(kind, token):
            return subscription(lab, kind, token)

        def confirm_path(token):
            return f"/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={token}"

        def states():
            return [(r["id"], r["state"], r["open"]) for r in map(json.loads, lab.ctl("subscriptions", "--json").stdout.splitlines())]

        check("SNS has said nothing" in lab.ctl("subscriptions", code=1).stderr, "none yet")
        a, b, c = "aa" * 100, "bb" * 100, "cc" * 100
        ask = message("SubscriptionConfirmation", a)
        equal([lab.send(ask).status for _ in range(2)], [200, 200], "twice")
        equal(states(), [(1, "pending", True)], "ignored by default")
        equal(lab.sns.requests, [], "no connection")
        check("ipnctl subscriptions confirm 1" in lab.ctl("status").stdout, "status says what to do")
        lab.ctl("subscriptions", "confirm", "9", code=1)
        check("answered 404" in lab.ctl("subscriptions", "confirm", "1", code=65).stderr, "SNS does not know it")
        equal(states(), [(1, "failed", True)], "failed")
        lab.sns.replies[confirm_path(a)] = Reply("<ConfirmSubscriptionResponse/>")
        check("is confirmed" in lab.ctl("subscriptions", "confirm", "1").stdout, "by hand")
        equal(lab.sns.lines(), [f"GET {confirm_path(a)} HTTP/1.1"] * 2, "two requests of a person")
        equal(states(), [(1, "confirmed", False)], "confirmed")
        check("confirm" not in lab.ctl("status").stdout, "status is content")

        time.sleep(1.1)  # stamps have seconds
        equal(lab.send(message("UnsubscribeConfirmation", b)).status, 200, "the end")
        equal(states(), [(2, "ended", True), (1, "confirmed", False)], "ended")
        check("no more notifications come" in lab.ctl("status").stdout, "status warns")
        equal(len(lab.sns.requests), 2, "no connection")
        time.sleep(1.1)
        equal(lab.send(lab.envelope(inner())).status, 200, "a notification")
        equal(states()[0], (2, "ended", False), "notifications come, so it stands")

        lab.configure(lambda t: t.replace("sns {", "sns {\n\tsubscription = confirm"))
        lab.daemons["ipnd"].send_signal(1)
        wait_for("reloaded", lambda: "was reloaded" in lab.log())
        lab.sns.replies[confirm_path(c)] = Reply("<ConfirmSubscriptionResponse/>")
        ask = message("SubscriptionConfirmation", c)
        equal([lab.send(ask).status for _ in range(3)], [200] * 3, "three times")
        wait_for("confirmed", lambda: states()[0] == (3, "confirmed", False))
        equal(lab.sns.lines()[2:], [f"GET {confirm_path(c)} HTTP/1.1"], "exactly one request")
        equal(lab.send(message("UnsubscribeConfirmation", "dd" * 100)).status, 200, "an end is never undone by itself")
        evil = message("SubscriptionConfirmation", "ee" * 100)
        evil["SubscribeURL"] = "https://169.254.169.254/"
        evil["Signature"] = lab.sign("".join(f"{n}\n{evil[n]}\n" for n in (
            "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")).encode())
        equal(lab.send(evil).status, 403, "another URL")
        time.sleep(0.3)
        equal(len(lab.sns.requests), 3, "requests in all")
        text = lab.log() + lab.ctl("subscriptions").stdout + lab.ctl("status").stdout
        for token in (a, b, c):
            check(token[:40] not in text, "a token is never shown")
        contract.check_value("subscriptions", "confirmed", json.loads(lab.ctl("subscriptions", "confirm", "1", "--json").stdout))


def subscription(lab, kind, token):
    url = f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={token}"
    return lab.envelope("You have chosen to subscribe", Type=kind, Token=token, SubscribeURL=url)


@case("141 a reload while a subscription is confirmed changes nothing for it; a stop says that it was cut off; no proxy is used")
def confirmation_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as proxy, watched(lambda t: t.replace("sns {", "sns {\n\tsubscription = confirm"),
                                                                start=False) as lab:
        proxy.settimeout(0.1)
        there = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        lab.prefix = ["env", *(f"{name}={there}" for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"))]
        lab.start()
        for token in ("aa" * 100, "bb" * 100):
            path = f"/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={token}"
            lab.sns.replies[path] = Reply("<ConfirmSubscriptionResponse/>", pause=1)
        equal(lab.send(subscription(lab, "SubscriptionConfirmation", "aa" * 100)).status, 200, "the first")
        wait_for("SNS is asked", lambda: lab.sns.requests)
        lab.daemons["ipnd"].send_signal(1)
        wait_for("reloaded", lambda: "was reloaded" in lab.log())
        equal(lab.one("SELECT state FROM subscription"), "confirming", "state")
        wait_for("confirmed", lambda: lab.one("SELECT state FROM subscription") == "confirmed")
        equal(lab.send(subscription(lab, "SubscriptionConfirmation", "bb" * 100)).status, 200, "the second")
        wait_for("SNS is asked", lambda: len(lab.sns.requests) == 2)
        lab.stop()
        equal(lab.rows("SELECT state, detail, confirmed_by FROM subscription WHERE id = 2"),
              [("failed", "ipnd was stopped before SNS had answered", "ipnd")], "cut off")
        check("ipnd was stopped before" in lab.ctl("subscriptions").stdout, "said")
        with contextlib.closing(sqlite3.connect(lab.database)) as db:  # as a kill -9 leaves it
            db.execute("UPDATE subscription SET state = 'confirming', detail = NULL WHERE id = 2")
            db.commit()
        lab.start()
        equal(lab.rows("SELECT state, detail FROM subscription WHERE id = 2"),
              [("failed", "ipnd ended before SNS had answered")], "after a crash")
        check("1 subscription may not be confirmed" in lab.log(), "said at the start")
        with contextlib.suppress(TimeoutError):
            proxy.accept()
            raise AssertionError("a proxy of the environment was used")


def plain(lab, body, *forwarded):
    """A post over plain HTTP, as a proxy hands it on; the answer is read later."""
    s = socket.create_connection(("127.0.0.1", lab.port(1)), timeout=20)
    s.sendall("".join(["POST /ipn HTTP/1.1\r\nHost: localhost\r\n", *(f"X-Forwarded-For: {f}\r\n" for f in forwarded),
                       f"Content-Length: {len(body)}\r\n\r\n", body]).encode())
    return s


@case("136 behind a proxy: what a stranger writes into X-Forwarded-For, or a storm of many networks, takes no turn of SNS's")
def forwarded():
    sns = "203.0.113.5"
    for what, count, network in (("a header of his own before the proxy's", 12, lambda i: (sns, "198.51.100.66")),
                                 ("IPv4 as IPv6", 12, lambda i: ("::ffff:198.51.100.66",)),
                                 ("64 networks", 576, lambda i: (f"10.{i % 64}.0.1",))):
        with watched(lambda t: t.replace("listen {", 'listen {\n\thttp = {"127.0.0.1:0"}')) as lab:
            signer = Signer(lab)
            genuine = json.dumps(signer.message(signer.offer()))
            e = lab.envelope(inner())
            junk = [json.dumps(dict(e, SigningCertURL=e["SigningCertURL"].replace(lab.hex, f"{i:032x}"))) for i in range(count)]
            storm = [plain(lab, body, *network(i)) for i, body in enumerate(junk)]
            time.sleep(0.2)
            with plain(lab, genuine, "::ffff:" + sns if what == "IPv4 as IPv6" else sns) as s:
                equal(s.recv(1000).split(b" ")[1], b"200", what)
            for s in storm:
                s.close()


@case("137 a certificate kept in memory only is used, although something unusable is in its place in the folder")
def unusable_file():
    with watched() as lab:
        signer = Signer(lab)
        hexa = signer.offer()
        os.mkdir(signer.path(hexa))
        for _ in range(3):
            equal(lab.send(signer.message(hexa)).status, 200, "a folder is in its place")
        equal(len(lab.sns.requests), 1, "fetches")


@case("a reload to a longer deadline: connections keep theirs, and a message that waits is answered in time all the same")
def longer_deadline():
    with watched(lambda t: t.replace("listen {", 'listen {\n\trequest_deadline = "2s"')) as lab:
        lab.configure(lambda t: t.replace('request_deadline = "2s"', 'request_deadline = "10s"'))
        lab.daemons["ipnd"].send_signal(1)
        wait_for("reloaded", lambda: "was reloaded" in lab.log())
        signer = Signer(lab)
        equal(lab.send(signer.message(signer.offer(pause=5))).status, 503, "an answer, not a cut")


@case("120-121 a resolver that never answers: known certificates are served at once, the unknown one gets 503, a stop is prompt")
def dead_resolver():
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        raise Skip("only root may give ipnd a resolv.conf of its own")
    silent = "127.77.77.77"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as dns, Lab() as lab:
        try:
            dns.bind((silent, 53))
        except OSError as why:
            raise Skip(f"port 53: {why}") from why
        resolver = os.path.join(lab.folder, "resolv.conf")
        with open(resolver, "w") as f:
            f.write(f"nameserver {silent}\n")
        lab.prefix = ["unshare", "-m", "--propagation", "private", "bash", "-c",
                      f'mount --bind {resolver} /etc/resolv.conf && exec "$@"', "sh"]
        lab.configure(lambda t: t.replace("\tfetch = no\n", "\tfetch = yes\n"))
        lab.start()
        signer, answers = Signer(lab), []

        def ask():
            started = time.monotonic()
            answers.append((lab.send(signer.message("0" * 32)).status, time.monotonic() - started))

        t = threading.Thread(target=ask)
        t.start()
        check(b"amazonaws" in dns.recv(1000), "the resolver is asked")
        slowest = 0
        while t.is_alive():
            started = time.monotonic()
            equal(lab.send(lab.envelope(inner())).status, 200, "a known certificate")
            slowest = max(slowest, time.monotonic() - started)
        check(slowest < 1, f"a known certificate took {slowest:.1f} s")
        equal(answers[0][0], 503, "the unknown one")
        check(answers[0][1] < 8, f"the unknown one took {answers[0][1]:.1f} s")
        started = time.monotonic()
        equal(lab.send(signer.message("0" * 32)).status, 503, "again")
        check(time.monotonic() - started < 1, "the failure is remembered")
        started = time.monotonic()
        lab.stop()
        check(time.monotonic() - started < 2, "a prompt end")
