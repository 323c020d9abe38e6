"""Every exit code of the table is reached, by each program that can, with words that name the thing and say what would be right."""

import contextlib
import json
import os
import re
import sqlite3
import subprocess

from lab import BUILD, PATIENCE, Lab, Skip, capture_xml, case, check, equal, inner, wait_for

MEMBER, STRANGER, GROUP = 65503, 65504, 65502


class Bench:
    """A folder with everything that goes wrong, by name: a configuration each."""

    def __init__(self, lab):
        self.lab = lab
        self.library = os.path.join(lab.folder, "unforeseen.so")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "unforeseen.c")
        subprocess.run([os.environ.get("CC") or "cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", self.library, source, "-ldl"], check=True,
                       timeout=PATIENCE)
        with open(lab.config) as f:
            self.good = f.read()

    def config(self, name, change):
        path = os.path.join(self.lab.folder, name + ".conf")
        with open(path, "w") as f:
            f.write(change(self.good))
        os.chmod(path, 0o644)
        return path

    def state(self, name, make=None):
        """A configuration with a state folder of its own."""
        folder = os.path.join(self.lab.folder, name)
        os.mkdir(folder)
        database = os.path.join(folder, "ipnd.db")
        if make:
            make(database)
        return self.config(name, lambda t: t.replace(self.lab.database, database))

    def run(self, program, code, words, *arguments, shell="", config=None, **options):
        """`shell`: what a shell does before it becomes the program. `words`: of the line on stderr, behind "PROGRAM: "."""
        command = [os.path.join(BUILD, program), *arguments, *(["-c", config] if config else [])]
        if shell:
            command = ["bash", "-c", shell + ' exec "$@"', "-"] + command
        options.setdefault("env", dict(os.environ, LC_ALL="C.UTF-8"))
        p = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **options)
        equal(p.returncode, code, f"{command}: {p.stderr}{p.stdout}")
        said = p.stderr.splitlines()
        check(all(line.startswith(program + ": ") for line in said), f"{command}: {p.stderr}")
        check(any(re.search(words, line[len(program) + 2:]) for line in said) if words else not said, f"{command}: {p.stderr}")
        return p

    def fault(self, call):
        return dict(os.environ, LD_PRELOAD=self.library, IPND_UNFORESEEN=call)


def broken(database):
    with open(database, "w") as f:
        f.write("this is no database, whatever it may be " * 200)


def newer(database):
    with contextlib.closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA application_id = 0x49504E44")
        db.execute("PRAGMA user_version = 999")


BAD_CONFIGS = {
    "unknown": (lambda t: t + "\ncolour = 7\n", r"unknown\.conf:\d+: .*colour"),
    "twice": (lambda t: t.replace("fetch = no", "fetch = no\n\tfetch = no"), r"twice\.conf:\d+: .*fetch"),
    "value": (lambda t: t.replace("environment = sandbox", "environment = test"), r"value\.conf:\d+: .*sandbox.*live"),
}


@case("exit codes: ipnctl reaches each of the table, with words")
def ipnctl():
    with Lab() as lab:
        bench = Bench(lab)
        run = lambda code, words, *a, config=lab.config, **o: bench.run("ipnctl", code, words, *a, config=config, **o)  # noqa: E731
        run(69, r"state/ipnd\.db: is not there: ipnd makes it when it starts", "list", "orders")
        run(69, r"ipnd\.conf/ipnd\.db: cannot be reached: Not a directory", "list", "orders",
            config=bench.config("through-a-file", lambda t: t.replace(lab.database, lab.config + "/ipnd.db")))
        run(69, r"written by a newer ipnd; upgrade this one", "list", "orders", config=bench.state("newer", newer))
        run(65, r"ipnd\.db: file is not a database", "list", "orders", config=bench.state("broken", broken))
        for name, (change, words) in BAD_CONFIGS.items():
            run(78, words, "status", config=bench.config(name, change))
        run(78, r"absent\.conf: .*No such file", "status", config=os.path.join(lab.folder, "absent.conf"))
        lab.start()
        equal(lab.send(lab.envelope(inner())).status, 200, "post")
        run(0, "", "status")
        run(1, r"list orders: there are none that fit the options", "list", "orders", "--state", "canceled")
        for words, *arguments in ((r"replay 99: there is no such event; ipnctl list events shows them", "replay", "99"),
                                  (r"subscriptions confirm 99: there is no such number; ipnctl subscriptions shows", "subscriptions", "confirm", "99"),
                                  (r"conflicts accept 99: ", "conflicts", "accept", "99"), (r"hooks retry: nothing of that was given up", "hooks", "retry", "99"),
                                  (r"show 99: ", "show", "99"), (r"explain 99: ", "explain", "99")):
            run(1, words, *arguments)
        run(64, r"lists: no such verb; see ipnctl --help", "lists")
        run(64, r"--since=soon: is no time; write 2h or", "list", "orders", "--since", "soon")
        run(66, r"missing\.json: cannot be read: No such file", "verify", "missing.json")
        with open(os.path.join(lab.folder, "unknown.json"), "w") as f:
            f.write(json.dumps(lab.envelope(inner(), SigningCertURL="https://sns.us-east-1.amazonaws.com/SimpleNotificationService-" + "a" * 32 + ".pem")))
        unknown = run(65, "", "verify", f.name).stdout
        check(re.search(r"FAILED +certificate  .*name that file with --certificate\n", unknown) and
              unknown.splitlines()[-1].endswith("unknown.json: certificate-missing"), unknown)
        run(66, r"missing\.pem: cannot be read: No such file", "verify", f.name, "--certificate", "missing.pem")
        with open(os.path.join(lab.folder, "text.json"), "w") as f:
            f.write("no JSON")
        run(65, "", "verify", f.name)  # the rules are on stdout
        run(65, r"text\.json: ", "ingest", f.name)
        run(70, r"ipnd\.db: cannot be reached: Numerical argument out of domain", "list", "orders", env=bench.fault("access"))
        run(74, r"the output could not be written: No space left", "list", "events", shell=">/dev/full")
        run(74, r"the output could not be written: No space left", "--help", shell=">/dev/full")
        run(74, r"copy\.db: ", "backup", os.path.join(lab.folder, "copy.db"), shell="trap '' XFSZ; ulimit -f 8;")
        run(75, r"ipnd is running; systemctl stop ipnd ipn-hookd", "restore", os.path.join(lab.home, "ca.pem"))
        lab.stop()
        run(69, "", "status")  # that ipnd is not running is on stdout
        with contextlib.closing(sqlite3.connect(lab.database, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            run(75, r"ipnd\.db: database is locked; try again", "replay", "1")


@case("exit codes: ipnd and ipn-hookd reach each of theirs, with words")
def daemons():
    with Lab() as lab:
        bench = Bench(lab)
        for program in ("ipnd", "ipn-hookd"):
            run = lambda code, words, *a, **o: bench.run(program, code, words, *a, **o)  # noqa: E731
            run(0, "", "--check-config", config=lab.config)
            run(64, r"--nonsense: unknown option; see --help", "--nonsense")
            run(64, rf"operand: takes no operand; see {program} --help", "operand")
            for name, (change, words) in BAD_CONFIGS.items():
                run(78, words, config=bench.config(name, change))
            run(74, r"the output could not be written: No space left", "--version", shell=">/dev/full")
            run(70, r"the event loop failed: Numerical argument out of domain", config=lab.config, env=bench.fault("epoll"))
        lab.start()
        lab.start("ipn-hookd")
        wait_for("ipn-hookd", lambda: '"running":true' in lab.ctl("status", "--json").stdout.split('"ipn_hookd"')[1][:40])
        bench.run("ipnd", 75, r"another ipnd uses this folder; stop it first", config=lab.config)
        bench.run("ipn-hookd", 75, r"another ipn-hookd uses this folder; stop it first", config=lab.config)
        port = lab.port()
        taken = bench.config("taken", lambda t: t.replace("127.0.0.1:0", f"127.0.0.1:{port}").replace(lab.state, lab.folder))
        bench.run("ipnd", 75, rf"^\S*taken\.conf: listen\.https: cannot listen on 127\.0\.0\.1:{port}: Address already in use; another program listens there",
                  config=taken)
        for name in ("ipn-hookd", "ipnd"):
            lab.stop(name)  # which is 0
        no_folder = bench.config("no-folder", lambda t: t.replace(lab.state, lab.folder + "/nowhere"))
        bench.run("ipnd", 66, r"nowhere: cannot be used: No such file or directory; it must exist and be writable by this user", config=no_folder)
        bench.run("ipnd", 65, r"ipnd\.db: file is not a database", config=bench.state("broken", broken))
        bench.run("ipnd", 69, r"written by a newer ipnd; upgrade this one", config=bench.state("newer", newer))
        bench.run("ipnd", 66, r"ipnd\.db: cannot be opened: Is a directory", config=bench.state("folder", os.mkdir))
        bench.run("ipnd", 74, r"ipnd\.db: disk I/O error", config=bench.state("full"), shell="trap '' XFSZ; ulimit -f 1;")
        bench.run("ipn-hookd", 74, r"full-hookd/ipnd\.db: its folder cannot be used: File too large; it must be writable", config=bench.state("full-hookd"),
                  shell="trap '' XFSZ; ulimit -f 0;")
        key = os.path.join(lab.home, "tls.key")
        bench.run("ipnd", 78, r"no-key\.conf: listen\.private_key: \S*tls\.key\.lost: No such file or directory; name the PEM file",
                  config=bench.config("no-key", lambda t: t.replace(key, key + ".lost")))
        bench.run("ipnd", 78, r"no-trust\.conf: sns\.trust: cannot read /nowhere\.pem: No such file or directory; name a PEM file",
                  config=bench.config("no-trust", lambda t: re.sub(r"\ttrust = .*", '\ttrust = "/nowhere.pem"', t)))
        bench.run("ipnd", 78, r"no-tls-trust\.conf: sns\.tls_trust: cannot read /nowhere\.pem: No such file or directory; name a PEM file",
                  config=bench.config("no-tls-trust", lambda t: t.replace("fetch = no", 'fetch = yes\n\ttls_trust = "/nowhere.pem"')))


@case("exit codes: who may not write is told who may (77), and reads as a member of the group, which writes nothing")
def permission():
    if os.geteuid() != 0:
        raise Skip("needs root")
    with Lab() as lab:
        bench = Bench(lab)
        lab.start()
        equal(lab.send(lab.envelope(inner())).status, 200, "post")
        equal(lab.send(lab.envelope(inner(capture_xml(state="Declined", updated="2026-01-03T03:04:05.006Z")))).status, 200, "conflict")
        lab.stop()
        good = os.path.join(lab.folder, "good.json")
        with open(good, "w") as f:
            f.write("{}")
        for path, mode in ((lab.folder, 0o755), (lab.home, 0o755), (lab.config, 0o644)):
            os.chmod(path, mode)
        for name in [lab.state] + [os.path.join(lab.state, n) for n in os.listdir(lab.state)]:
            os.chown(name, 65501, GROUP)
        os.chmod(lab.state, 0o2750)
        member = {"user": MEMBER, "group": GROUP, "extra_groups": []}
        stranger = {"user": STRANGER, "group": STRANGER, "extra_groups": []}

        def files():
            found = {}
            for name in sorted(os.listdir(lab.state)):
                if not name.endswith("-shm"):  # in which readers note what they read
                    with open(os.path.join(lab.state, name), "rb") as f:
                        found[name] = (f.read(), os.stat(f.name).st_mtime_ns)
            return found

        before, held = files(), str(lab.one("SELECT id FROM fact WHERE place IS NULL"))
        reading = (["status"], ["list", "captures"], ["list", "notifications"], ["list", "events"], ["show", "1"],
                   ["explain", "S01-1111111-2222222-C000001"], ["events"], ["deadlines"], ["conflicts"], ["hooks"], ["hooks", "--state", "dead"],
                   ["hooks", "retry", "--all-dead", "--dry-run"], ["replay", "1", "--dry-run"], ["replay", "--since", "2h", "--dry-run"],
                   ["subscriptions"], ["reprocess", "--dry-run"], ["prune", "--dry-run"], ["ingest", "--dry-run", good], ["states"],
                   ["verify", good], ["check-config"])
        for arguments in reading:
            as_root, as_member = lab.ctl(*arguments, code=None), lab.ctl(*arguments, code=None, **member)
            equal((as_member.returncode, timeless(as_member.stdout)), (as_root.returncode, timeless(as_root.stdout)),
                  f"{arguments}: {as_member.stderr}")
            check(as_member.returncode in (0, 1, 65, 69), f"{arguments}: {as_member.returncode} {as_member.stderr}")
        equal(files(), before, "a reading verb wrote")
        writing = (["conflicts", "accept", held], ["conflicts", "dismiss", held], ["hooks", "retry", "1"], ["hooks", "resume", "print"],
                   ["replay", "1"], ["replay", "--since", "2h"], ["subscriptions", "confirm", "1"], ["ingest", good], ["reprocess"], ["prune"],
                   ["restore", good, "--yes"])
        for arguments in writing:
            for who in (member, stranger):
                bench.run("ipnctl", 77, r"state(/ipnd\.db)?: you may not write it\. Its owner.* and root may: run this again with sudo", *arguments,
                          config=lab.config, **who)
            asked = lab.ctl(arguments[0], "--help").stdout
            check(re.search(r"database's\s+owner\s+\(ipnd\)\s+or\s+root", asked), f"{arguments[0]} --help does not say who may: {asked}")
        equal(files(), before, "who may not write wrote")
        bench.run("ipnctl", 77, r"ipnd\.db: cannot be reached: Permission denied", "status", config=lab.config, **stranger)
        bench.run("ipnctl", 77, r"good\.json: cannot be read: Permission denied; run this as somebody who may", "verify", hidden(good),
                  config=lab.config, **member)
        secret = bench.config("secret", lambda t: t)
        for program, *arguments in (("ipnd",), ("ipn-hookd",), ("ipnctl", "status"), ("ipn-simulate", "play", "one-time")):
            bench.run(program, 77, r"secret\.conf: Permission denied; name a readable configuration", *arguments, config=hidden(secret), **member)
        for name, setting in (("tls.key", "private_key"), ("tls.pem", "certificate")):
            bench.run("ipnd", 77, rf"ipnd\.conf: listen\.{setting}: {hidden(os.path.join(lab.home, name))}: Permission denied; it must be readable",
                      config=lab.config, **member)
            os.chmod(os.path.join(lab.home, name), 0o644)
        for program in ("ipnd", "ipn-hookd"):
            bench.run(program, 77, r"state(/ipnd\.db)?: .*cannot be used: Permission denied; it must .*be writable by this user", config=lab.config,
                      **member)


def timeless(text):
    return re.sub(r" +\d+ s ago *|\d\d:\d\d\.\d{3}Z", " ", text)


def hidden(path):
    os.chmod(path, 0o600)
    return path
