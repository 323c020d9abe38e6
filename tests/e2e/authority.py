"""Certificates that no tool would make: any dates, names, keys and issuers. Written as DER, signed by openssl."""

import base64
import calendar
import os
import time
import uuid

from lab import openssl

RSA_SHA256 = "1.2.840.113549.1.1.11"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
DAY = 86400


def tlv(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def seq(*parts):
    return tlv(0x30, *parts)


def integer(n):
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def oid(dotted):
    first, second, *rest = [int(n) for n in dotted.split(".")]
    out = bytes([first * 40 + second])
    for n in rest:
        digits = [n & 127]
        while n := n >> 7:
            digits.insert(0, 128 | n & 127)
        out += bytes(digits)
    return tlv(6, out)


def when(seconds):
    year = time.gmtime(seconds).tm_year
    if 1950 <= year < 2050:
        return tlv(0x17, time.strftime("%y%m%d%H%M%SZ", time.gmtime(seconds)).encode())
    return tlv(0x18, time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds)).encode())


def name(common):
    return seq(tlv(0x31, seq(oid("2.5.4.3"), tlv(0x0C, common))))


def read(der):
    """The members of one DER value, as (tag, body, whole)."""
    found, at = [], 0
    while at < len(der):
        tag, size, head = der[at], der[at + 1], 2
        if size & 0x80:
            head += size & 0x7F
            size = int.from_bytes(der[at + 2:at + head], "big")
        found.append((tag, der[at + head:at + head + size], der[at:at + head + size]))
        at += head + size
    return found


def extension(dotted, value, critical=False):
    return seq(oid(dotted), tlv(1, b"\xff") if critical else b"", tlv(4, value))


def pem(der, label="CERTIFICATE"):
    text = base64.b64encode(der).decode()
    lines = "\n".join(text[i:i + 64] for i in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def subject_of(path):
    tbs = read(read(openssl("x509", "-in", path, "-outform", "DER"))[0][1])[0][1]
    return read(tbs)[5][2]


def public_key_of(key):
    return openssl("pkey", "-in", key, "-pubout", "-outform", "DER")


def rsa_numbers(key):
    """(n, e, d)"""
    numbers = read(read(openssl("rsa", "-in", key, "-traditional", "-outform", "DER"))[0][1])
    return tuple(int.from_bytes(numbers[i][1], "big") for i in (1, 2, 3))


def new_key(folder, *kind):
    path = os.path.join(folder, uuid.uuid4().hex + ".key")
    openssl("genpkey", "-algorithm", *(kind or ("RSA", "-pkeyopt", "rsa_keygen_bits:2048")), "-out", path)
    return path


def seconds_of(stamp):
    return calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%S.000Z"))


def stamp_of(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


DNS = 0x82  # tags of GeneralName
EMAIL = 0x81
ADDRESS = 0x87


class Issuer:
    def __init__(self, subject, key, algorithm=RSA_SHA256):
        self.subject, self.key, self.algorithm = subject, key, algorithm


def certificate(issuer, public_key, *, common=b"sns.amazonaws.com", names=((DNS, b"sns.amazonaws.com"),),
                since=-30 * DAY, until=300 * DAY, usage="1.3.6.1.5.5.7.3.1", authority=False):
    """DER. `since` and `until` count from now; `issuer` None: nobody knows it, and its signature is nothing."""
    now = time.time()
    extensions = [extension("2.5.29.19", seq(tlv(1, b"\xff")) if authority else seq(), True),
                  extension("2.5.29.15", tlv(3, b"\x02\x04" if authority else b"\x07\x80"), True)]
    if usage and not authority:
        extensions.append(extension("2.5.29.37", seq(oid(usage))))
    if names and not authority:
        extensions.append(extension("2.5.29.17", seq(*(tlv(tag, value) for tag, value in names))))
    algorithm = seq(oid(issuer.algorithm), tlv(5) if issuer.algorithm == RSA_SHA256 else b"")
    tbs = seq(tlv(0xA0, integer(2)), integer(uuid.uuid4().int >> 1), algorithm, issuer.subject,
              seq(when(now + since), when(now + until)), name(common), public_key, tlv(0xA3, seq(*extensions)))
    signature = openssl("dgst", "-sha256", "-sign", issuer.key, stdin=tbs)
    return seq(tbs, algorithm, tlv(3, b"\0", signature))
