"""The man pages as they were built: every example is run, and what the programs have stands in them.

In a page an example is a line `$ command`, or `# command` for root, in a literal block or alone; below it stands what it prints,
where `...` is any lines. A block that begins otherwise is a configuration, a query in SQL or a program. What the pages name, a path
or an order, is read as what the lab has instead: Shop.replaced."""

import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess

from lab import BUILD, PATIENCE, SOURCE, Lab, Skip, capture_xml, case, check, equal, inner, wait_for
from test_types import ago, authorization

PAGES = {os.path.basename(p): p for p in sorted(glob.glob(os.path.join(BUILD, "man", "*.[1-8]")))}
SECTIONS = ("NAME", "DESCRIPTION", "FILES", "EXIT STATUS", "EXAMPLES", "SEE ALSO")

# What cannot be run here, and why; its grammar is checked.
NOT_RUN = {
    "editor /etc/ipnd/ipnd.conf": "tests/system/run has an editor",
    "ipnctl subscriptions confirm 1": "asks Amazon's SNS; test_supply.py runs it beside a stand-in",
    "journalctl -u ipnd --since today": "tests/system/run has systemd's journal",
    "systemctl enable --now ipnd.target": "tests/system/run has systemd",
}
# Exit codes other than 0: nothing of the kind is in the lab.
CODES = {
    "ipnctl reprocess --dry-run": 1,  # all is understood
    "ipnctl subscriptions": 1,  # SNS has said nothing
}


def page(name):
    with open(PAGES[name]) as f:
        return f.read()


def section(text, title):
    return re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", text, re.M | re.S).group(1)


def plain(text):
    return text.replace("\\&", "").replace("\\e", "\\")


def blocks(name):
    """The literal blocks, and the lines that are commands."""
    for block, line in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$|^\.Dl (\$ [^\n]*)$", page(name), re.M | re.S):
        yield plain(block or line + "\n")


def is_commands(block):
    return block[:2] in ("$ ", "# ")


def commands(name):
    """[(command, lines that it prints)]; [] where the page shows none."""
    found = []
    for block in filter(is_commands, blocks(name)):
        for line in block.splitlines():
            if line[:2] in ("$ ", "# "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


class Shop(Lab):
    """A rehearsal in which a payment was made, another one is reserved, a hook has given up and a state is held."""

    def __init__(self):
        super().__init__()
        self.bin = os.path.join(self.folder, "bin")
        self.background = []
        for folder in ("bin", "backup", "saved"):
            os.mkdir(os.path.join(self.folder, folder))
        self.environment = dict(os.environ, PATH=f"{self.bin}:{BUILD}:{os.environ['PATH']}", IPND_CONFIG=self.config,
                                HOME=self.folder)
        self.environment.pop("NO_COLOR", None)
        self.script("ship-order", next(b for b in blocks("ipnd-hooks.7") if b.startswith("#!/bin/sh")))
        if not shutil.which("sqlite3"):
            self.script("sqlite3", "#!/usr/bin/python3\nimport sqlite3, sys\n"
                                   "for row in sqlite3.connect(sys.argv[1], uri=True).execute(sys.argv[2]):\n    print(*row)\n")
        self.configure(lambda t: t + f'hook "ship" {{\n\ton = {{"capture.completed"}}\n\trun = {{"{self.bin}/ship-order"}}\n'
                                     "\tenvironment = any\n\tattempts = 1\n}\n")

    def __exit__(self, *how):
        for p in self.background:
            p.kill()
            p.wait()
        return super().__exit__(*how)

    def script(self, name, text):
        path = os.path.join(self.bin, name)
        with open(path, "w") as f:
            f.write(self.here(text))
        os.chmod(path, 0o755)
        return path

    def pay(self):
        """Event 3 is given up by the hook `ship`, fact 8 is held: these numbers stand in the pages."""
        self.start()
        self.start("ipn-hookd")
        self.run("ipn-simulate", "play", "one-time", "-c", self.config)
        for state in ("Completed", "Declined"):
            equal(self.send(self.envelope(inner(capture_xml(state=state)))).status, 200, state)
        self.send(self.envelope(authorization(7, "Open", ago(3600), ago(-3600 * 24 * 30))))
        wait_for("a hook gives up", lambda: self.rows("SELECT 1 FROM hook_run WHERE event_id = 3 AND state = 'dead'"))
        self.settle()
        os.mkdir(os.path.join(self.folder, "shipped"))
        with open(os.path.join(self.folder, "saved", "message.json"), "w") as f:
            f.write(self.one("SELECT raw FROM notification WHERE id = 1"))

    def replaced(self):
        """What the pages name, and what it is here. Longer ones first."""
        pairs = [
            ("/etc/ipnd/ipnd.conf", self.config),
            ("/var/lib/ipnd", self.state),
            ("/var/lib/shop/shipped", os.path.join(self.folder, "shipped")),
            ("/backup", os.path.join(self.folder, "backup")),
            ("/tmp/rehearsal", os.path.join(self.folder, "rehearsal")),
            ("/tmp/delivered", os.path.join(self.folder, "delivered")),
        ]
        if os.path.exists(self.database):
            order, shops = self.rows("SELECT order_reference_id, seller_order_id FROM order_reference ORDER BY created_at")[0]
            part = self.one("SELECT capture_id FROM capture WHERE order_reference_id = ?", order)[-6:]
            refund = self.one("SELECT refund_id FROM refund WHERE order_reference_id = ?", order)[-6:]
            pairs += [("A233631", "A" + part), ("C233631", "C" + part), ("R569081", "R" + refund),
                      ("S01-4769315-4536777", order), ("order-929226", shops)]
        if self.urls():
            ca = os.path.join(self.home, "ca.pem")
            pairs.append(("https://pay.example.com/ipn", f"https://localhost:{self.port()}/ipn --ca {ca} --offline"))
        return pairs

    def here(self, text):
        for theirs, ours in self.replaced():
            text = text.replace(theirs, ours)
        return text

    def there(self, text):
        for theirs, ours in self.replaced():
            text = text.replace(ours, theirs)
        return text

    def systemctl(self, what, *units):
        """What systemd would do with the lab's daemons."""
        names = ("ipnd", "ipn-hookd") if units == ("ipnd.target",) else units
        for name in names:
            if what == "start":
                self.start(name)
            elif what == "stop":
                self.stop(name)
            else:
                self.daemons[name].send_signal(signal.SIGHUP)
                wait_for(f"{name} reloads", lambda n=name: "the configuration was reloaded" in self.log(n))

    def in_background(self, command):
        self.background.append(subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command.split()], env=self.environment,
                                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder))
        lock = os.path.join(os.path.dirname(self.environment["IPND_CONFIG"]), "state", command.split()[0] + ".lock")
        wait_for(lock, lambda: os.path.exists(lock) and os.path.getsize(lock) > (20 if "ipnd.lock" in lock else 1))

    def settle(self):
        wait_for("hooks", lambda: not self.rows("SELECT 1 FROM hook_run WHERE state IN ('pending', 'running')"))

    def play(self, command, code, shown):
        words = command.split()
        if words[0] == "systemctl":
            return self.systemctl(*words[1:])
        if words[0] == "export":
            name, value = self.here(words[1]).split("=")
            self.environment[name] = value
            return None
        if words[-1] == "&":
            if "-c" in words:
                self.environment["IPND_CONFIG"] = self.here(words[words.index("-c") + 1])
            return self.in_background(self.here(command[:-1]))
        p = subprocess.run(["bash", "-c", self.here(command)], env=self.environment, cwd=self.folder, capture_output=True, text=True,
                           stdin=subprocess.DEVNULL, timeout=PATIENCE)
        equal(p.returncode, code, f"{command}: {p.stderr}{p.stdout}")
        if words[1:2] == ["replay"] and "ipn-hookd" in self.daemons:
            self.settle()
        return self.compare(command, p.stdout, shown) if shown else None

    def compare(self, command, got, shown):
        """Times, process ids and ports are always others."""
        def timeless(text):
            text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d\.\d+)?", "TIME", text)
            return re.sub(r"pid \d+|127\.0\.0\.1:\d+", "NUMBER", text)

        pattern = "".join("(?:.*\n)*" if line == "..." else re.escape(timeless(line)) + "\n" for line in shown)
        got = timeless(self.there(got))
        check(re.fullmatch(pattern, got), f"{command} printed\n{got}")


def play_page(name, shop):
    seen = 0
    for command, shown in commands(name):
        p = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, timeout=PATIENCE)
        equal((p.returncode, p.stderr), (0, ""), f"{command}: its grammar")
        if command not in NOT_RUN:
            shop.play(command, CODES.get(command, 0), shown)
            seen += 1
    check(seen > 0, "no example was run")


def play_pages(shop, *names):
    for name in names:
        play_page(name, shop)
        for block in blocks(name):
            if not is_commands(block):
                other_block(shop, name, block)


def other_block(shop, name, block):
    if re.match(r'\w+( "\w+")? \{\n', block):
        path = os.path.join(shop.folder, "example.conf")
        with open(path, "w") as f:
            f.write(block)
        p = shop.run("ipnctl", "check-config", "-c", path, "--json")
        check(json.loads(p.stdout)["ok"], block)
    elif block.startswith("SELECT "):
        rows = shop.rows(shop.here(block))
        check(rows or "'live'" in block, f"no row: {block}")
    elif block.startswith("#!"):
        path = shop.script("example", block)
        event = re.search(r'.*"capture\.completed".*', open(os.path.join(shop.home, "events.jsonl")).read()).group(0)
        p = subprocess.run([path], input=event, env=dict(shop.environment, IPN_EVENT_ID="12", IPN_ORDER_REFERENCE_ID="S01"),
                           capture_output=True, text=True, timeout=PATIENCE)
        equal((p.returncode, p.stderr), (0, ""), block)
        check(p.stdout, f"prints nothing: {block}")
    else:
        raise AssertionError(f"{name}: what kind of example is this? {block}")


@case("man pages: the examples of ipnctl(1)")
def examples_ipnctl():
    with Shop() as shop:
        shop.pay()
        play_pages(shop, "ipnctl.1")


@case("man pages: the examples of ipn-simulate(1)")
def examples_simulate():
    with Shop() as shop:
        play_pages(shop, "ipn-simulate.1")


@case("man pages: the examples of the others")
def examples_others():
    with Shop() as shop:
        shop.pay()
        play_pages(shop, *sorted(set(PAGES) - {"ipnctl.1", "ipn-simulate.1"}))


@case("man pages: all seven, each with what a reader looks for; mandoc finds nothing to warn of")
def form():
    equal(list(PAGES), ["ipn-hookd.8", "ipn-simulate.1", "ipnctl.1", "ipnd-hooks.7", "ipnd-schema.7", "ipnd.8", "ipnd.conf.5"],
          "pages")
    for name in PAGES:
        text = page(name)
        check("@" not in re.sub(r"\w@\w", "", text).replace(": @", ""), f"{name}: what was not replaced")
        equal([s for s in re.findall(r"^\.Sh (.*)$", text, re.M) if s in SECTIONS], list(SECTIONS), name)
        others = {f"{n} {s}" for n, s in re.findall(r"^\.Xr (\S+) (\d)", section(text, "SEE ALSO"), re.M)}
        check(others <= {" ".join(n.rsplit(".", 1)) for n in PAGES}, f"{name}: {others}")
    for unit in glob.glob(os.path.join(SOURCE, "systemd", "*.service.in")):
        with open(unit) as f:
            told = [f"{n}.{s}" for n, s in re.findall(r"man:(\S+)\((\d)\)", re.search(r"^Documentation=(.*)$", f.read(), re.M).group(1))]
        own = os.path.basename(unit).split(".")[0] + ".8"
        check(told and set(told) <= set(PAGES) and (told[0] == own or own not in PAGES), f"{unit}: Documentation={told}")
    if not shutil.which("mandoc"):
        raise Skip("mandoc is not here; the rest is right")
    p = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *PAGES.values()], capture_output=True, text=True, timeout=PATIENCE)
    equal((p.returncode, p.stdout + p.stderr), (0, ""), "mandoc")


def rendered(name):
    """As a terminal of 80 columns shows it, with either of the two programs that man(1) calls."""
    for command in (["groff", "-mdoc", "-Tascii", "-P-c", "-rLL=78n"], ["mandoc", "-Tascii", "-Owidth=78"]):
        if not shutil.which(command[0]):
            raise Skip(f"{command[0]} is not here")
        p = subprocess.run([*command, PAGES[name]], capture_output=True, text=True, timeout=PATIENCE)
        equal((p.returncode, p.stderr), (0, ""), f"{command[0]} {name}")
        yield re.sub(r".\x08", "", p.stdout)


@case("man pages: at 80 columns no line is wider, and no table's cell goes on in another's column")
def width():
    for name in PAGES:
        for text in rendered(name):
            lines = text.expandtabs().splitlines()
            equal([line for line in lines if len(line) > 80 or line.startswith(" " * 60)], [], name)


def run(program, *arguments):
    p = subprocess.run([os.path.join(BUILD, program), *arguments], capture_output=True, text=True, timeout=PATIENCE)
    equal(p.returncode, 0, f"{program} {arguments}: {p.stderr}")
    return p.stdout


def options(program, *arguments):
    """The long names that --help shows as this verb's own."""
    text = run(program, *arguments, "--help").split("Options of every verb:")[0]
    return set(re.findall(r"^  (?:-.,|   ) --(\S+)", text, re.M))


@case("man pages: every option, verb, setting and exit status of the programs stands there, and no other")
def complete():
    for program, name in (("ipnd", "ipnd.8"), ("ipn-hookd", "ipn-hookd.8")):
        equal(set(re.findall(r"^\.It.*Fl -(\S+)", page(name), re.M)), options(program), name)
    for program, name in (("ipnctl", "ipnctl.1"), ("ipn-simulate", "ipn-simulate.1")):
        text = page(name)
        equal(set(re.findall(r"^\.It.*Fl -(\S+)", section(text, "OPTIONS"), re.M)), options(program), name)
        told = dict(re.findall(r"^\.Ss (\S+)\n(.*?)(?=^\.Ss |\Z)", section(text, "VERBS"), re.M | re.S))
        verbs = re.findall(r"^  ([a-z-]+)\b", run(program, "--help").split("Verbs:")[1].split("Options:")[0], re.M)
        equal(list(told), verbs, f"verbs of {program}")
        for verb in verbs:
            own = options(program, verb) - {"help"}
            equal(set(re.findall(r"^\.It.*Fl -(\S+)", told[verb], re.M)) - {"help"}, own, f"{program} {verb}")
            for option in own if program == "ipnctl" else ():
                check(f"Fl -{option}" in told[verb].split("\n.Pp")[0] or "OPTION" in told[verb], f"{verb}: its synopsis lacks {option}")
    text = section(page("ipnd.conf.5"), "SETTINGS")
    told = [(s.split()[0], n) for s, body in re.findall(r"^\.Ss ([^\n]*)\n(.*?)(?=^\.Ss |\Z)", text, re.M | re.S)
            for n in re.findall(r"^\.It Va (\w+)", body, re.M)]
    settings = [json.loads(line) for line in run("ipnctl", "check-config", "--settings", "--json").splitlines()]
    equal(told, [(s["section"], s["name"]) for s in settings], "settings")
    with open(os.path.join(SOURCE, "src", "base", "exit.h")) as f:
        codes = re.findall(r"^\tEXIT_\w+ = (\d+)", f.read(), re.M)
    for name, some in (("ipnctl.1", codes), ("ipn-simulate.1", None), ("ipnd.8", None), ("ipn-hookd.8", None)):
        told = re.findall(r"^\.It (\d+)$", section(page(name), "EXIT STATUS"), re.M)
        check(told == codes if some else told and set(told) <= set(codes), f"{name}: exit status {told}")
        check("64" in told and "78" in told, name)


@case("man pages: ipnd-hooks(7) names every variable and ipnd-schema(7) every column there is")
def data():
    with Lab() as lab:
        path = os.path.join(lab.folder, "env")
        with open(os.path.join(lab.home, "hook"), "w") as f:
            f.write(f"#!/bin/sh\nenv >{path}.new; cat >{path}.json; mv {path}.new {path}\n")
        lab.start()
        lab.start("ipn-hookd")
        equal(lab.send(lab.envelope(inner())).status, 200, "post")
        wait_for("a run", lambda: os.path.exists(path))
        with open(path) as f:
            variables = {line.split("=")[0] for line in f} - {"PWD", "OLDPWD", "SHLVL", "_"}
        with open(path + ".json") as f:
            keys = set(json.load(f))
        text = page("ipnd-hooks.7")
        equal(set(re.findall(r"\b(?:IPN_[A-Z_]+[A-Z]|PATH|HOME|LANG)\b", "\n".join(re.findall(r"^\.It Ev .*$", text, re.M)))),
              variables, "variables")
        extra = keys - {v[4:].lower() for v in variables}
        check(all(f"Ql {k}" in text for k in extra) and len(keys) == 18 + len(extra), f"members of the JSON: {extra}")
        told = {name: set(re.findall(r"^(?:\.It )?\.?Va (\w+)", body, re.M)) for name, body in
                re.findall(r"^\.Ss (\w+).*?\n(.*?)(?=^\.Ss |\Z)", section(page("ipnd-schema.7"), "COLUMNS"), re.M | re.S)}
        names = [r[0] for r in lab.rows("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'")]
        equal(told, {n: {row[1] for row in lab.rows(f"PRAGMA table_info({n})")} for n in names}, "columns")
