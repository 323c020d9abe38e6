"""What a merchant's hook is given: hostile text from notifications is data there, in a compiled hook, in dash and in bash."""

import json
import os
import re
import sys
import urllib.parse

from lab import NAMESPACE, Lab, capture_xml, case, check, equal, helper, inner, wait_for
from test_examples import chargeback, count, escaped, order_reference
from test_types import price, status

VARIABLES = ["IPN_EVENT_ID", "IPN_EVENT", "IPN_OBJECT_TYPE", "IPN_OBJECT_ID", "IPN_ORDER_REFERENCE_ID", "IPN_SELLER_ORDER_ID",
             "IPN_BILLING_AGREEMENT_ID", "IPN_PREVIOUS_STATE", "IPN_STATE", "IPN_REASON_CODE", "IPN_AMOUNT", "IPN_CURRENCY",
             "IPN_ACCOUNT", "IPN_SELLER_ID", "IPN_ENVIRONMENT", "IPN_UPDATED_AT", "IPN_ATTEMPT", "IPN_LATE"]
SHELLSHOCK = ["() { :;}; touch {0}", "() { _; } >_[$($())] { touch {0}; }", "() { x() { _;}; x() { _;} <<a; touch {0}"]
SHELL = ["$(touch {0})", "`touch {0}`", "; touch {0} ;", "| touch {0}", "&& touch {0}", "\"; touch {0}; \"", "'; touch {0}; '",
         "${{IFS}}touch${{IFS}}{0}", "<(touch {0})", ">{0}", "$((a[$(touch {0})]))", "!touch {0}", "~root/*?[a-z]{{a,b}}"]
DASHES = ["-rf /", "--help", "-"]
TEXTS = ["%n%n%s%x", "%0A%00", "\\0 \\x00 \\u0000 \\n\\r", "'\"\\", "\u202e\u6ce8\u6587 caf\u00e9 \U0001f4a3",
         "</SellerOrderId>&lt;", "'; DROP TABLE event; --", "{{\"event_id\": 7}}", "IPN_STATE=Completed", "a=b=c", "#!"]
CONTROLS = ["a\nIPN_STATE=Completed", "a\r\nb", "\x1b]0;title\x07\x1b[31m\x1b[2J", "\x08\x08\x7f", "\t\x0b\x0c", "\u0085\u2028"]


def configure(lab, *hooks):
    lab.configure(lambda t: t[:t.index('hook "print"')].replace("listen {", 'listen {\n\tmax_body = "4M"', 1) + "".join(
        f'hook "{name}" {{\n\ton = {{"*"}}\n\trun = {{{", ".join(json.dumps(a, ensure_ascii=False) for a in run)}}}\n\tenvironment = any\n'
        f'\tconcurrency = 1\n\tbackoff = "1s"\n}}\n' for name, run in hooks))


def program(lab, name, text):
    path = os.path.join(lab.folder, name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o755)
    return path


def decode(value):
    check(re.fullmatch(r"(?:[A-Za-z0-9._:@/+ -]|%[0-9A-F]{2})*", value), f"outside the alphabet: {value!r}")
    return urllib.parse.unquote(value, errors="strict")


def environment(block):
    """{name: value} of what a program was started with; each name once."""
    pairs = [v.decode("ascii").split("=", 1) for v in block]
    equal(len({name for name, _ in pairs}), len(pairs), "a name twice")
    return dict(pairs)


def check_environment(variables, home="/"):
    equal(sorted(variables), sorted(VARIABLES + ["PATH", "HOME", "LANG"]), "names")
    equal((variables["PATH"], variables["HOME"], variables["LANG"]),
          ("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", home, "C.UTF-8"), "fixed values")
    return {name: decode(variables[name]) for name in VARIABLES}


def check_both(plain, event):
    """The variables, decoded, say what the JSON says."""
    for name, value in plain.items():
        known = event[name[4:].lower()]
        equal(value, {True: "1", False: "0"}[known] if isinstance(known, bool) else "" if known is None else str(known), name)


def records(path):
    """What hook-echo wrote: {name: [bytes]}."""
    found, at = {}, 0
    with open(path, "rb") as f:
        data = f.read()
    while at < len(data):
        end = data.index(b"\n", at)
        name, length = data[at:end].decode().split()
        found.setdefault(name, []).append(data[end + 1:end + 1 + int(length)])
        at = end + 2 + int(length)
    return found


def refund_xml(note):
    return (f'<RefundNotification xmlns="{NAMESPACE}"><RefundDetails><AmazonRefundId>S01-1111111-2222222-R000001</AmazonRefundId>'
            f"<RefundReferenceId>-ref</RefundReferenceId><RefundType>SellerInitiated</RefundType>{price('RefundAmount', '1.00')}"
            f"{price('FeeRefunded', '0.0')}<CreationTimestamp>2026-01-02T03:04:05.006Z</CreationTimestamp>"
            f"{status('RefundStatus', 'Completed', '2026-01-02T03:04:05.006Z')}<SellerRefundNote>{note}</SellerRefundNote>"
            f"</RefundDetails></RefundNotification>")


def registration(lab, **options):
    """Its options are names and values, of any characters that XML can carry."""
    xml = "".join(f"<SolutionProviderOption><name>{n}</name><value>{escaped(v)}</value></SolutionProviderOption>"
                  for n, v in options.items()).replace("\r", "&#13;")
    equal(lab.send(lab.envelope(inner(
        f'<SolutionProviderMerchantNotification xmlns="{NAMESPACE}"><MerchantRegistrationDetails><SellerId>ANEW</SellerId>'
        f"<Type>Register</Type><Options>{xml}</Options></MerchantRegistrationDetails></SolutionProviderMerchantNotification>",
        NotificationType="SolutionProviderEvent"))).status, 200, "registration")


def send_all(lab, canary):
    """Hostile text in every field that a hook can see. Returns {event id: what its JSON holds}."""
    texts = SHELLSHOCK + [" ".join(SHELL[i::4]) for i in range(4)] + DASHES + ["".join(TEXTS)]
    texts = [t.replace("{0}", canary).replace("{{", "{").replace("}}", "}") for t in texts]
    expected = {}

    def note(**facts):
        expected[len(expected) + 1] = facts

    for i, text in enumerate(texts):
        order_reference(lab, text, order=f"S01-{i:07}-0000001")
        note(event="order_reference.open", seller_order_id=text, object={"seller_order_id": text})
    everything = "".join(texts).replace(canary, ">x")
    order_reference(lab, everything[:100] + "\u6ce8" * 130, order="S01-1111111-2222222", note="\n".join(texts)[:1000])
    note(seller_order_id=everything[:100] + "\u6ce8" * 130)
    for text in ("() { :;}; >x", "-n $(id)`id`"):
        xml = capture_xml(f"S01-1111111-2222222-C{len(expected):06}").replace(">ref<", f">{escaped(everything[:60])}<").replace(
            "</State>", f"</State><ReasonCode>{escaped(text)}</ReasonCode><ReasonDescription>{'x' * 4096}</ReasonDescription>")
        equal(lab.send(lab.envelope(inner(xml))).status, 200, "capture")
        note(event="capture.completed", reason_code=text, object={"reference_id": everything[:60]})
    # An id may hold every printable character of ASCII but the space.
    order = "-`>x`$(>x)|>x;>x&'\"\\*?[]{}()!#~^=%n,<>"
    chargeback(lab, texts[0], order=order)
    note(event="chargeback.received", order_reference_id=order, reason_code=texts[0])
    for text in CONTROLS:
        equal(lab.send(lab.envelope(inner(SellerId=text, NotificationData=capture_xml()))).status, 200, "foreign")
        note(event="notification.foreign", seller_id=text)
    many = {f"o{i}": t for i, t in enumerate(texts + ["two\nlines", "two\r\nlines", "\u0085\u009b31m", "y" * 1000])}
    registration(lab, **many)
    note(event="solution_provider.registered", object={"options": many})
    # As much as is read of a document, in a note and in a value; and more, which is kept but not understood.
    equal(lab.send(lab.envelope(inner(refund_xml("`id`" * 16000), NotificationType="PaymentRefund"))).status, 200, "64 K")
    note(event="refund.completed")
    for big in (capture_xml("S01-1111111-2222222-C000901", extra=f"<SellerNote>{'$(id)' * 200000}</SellerNote>"),
                "() { :;};" * 110000, "\0", "\ud800"):
        equal(lab.send(lab.envelope(inner(big))).status, 200, "large, or no text")
        note(event="notification.unrecognized", state=None)
    return expected


def check_event(line, expected):
    equal((line.count(b"\n"), line[-1:]), (1, b"\n"), "one line")
    equal([b for b in line[:-1] if b < 0x20], [], "no control byte in it")
    event = json.loads(line)
    for name, value in expected.items():
        if name == "object":
            for column, wanted in value.items():
                got = event["object"][column]
                equal(json.loads(got) if column == "options" else got, wanted, f"object.{column}")
        else:
            equal(event[name], value, name)
    return event


ARGUMENTS = ["$(id)", "two words", "-n", "", "*", "\u6ce8", "'\"`;&|"]
# What a careless script does: no value may become a command even so.
CARELESS = r"""
out=$1
cat "/proc/$$/environ" >"$out/$IPN_EVENT_ID.environ"
cat "/proc/$$/cmdline" >"$out/$IPN_EVENT_ID.cmdline"
cat >"$out/$IPN_EVENT_ID.stdin"
{
	for value in "$IPN_OBJECT_ID" "$IPN_ORDER_REFERENCE_ID" "$IPN_SELLER_ORDER_ID" "$IPN_REASON_CODE" "$IPN_SELLER_ID"; do
		case $value in *%* | -*) ;; *) continue ;; esac
		echo $value
		eval "echo $value"
		eval "x=\"$value\" y='$value'"
		sh -c "echo $value"
		test $value
		[ -n $value ]
		( : $(($value)) )
		printf "$value"
	done
} >/dev/null 2>&1
exit 0
"""
# ipn-hookd itself is started by somebody who leaves descriptors open, signals blocked and ignored, and variables behind.
SLOVENLY = """
import os, signal, sys
[os.dup2(0, fd) for fd in (3, 9, 77, 200)]
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGALRM, signal.SIGRTMIN + 3})
[signal.signal(s, signal.SIG_IGN) for s in (signal.SIGUSR2, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE)]
os.environ.update({"BASH_ENV": "/dev/null", "ENV": "/dev/null", "IPN_EXTRA": "x", "HOME": "relative", "PATH": "/tmp", "LANG": "C"})
os.execv(sys.argv[1], sys.argv[1:])
"""


def check_process(got, reports, hookd):
    """The state in which the compiled hook found itself."""
    equal(got["fd"], [b"0", b"1", b"2"], "descriptors")
    signals = dict(re.findall(r"^(Sig\w+|ShdPnd):\s+([0-9a-f]+)$", got["status"][0].decode(), re.M))
    mine = ~(1 << 31 | 1 << 32)  # but 32 and 33, which are the C library's own (nptl(7)): its posix_spawn() ignores them
    equal({name: int(signals[name], 16) & mine for name in ("SigBlk", "SigIgn")}, {"SigBlk": 0, "SigIgn": 0}, "signals")
    pid, group, session = (int(i) for i in got["ids"])
    equal((group, session), (pid, os.getsid(hookd)), "a group of its own, in our session")
    equal([int(f) & os.O_NONBLOCK for f in got["flags"]], [0, 0], "pipes as programs expect them")
    equal(got["folder"], [b"/"], "working folder")
    equal([a.decode() for a in got["argument"][1:]], [reports, *ARGUMENTS], "arguments")


@case("hostile text reaches a compiled hook, dash and bash as data: exact environment and argv, one line of JSON, nothing of ours")
def hostile_text():
    echo = helper("tests/e2e/hook-echo")
    with Lab() as lab:
        canary = os.path.join(lab.folder, "canary")
        folders = {name: os.path.join(lab.folder, name) for name in ("echo", "dash", "bash")}
        hooks = [("echo", [echo, folders["echo"], *ARGUMENTS])]
        for shell in ("dash", "bash"):
            script = program(lab, shell + ".hook", f"#!/bin/{shell}\n" + CARELESS)
            hooks.append((shell, [script, folders[shell], *ARGUMENTS]))
        for folder in folders.values():
            os.mkdir(folder)
        configure(lab, *hooks)
        lab.start()
        expected = send_all(lab, canary)
        equal(lab.rows("SELECT id FROM event ORDER BY id"), [(i,) for i in expected], "events")
        lab.prefix = [sys.executable, "-c", SLOVENLY]
        hookd = lab.start("ipn-hookd").pid
        for name in folders:
            wait_for(name, lambda: count(lab, name, "done") == len(expected))
        equal(lab.one("SELECT max(attempts) FROM hook_run"), 1, "attempts")
        for event_id, facts in expected.items():
            got = records(os.path.join(folders["echo"], str(event_id)))
            check_process(got, folders["echo"], hookd)
            event = check_event(got["stdin"][0], facts)
            check_both(check_environment(environment(got["variable"])), event)
            for shell in ("dash", "bash"):
                parts = {}
                for part in ("environ", "cmdline", "stdin"):
                    with open(os.path.join(folders[shell], f"{event_id}.{part}"), "rb") as f:
                        parts[part] = f.read()
                check_both(check_environment(environment(parts["environ"].split(b"\0")[:-1])), event)
                equal(parts["cmdline"].decode().split("\0")[:-1],
                      ["/bin/" + shell, os.path.join(lab.folder, shell + ".hook"), folders[shell], *ARGUMENTS], "arguments")
                equal(parts["stdin"], got["stdin"][0], "the same line")
        # Whatever a value made run would have left a file, here or where the hooks ran.
        equal([n for n in ("canary", "x", "Bcc:") if os.path.exists(os.path.join(lab.folder, n)) or os.path.exists("/" + n)], [],
              "nothing was executed")
        log = lab.log("ipn-hookd")
        equal([c for c in log if c != "\n" and not " " <= c <= "~"], [], "the log holds plain characters only")
