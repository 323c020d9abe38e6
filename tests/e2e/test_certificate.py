"""Which signing certificates are believed, and which signatures under them. Numbers are those of the test plan."""

import base64
import hashlib
import os
import shutil
import time
import uuid

from authority import (ADDRESS, DAY, DNS, ECDSA_SHA256, EMAIL, Issuer, certificate, name, new_key, pem, public_key_of,
                       rsa_numbers, stamp_of, subject_of)
from lab import Lab, case, check, equal, inner, openssl, signed_text
from sns import watched
from threats import nothing, threat

HOST = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-"


class Cache:
    """A receiver with the test CA, and what puts certificates into its cache."""

    def __init__(self, lab):
        self.lab = lab
        self.ca = Issuer(subject_of(f"{lab.home}/ca.pem"), f"{lab.home}/ca.key")
        self.key = new_key(lab.folder)

    def put(self, der, text=None):
        """Returns the hex name: the MD5 of the DER, as Amazon's are named."""
        hexa = hashlib.md5(der).hexdigest()
        with open(os.path.join(self.lab.certificates, f"SimpleNotificationService-{hexa}.pem"), "w") as f:
            f.write(pem(der) if text is None else text)
        return hexa

    def make(self, issuer=None, key=None, **how):
        return self.put(certificate(issuer or self.ca, public_key_of(key or self.key), **how))

    def send(self, hexa, key=None, **changes):
        changes.setdefault("SigningCertURL", f"{HOST}{hexa}.pem")
        return self.lab.send(self.lab.envelope(inner(), key=key or self.key, **changes)).status

    def rows(self):
        return self.lab.one("SELECT count(*) FROM notification")


def refused(cache, what, hexa, key=None, fetches=0, **changes):
    with nothing(cache.lab, what, fetches):
        equal(cache.send(hexa, key, **changes), 503, "answer")


def accepted(cache, what, hexa, key=None, **changes):
    with threat(what):
        equal(cache.send(hexa, key, **changes), 200, "answer")


@case("126-135 certificates of the CA that are not SNS's signing certificate: 503, and no row")
def wrong_certificates():
    with watched() as lab:
        cache = Cache(lab)
        accepted(cache, "the right one", cache.make())
        for what, how in {
            "126 another name": {"names": ((DNS, b"sns.evil.com"),)},
            "126 a name below": {"names": ((DNS, b"sns.amazonaws.com.evil.com"),)},
            "126 a name above": {"names": ((DNS, b"amazonaws.com"),)},
            "127 a wildcard": {"names": ((DNS, b"*.amazonaws.com"),)},
            "127 part of a wildcard": {"names": ((DNS, b"s*.amazonaws.com"),)},
            "128 an email address": {"names": ((EMAIL, b"a@sns.amazonaws.com"),)},
            "128 a name that is an address": {"names": ((ADDRESS, b"\x7f\0\0\1"),)},
            "129 a name with NUL": {"names": ((DNS, b"sns.amazonaws.com\0.evil.com"),)},
            "129 a common name with NUL": {"common": b"sns.amazonaws.com\0.evil.com", "names": ()},
            "no alternative name": {"names": ()},
            "for clients": {"usage": "1.3.6.1.5.5.7.3.2"},
            "for code": {"usage": "1.3.6.1.5.5.7.3.3"},
            "133 expired when it was sent": {"until": -60},
            "133 not yet valid when it was sent": {"since": 3600},
            "another common name is no matter, another name is": {"common": b"sns.amazonaws.com",
                                                                  "names": ((DNS, b"x"),)},
        }.items():
            refused(cache, what, cache.make(**how))
        accepted(cache, "one name of two", cache.make(names=((DNS, b"x.example"), (DNS, b"sns.amazonaws.com"))))
        accepted(cache, "the common name is free text", cache.make(common=b"whatever"))
        old = cache.make(since=-300 * DAY, until=-DAY)
        accepted(cache, "134 valid then, expired now", old, Timestamp=stamp_of(time.time() - 3 * DAY))
        refused(cache, "133 the same certificate, a message of today", old)
        young = cache.make(since=-DAY)
        refused(cache, "133 younger than the message", young, Timestamp=stamp_of(time.time() - 2 * DAY))
        refused(cache, "121 no such file", uuid.uuid4().hex, fetches=1)
        check(cache.lab.daemons["ipnd"].poll() is None, "ipnd goes on")


@case("135 keys that are not RSA of 2048 bits or more: 503; larger ones and exponent 3 are good")
def keys():
    with watched() as lab:
        cache = Cache(lab)
        for what, kind in {
            "RSA-1024": ("RSA", "-pkeyopt", "rsa_keygen_bits:1024"), "RSA-2040": ("RSA", "-pkeyopt", "rsa_keygen_bits:2040"),
            "P-256": ("EC", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            "RSA-PSS": ("RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
        }.items():
            key = new_key(lab.folder, *kind)
            refused(cache, "135 " + what, cache.make(key=key), key)
        for kind in ("ED25519", "X25519"):
            refused(cache, "135 " + kind, cache.make(key=new_key(lab.folder, kind)))
        parameters, dsa = os.path.join(lab.folder, "dsa.pem"), os.path.join(lab.folder, "dsa.key")
        openssl("genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024", "-out", parameters)
        openssl("genpkey", "-paramfile", parameters, "-out", dsa)
        refused(cache, "135 DSA", cache.make(key=dsa))
        for what, kind in {"RSA-3072": ("rsa_keygen_bits:3072",),
                           "exponent 3": ("rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:3")}.items():
            key = new_key(lab.folder, "RSA", "-pkeyopt", *kind)
            equal(cache.send(cache.make(key=key), key), 200, what)


@case("130-132 the issuer: chain = require, prefer and name-only")
def issuers():
    for chain, stranger in (("require", 503), ("prefer", 200), ("name-only", 200)):
        with watched(start=False) as lab:
            above = os.path.join(lab.folder, "above")
            os.mkdir(above)
            cache = Cache(lab)
            # a CA of two levels: the root is trusted, the one between lies in `intermediates`
            root_key, between_key, lost_key = (new_key(lab.folder) for _ in range(3))
            root_name, between_name, lost_name = name(b"Root"), name(b"Between"), name(b"Lost")
            root = Issuer(root_name, root_key)
            with open(f"{lab.home}/ca.pem", "a") as f:
                f.write(pem(certificate(root, public_key_of(root_key), common=b"Root", authority=True)))
            between = Issuer(between_name, between_key)
            with open(os.path.join(above, "between.pem"), "w") as f:
                f.write(pem(certificate(root, public_key_of(between_key), common=b"Between", authority=True)))
            lab.configure(lambda t: t.replace("chain = require", f'chain = {chain}\n\tintermediates = "{above}"'))
            lab.start()

            def answer(what, status, hexa):
                if status == 200:
                    accepted(cache, f"{what}, {chain}", hexa)
                else:
                    refused(cache, f"{what}, {chain}", hexa)

            broken = 200 if chain == "name-only" else 503
            answer("by the CA", 200, cache.make())
            answer("by one between", 200, cache.make(between))
            answer("131, 132 an unknown issuer", stranger, cache.make(Issuer(lost_name, lost_key)))
            answer("131 not the CA's signature", broken, cache.make(Issuer(cache.ca.subject, lost_key)))
            answer("not the signature between", broken, cache.make(Issuer(between_name, lost_key)))
            answer("130 self-signed", broken, cache.make(Issuer(name(b"sns.amazonaws.com"), cache.key)))
            leaf_key = new_key(lab.folder)
            leaf = certificate(cache.ca, public_key_of(leaf_key), common=b"Leaf")
            with open(os.path.join(above, "leaf.pem"), "w") as f:
                f.write(pem(leaf))
            lab.stop()
            lab.start()
            answer("131 issued by no authority", broken, cache.make(Issuer(name(b"Leaf"), leaf_key)))
            ec = new_key(lab.folder, "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1")
            answer("the CA's name and another kind of key: nobody's that is known", stranger,
                   cache.make(Issuer(cache.ca.subject, ec, ECDSA_SHA256)))


@case("123-125 a file in the cache that is not one certificate: 503; replaced, it is read again without a restart")
def files():
    with watched() as lab:
        cache = Cache(lab)
        der = certificate(cache.ca, public_key_of(cache.key))
        hexa = cache.put(der, "")
        path = os.path.join(lab.certificates, f"SimpleNotificationService-{hexa}.pem")
        good = pem(der)
        with open(cache.key) as f:
            private = f.read()
        public = openssl("pkey", "-in", cache.key, "-pubout").decode()
        one_line = good.replace("\n", "")
        contents = {
            "123 XML around it": f"<xml><value>\n{good}</value></xml>", "text before": "hello\n" + good,
            "text after": good + "hello\n", "124 two": good + good, "a key behind": good + private, "125 a private key": private,
            "125 a public key": public, "empty": "", "white space": " \n", "rubbish": "x" * 3000,
            "122 huge": " " * 10000000 + good, "another label": pem(der, "X509 CRL"), "trusted": pem(der, "TRUSTED CERTIFICATE"),
            "half": good[:len(good) // 2], "bytes behind the DER": pem(der + b"\0"), "two in one block": pem(der + der),
            "a header inside": good.replace("CATE-----\n", "CATE-----\nProc-Type: 4,ENCRYPTED\n\n", 1), "one line": one_line,
            "DER": der, "NUL": good.replace("\n", "\n\0", 1), "no certificate": pem(b"\x30\x03\x02\x01\x01"),
        }
        os.unlink(path)
        refused(cache, "121 no such file", hexa, fetches=1)
        for what, text in contents.items():  # it is not asked for again so soon
            with open(path, "wb") as f:
                f.write(text if isinstance(text, bytes) else text.encode())
            refused(cache, what, hexa)
        os.unlink(path)
        os.mkfifo(path)
        started = time.monotonic()
        refused(cache, "a FIFO", hexa)
        check(time.monotonic() - started < 2, "a FIFO does not hold up the loop")
        os.unlink(path)
        os.mkdir(path)
        refused(cache, "a folder", hexa)
        os.rmdir(path)
        for what, text in {"at last": good, "white space around": "\n\n" + good + "\n", "CR LF": good.replace("\n", "\r\n")}.items():
            with open(path, "w", newline="") as f:
                f.write(text)
            equal(cache.send(hexa), 200, what)
        other = new_key(lab.folder)
        cache.put(der, pem(certificate(cache.ca, public_key_of(other))))
        with nothing(lab, "79 the file now holds another key: the old one's signature"):
            equal(cache.send(hexa), 403, "answer")
        accepted(cache, "138 the new one's; the name is not its MD5: said, not refused", hexa, other)
        os.unlink(path)
        refused(cache, "the file is gone: nothing is remembered that a person took away", hexa, other)


@case("137 a restart without fetches uses what the cache holds; a thousand unknown names do no harm")
def many_names():
    with Lab() as lab:
        lab.start()
        cache = Cache(lab)
        good = cache.make()
        accepted(cache, "before", good)
        e = lab.envelope(inner(), key=cache.key)
        c = lab.connect()
        with nothing(lab, "a thousand unknown names"):
            for _ in range(1000):
                answer = lab.send(dict(e, SigningCertURL=f"{HOST}{uuid.uuid4().hex}.pem"), connection=c)
                equal(answer.status, 503, "answer")
        c.close()
        accepted(cache, "the known one after that", good)
        equal(len(os.listdir(lab.certificates)), 2, "files in the cache")
        lab.stop()
        lab.start()
        accepted(cache, "137 after a restart", good)
        for _ in range(40):  # more than are held in memory
            accepted(cache, "a new one", cache.make())
        accepted(cache, "and the first again", good)


def modular(block, numbers):
    """What the key makes of a whole block: an RSA signature with any padding."""
    n, _, d = numbers
    return base64.b64encode(pow(int.from_bytes(block, "big"), d, n).to_bytes((n.bit_length() + 7) // 8, "big")).decode()


SHA1 = bytes.fromhex("3021300906052b0e03021a05000414")
SHA1_WITHOUT_NULL = bytes.fromhex("301f300706052b0e03021a0414")
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
MD5 = bytes.fromhex("3020300c06082a864886f70d020505000410")


@case("64-81 signatures: bits, lengths, alphabets, paddings, versions: only the right one passes")
def signatures():
    with watched() as lab:
        cache = Cache(lab)
        hexa = cache.make()
        e = lab.envelope(inner(), key=cache.key, SigningCertURL=f"{HOST}{hexa}.pem")
        text, numbers = signed_text(e), rsa_numbers(cache.key)
        raw = base64.b64decode(e["Signature"])
        sha1 = hashlib.sha1(text).digest()

        def padded(info, behind=b"", filler=None, kind=1):
            size = 256 - 3 - len(info) - len(behind) if filler is None else filler
            return (b"\0" + bytes([kind]) + b"\xff" * size + b"\0" + info + behind).ljust(256, b"\x5a")

        equal(modular(padded(SHA1 + sha1), numbers), e["Signature"], "what a signature is made of")

        pss = openssl("dgst", "-sha1", "-sigopt", "rsa_padding_mode:pss", "-sign", cache.key, stdin=text)
        sha512 = openssl("dgst", "-sha512", "-sign", cache.key, stdin=text)
        b64 = lambda b: base64.b64encode(b).decode()  # noqa: E731
        forged = {
            "74 255 bytes": b64(raw[:255]), "74 257 bytes": b64(raw + b"\0"), "74 a zero in front": b64(b"\0" + raw),
            "75 zeros": b64(bytes(256)), "76 ones": b64(b"\xff" * 256), "one": b64(bytes(255) + b"\1"),
            "the modulus more": b64((int.from_bytes(raw, "big") + numbers[0]).to_bytes(257, "big")),
            "80 rubbish behind the digest": modular(padded(SHA1 + sha1, filler=8), numbers),
            "80 short filler, zeros behind": modular(padded(SHA1 + sha1, b"\0" * 100), numbers),
            "no filler": modular(b"\0\1\0" + (SHA1 + sha1).ljust(253, b"\0"), numbers),
            "block type 2": modular(padded(SHA1 + sha1, kind=2), numbers),
            "block type 0": modular(padded(SHA1 + sha1, kind=0), numbers),
            "the digest alone": modular(padded(sha1), numbers), "MD5": modular(padded(MD5 + hashlib.md5(text).digest()), numbers),
            "78 version 2's digest under version 1": modular(padded(SHA256 + hashlib.sha256(text).digest()), numbers),
            "SHA-512": b64(sha512), "81 PSS": b64(pss),
            "without the last line end": modular(padded(SHA1 + hashlib.sha1(text[:-1]).digest()), numbers),
        }
        for what, signature in forged.items():
            with nothing(lab, what):
                equal(lab.send(dict(e, Signature=signature)).status, 403, "answer")
        for bit in list(range(0, 2048, 97)) + [2047]:
            broken = bytearray(raw)
            broken[bit // 8] ^= 0x80 >> bit % 8
            equal(lab.send(dict(e, Signature=b64(bytes(broken)))).status, 403, f"bit {bit} of the signature")
        for what, signature in {
            "69 empty": "", "70 no Base64": "%" * 344, "71 URL-safe": "_" + e["Signature"][1:], "71 -": "-" + e["Signature"][1:],
            "72 a line end": e["Signature"][:76] + "\n" + e["Signature"][76:], "72 behind": e["Signature"] + "\n",
            "72 in front": " " + e["Signature"], "73 no padding": e["Signature"].rstrip("="), "padding": "=" * 344,
            "more padding": e["Signature"] + "=", "bits in the padding": e["Signature"][:-3] + chr(ord(e["Signature"][-3]) + 1) + "==",
            "two": e["Signature"] + e["Signature"], "NUL": e["Signature"] + "\0", "huge": "A" * 200000,
        }.items():
            with nothing(lab, what):
                status = lab.send(dict(e, Signature=signature)).status
                check(status in (400, 403), f"answer {status}")
        check(cache.rows() == 0, "no row so far")
        for number, field in ((64, "Message"), (65, "MessageId"), (66, "Timestamp"), (67, "TopicArn")):
            for at in (0, len(e[field]) // 2, len(e[field]) - 1):
                for bit in (1, 2, 16):
                    changed = e[field][:at] + chr(ord(e[field][at]) ^ bit) + e[field][at + 1:]
                    # another topic may be one of Amazon Pay's, another time outside the certificate's
                    allowed = (400, 403, 503) if field in ("TopicArn", "Timestamp") else (400, 403)
                    with nothing(lab, f"{number} bit {bit} of {field}"):
                        status = lab.send(dict(e, **{field: changed})).status
                        check(status in allowed, f"answer {status}")
        equal(cache.rows(), 0, "no row from any of these")
        two = lab.envelope(inner(), key=cache.key, SigningCertURL=f"{HOST}{hexa}.pem", SignatureVersion="2")
        with nothing(lab, "78 relabelled"):
            equal(lab.send(dict(two, SignatureVersion="1")).status, 403, "version 2 as 1")
            equal(lab.send(dict(e, SignatureVersion="2")).status, 403, "version 1 as 2")
        for version in ("3", "", "01", "1 ", " 1", "1\n", "-1", "1.0", "２"):
            with nothing(lab, f"77 version {version!r}"):
                equal(lab.send(dict(e, SignatureVersion=version)).status, 400, "answer")
        equal(lab.send(e).status, 200, "the right one")
        equal(lab.send(two).status, 200, "the right one of version 2")
        with_subject = lab.envelope(inner(), key=cache.key, SigningCertURL=f"{HOST}{hexa}.pem", Subject="A subject")
        for what, changed in {"removed": {k: v for k, v in with_subject.items() if k != "Subject"},
                              "changed": dict(with_subject, Subject="A Subject"), "emptied": dict(with_subject, Subject="")}.items():
            with nothing(lab, "68 the subject " + what):
                equal(lab.send(changed).status, 403, "answer")
        equal(lab.send(with_subject).status, 200, "68 the subject as it was")


def cube_root_above(n):
    low, high = 0, 1 << (n.bit_length() // 3 + 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle ** 3 < n else (low, middle)
    return low


@case("80 exponent 3: a block forged without the private key (Bleichenbacher 2006) is refused")
def cube_root():
    with watched() as lab:
        cache = Cache(lab)
        key = new_key(lab.folder, "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:3")
        hexa = cache.make(key=key)
        e = lab.envelope(inner(), key=key, SigningCertURL=f"{HOST}{hexa}.pem")
        for info in (SHA1, SHA1_WITHOUT_NULL):
            head = b"\0\1" + b"\xff" * 8 + b"\0" + info + hashlib.sha1(signed_text(e)).digest()
            root = cube_root_above(int.from_bytes(head.ljust(256, b"\0"), "big"))
            equal((root ** 3).to_bytes(256, "big")[:len(head)], head, "the forged block begins as it should")
            forged = base64.b64encode(root.to_bytes(256, "big")).decode()
            with nothing(lab, "80 forged"):
                equal(lab.send(dict(e, Signature=forged)).status, 403, "answer")
        equal(cache.rows(), 0, "rows")
        equal(lab.send(e).status, 200, "genuine")


@case("83-87 the re-split forgery with signatures that are genuine, by every field that could hold a line end")
def resplit():
    with watched() as lab:
        cache = Cache(lab)
        hexa = cache.make()
        url = f"{HOST}{hexa}.pem"
        mine, victim = "arn:aws:sns:us-east-1:123456789012:attacker", lab.topic
        a_id, v_id, stamp = str(uuid.uuid4()), str(uuid.uuid4()), stamp_of(time.time())
        evil = inner()
        tail = f"MessageId\n{a_id}\nTimestamp\n{stamp}\nTopicArn\n{mine}\nType\nNotification"
        tail_here = tail.replace(mine, victim)
        v_head = f"{evil}\nMessageId\n{v_id}\n"
        forgeries = {
            # (what the attacker publishes, on which topic) -> (how the same bytes are read)
            "83 Type": (f"{v_head}Timestamp\n{stamp}\nTopicArn\n{victim}\nType\nNotification", mine,
                        {"TopicArn": victim, "Type": "Notification\n" + tail}),
            "84 TopicArn": (f"{v_head}Timestamp\n{stamp}\nTopicArn\n{victim}\nType\nNotification", mine,
                            {"TopicArn": f"{victim}\nType\nNotification\n{tail[:-len('Type_Notification') - 1]}"}),
            "85 MessageId": (f"{evil}\nMessageId\n{v_id}", victim,
                             {"MessageId": f"{v_id}\nMessageId\n{a_id}", "TopicArn": victim}),
            "86 Timestamp": (f"{v_head}Timestamp\n{stamp}", victim,
                             {"Timestamp": f"{stamp}\nMessageId\n{a_id}\nTimestamp\n{stamp}", "TopicArn": victim}),
            "87 Subject": (f"{v_head}Subject\nx", victim,
                           {"Subject": f"x\nMessageId\n{a_id}", "TopicArn": victim}),
        }
        check(tail_here != tail, "two topics")
        for what, (message, topic, changes) in forgeries.items():
            signed = lab.envelope(message, key=cache.key, SigningCertURL=url, TopicArn=topic, MessageId=a_id, Timestamp=stamp)
            forged = dict(signed, Message=evil, **changes)
            forged.setdefault("Type", "Notification")
            if "MessageId" not in changes:
                forged["MessageId"] = v_id
            names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
            read_as = "".join(f"{n}\n{forged[n]}\n" for n in names if n in forged)
            equal(read_as.encode(), signed_text(signed), what + ": the signed bytes are the same")
            with nothing(lab, what):
                status = lab.send(forged).status
                check(status in (400, 403), f"answer {status}")
        # a SubscriptionConfirmation's text read as a notification's, and the other way round
        token = "ab" * 100
        subscribe = f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={victim}&Token={token}"
        confirmation = lab.envelope(evil, key=cache.key, SigningCertURL=url, Type="SubscriptionConfirmation", Token=token,
                                    SubscribeURL=subscribe)
        equal(lab.send(dict(confirmation, Type="Notification")).status, 403, "a confirmation as a notification")
        notification = lab.envelope(evil, key=cache.key, SigningCertURL=url)
        equal(lab.send(dict(notification, Type="SubscriptionConfirmation", Token=token, SubscribeURL=subscribe)).status, 403,
              "a notification as a confirmation")
        for subject in ("a\nb", "a\rb", "tab\there", "\x7f", "\x1b[31m", "x" * 101):
            with nothing(lab, f"87 signed subject {subject[:10]!r}"):
                equal(lab.send(lab.envelope(evil, key=cache.key, SigningCertURL=url, Subject=subject)).status, 400, "answer")
        equal(cache.rows(), 0, "rows")
        long = lab.envelope(inner(), key=cache.key, SigningCertURL=url, Subject="ü" * 100)
        equal(lab.send(long).status, 200, "a subject of 100 characters")
        shutil.rmtree(lab.certificates)
        equal(lab.send(lab.envelope(inner(), key=cache.key, SigningCertURL=url)).status, 503, "the folder is gone")
