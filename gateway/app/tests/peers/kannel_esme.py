"""Kannel as an ESME: its bearerbox binds to our SMPP server, its smsbox submits one text and hears the receipt.

    kannel_esme.py --port PORT --to +8210… [--from … --text … --system-id esme --password secret --stat DELIVRD --serve]

With `--serve` it stays bound after the receipt and tells every text that arrives, until standard input closes.
"""

import http.server
import threading
import urllib.error
import urllib.parse
import urllib.request

import esme
import peer

DLR_FINAL = {"1": "DELIVRD", "2": "UNDELIV", "16": "REJECTD"}
DLR_ALL = 31


def configuration(options, ports, home):
    """A bearerbox with one SMSC link (ours), and an smsbox that calls back over HTTP."""
    groups = [
        {
            "group": "core",
            "admin-port": ports["admin"],
            "admin-interface": "127.0.0.1",
            "admin-password": "peer",
            "smsbox-port": ports["box"],
            "smsbox-interface": "127.0.0.1",
            "box-allow-ip": "127.0.0.1",
            "log-file": home / "bearerbox.log",
            "log-level": 1,
            "dlr-storage": "internal",
        },
        {
            "group": "smsc",
            "smsc": "smpp",
            "smsc-id": "gateway",
            "host": "127.0.0.1",
            "port": options.port,
            "transceiver-mode": "true",
            "smsc-username": options.system_id,
            "smsc-password": options.password,
            "system-type": "",
            "source-addr-ton": 0,
            "source-addr-npi": 1,
            "dest-addr-ton": 1,
            "dest-addr-npi": 1,
            "interface-version": 34,
            "reconnect-delay": 1,
        },
        {
            "group": "smsbox",
            "bearerbox-host": "127.0.0.1",
            "bearerbox-port": ports["box"],
            "sendsms-port": ports["sendsms"],
            "sendsms-interface": "127.0.0.1",
            "log-file": home / "smsbox.log",
            "log-level": 1,
        },
        {"group": "sendsms-user", "username": "peer", "password": "peer", "concatenation": "true", "max-messages": 20},
        {
            "group": "sms-service",
            "keyword": "default",
            "catch-all": "true",
            "max-messages": 0,
            "concatenation": "true",
            "get-url": f'"http://127.0.0.1:{ports["hook"]}/mo?from=%p&to=%P&coding=%c&octets=%b"',
        },
    ]
    return "\n\n".join("\n".join(f"{key} = {value}" for key, value in group.items()) for group in groups) + "\n"


class Hook(http.server.BaseHTTPRequestHandler):
    """What Kannel calls: one address for receipts, one for texts."""

    stat = None
    done = threading.Event()

    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        fields = dict(urllib.parse.parse_qsl(address.query, keep_blank_values=True, encoding="latin-1"))
        self.send_response(200)
        self.end_headers()
        if address.path == "/mo":
            octets = fields.get("octets", "").encode("latin-1")
            text = octets.decode("utf-16-be" if fields.get("coding") == "2" else "latin-1")
            peer.say("received", text=text, **{key: fields.get(key, "") for key in ("from", "to")})
            return
        kind = DLR_FINAL.get(fields.get("type"))
        peer.say("receipt", id=fields.get("id"), stat=kind or "interim", type=fields.get("type"))
        if kind is None:
            return
        if kind != Hook.stat:
            peer.fail(f"the receipt says {kind}, expected {Hook.stat}")
        Hook.done.set()

    def log_message(self, *_):
        pass


def submit(options, ports):
    """Asks the smsbox to send; it says 202 when its bearerbox took the text."""
    receipt = f"http://127.0.0.1:{ports['hook']}/dlr?type=%d&id=%F"
    query = urllib.parse.urlencode(
        {
            "username": "peer",
            "password": "peer",
            "from": options.sender,
            "to": options.to.lstrip("+"),
            "text": options.text,
            "charset": "UTF-8",
            "coding": 0 if options.text.isascii() else 2,
            "dlr-mask": DLR_ALL,
            "dlr-url": receipt,
        }
    )
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{ports['sendsms']}/cgi-bin/sendsms?{query}", timeout=10) as answer:
            peer.say("accepted", status=answer.status)
    except urllib.error.HTTPError as error:
        peer.fail(f"the smsbox refused the text with {error.code}: {error.read()!r}")


def online(ports):
    with urllib.request.urlopen(f"http://127.0.0.1:{ports['admin']}/status.txt?password=peer", timeout=2) as status:
        return b"(online" in status.read()


def main():
    options = esme.parse(__doc__)
    watch = peer.deadline(options.deadline)
    home = peer.folder("kannel-")
    ports = {name: peer.free_port() for name in ("admin", "box", "sendsms", "hook")}
    Hook.stat = options.stat
    hook = http.server.ThreadingHTTPServer(("127.0.0.1", ports["hook"]), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    file = home / "kannel.conf"
    file.write_text(configuration(options, ports, home))
    bearerbox = peer.start(["/usr/sbin/bearerbox", str(file)], home / "bearerbox.out", cwd=home)
    peer.wait_for("bearerbox", bearerbox, lambda: peer.listens(ports["box"]), 10)
    smsbox = peer.start(["/usr/sbin/smsbox", str(file)], home / "smsbox.out", cwd=home)
    peer.wait_for("smsbox", smsbox, lambda: peer.listens(ports["sendsms"]), 10)
    peer.wait_for("Kannel's link to us", bearerbox, lambda: online(ports), 15)
    peer.say("bound")
    submit(options, ports)
    Hook.done.wait()
    watch.cancel()
    peer.say("done")
    if options.serve:
        peer.until_told()


if __name__ == "__main__":
    main()
