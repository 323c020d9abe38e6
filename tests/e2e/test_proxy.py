"""Behind a real nginx with the location of etc/proxies/nginx.conf: the body arrives byte for byte, and whose address counts."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess

from lab import SOURCE, Lab, Skip, capture_xml, case, check, equal, inner, wait_for

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
AROUND = """daemon off;
master_process off;
pid {0}/nginx.pid;
error_log stderr;
events {{}}
http {{
	access_log off;
	client_body_temp_path {0}/body;
	proxy_temp_path {0}/proxy;
	fastcgi_temp_path {0}/fastcgi;
	uwsgi_temp_path {0}/uwsgi;
	scgi_temp_path {0}/scgi;
	server {{
		listen 127.0.0.1:{1};
{2}
	}}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def post(port, body, headers=None):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(c):
        c.request("POST", "/ipn", body=body, headers={"Content-Type": "text/plain; charset=UTF-8", **(headers or {})})
        return c.getresponse().status


@case("behind nginx, by the example that is installed: every body as it came, ipnd's answers, the limit of a body")
def behind_nginx():
    if not NGINX:
        raise Skip("nginx is not here")
    with Lab() as lab:
        path, port = os.path.join(lab.folder, "http.sock"), free_port()
        lab.configure(lambda t: t.replace('https = {"127.0.0.1:0"}', f'https = {{}}\n\thttp = {{"unix:{path}"}}'))
        with open(os.path.join(SOURCE, "etc", "proxies", "nginx.conf")) as f:
            example = f.read()
        check("unix:/run/ipnd/http.sock" in example, "the example names the socket")
        config = os.path.join(lab.folder, "nginx.conf")
        with open(config, "w") as f:
            f.write(AROUND.format(lab.folder, port, example.replace("/run/ipnd/http.sock", path)))
        lab.start()
        with open(os.path.join(lab.folder, "nginx.log"), "w") as log:
            p = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", NGINX, "-p", lab.folder, "-c", config, "-e", "stderr"],
                                 stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            def up():
                equal(p.poll(), None, "nginx ended")
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
                    return True

            wait_for("nginx listens", up)
            text = json.dumps(lab.envelope(inner(capture_xml())))
            # Bytes that something well-meaning would change: ends of lines, spaces, characters outside ASCII.
            odd = lab.envelope(inner(capture_xml("S01-3333333-2222222-C000001")), Subject="\u00e9 \u65e5  ")
            odd = ("\r\n " + json.dumps(odd, indent="\t", ensure_ascii=False).replace("\n", "\r\n") + " \r\n").encode()
            equal(post(port, text), 200, "a notification")
            equal(post(port, text), 200, "again")
            changed = json.dumps(lab.envelope(inner(capture_xml("S01-2222222-2222222-C000001")))).replace("\\n", "\\n ")
            equal(post(port, changed.replace('"Message": "', '"Message": " ')), 403, "a changed one")
            equal(post(port, b"{"), 400, "no JSON")
            equal(post(port, odd), 200, "odd bytes")
            raw = [r[0] for r in lab.rows("SELECT CAST(raw AS BLOB) FROM notification ORDER BY id")]
            equal(raw, [text.encode(), odd], "the bodies as they are kept")
            # nginx cuts at its limit, so ipnd sees none of it.
            equal(post(port, b" " * (512 * 1024 + 1)), 413, "too large")
            equal(post(port, text, {"X-Forwarded-For": "203.0.113.9"}), 200, "a client that says who it is")
            c = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            with contextlib.closing(c):
                c.request("GET", "/ipn")
                equal(c.getresponse().status, 405, "GET")
        finally:
            p.kill()
            p.wait()
        lab.stop()
