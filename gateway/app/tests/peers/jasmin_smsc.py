"""Jasmin as the SMSC that the gateway binds to, with a Redis and a RabbitMQ of its own.

    jasmin_smsc.py --sink-port PORT [--username gateway --password secret --connections N]

What is submitted to Jasmin goes on to an SMSC on the sink port; the receipts of that SMSC come back to whoever is
bound to Jasmin, in Jasmin's own words. Prints {"event": "ready", "port": …} and serves until standard input closes.
"""

import argparse
import os
import pathlib
import re
import shutil
import socket
import sys
import time

import peer

RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"


def parse():
    options = argparse.ArgumentParser()
    options.add_argument("--sink-port", type=int, required=True)
    options.add_argument("--username", default="gateway")
    options.add_argument("--password", default="secret")
    options.add_argument("--connections", type=int, default=8)
    options.add_argument("--deadline", type=float, default=180)
    return options.parse_args()


def start_redis(home):
    port = peer.free_port()
    child = peer.start(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(home)],
        home / "redis.log",
    )
    peer.wait_for("redis-server", child, lambda: peer.listens(port), 20)
    return port


def start_rabbitmq(home):
    """A broker without plugins, with its own name service, so that nothing outlives this peer."""
    names, broker, distribution = peer.free_port(), peer.free_port(), peer.free_port()
    environment = {
        **os.environ,
        "HOME": str(home),
        "ERL_EPMD_PORT": str(names),
        "RABBITMQ_NODENAME": f"peer{os.getpid()}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(broker),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_MNESIA_BASE": str(home / "rabbitmq"),
        "RABBITMQ_LOG_BASE": str(home / "rabbitmq-log"),
        "RABBITMQ_PID_FILE": str(home / "rabbitmq.pid"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"),
        "RABBITMQ_CONF_ENV_FILE": str(home / "rabbitmq-env.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
    }
    (home / "rabbitmq-env.conf").write_text("")
    (home / "plugins").write_text("[].\n")
    (home / "rabbitmq.conf").write_text("disk_free_limit.absolute = 1MB\nvm_memory_high_watermark.absolute = 512MB\n")
    # Without our own, the node would start one that stays when the node ends.
    peer.start(["epmd", "-port", str(names), "-address", "127.0.0.1"], home / "epmd.log", env=environment)
    child = peer.start([RABBITMQ], home / "rabbitmq.log", env=environment)

    def greeted():
        with socket.create_connection(("127.0.0.1", broker), timeout=2) as probe:
            probe.settimeout(2)
            probe.sendall(b"AMQP\x00\x00\x09\x01")
            return len(probe.recv(1)) == 1

    peer.wait_for("rabbitmq-server", child, greeted, 90)
    return broker


def write_configuration(home, ports):
    """The folder that Jasmin's wheel leaves out."""
    import txamqp

    etc = home / "etc/jasmin"
    for folder in (etc / "resource", etc / "store", home / "var/log/jasmin"):
        folder.mkdir(parents=True)
    standard = pathlib.Path(txamqp.__file__).parent / "specs/standard/amqp0-9-1.stripped.xml"
    shutil.copy(standard, etc / "resource/amqp0-9-1.xml")
    sections = {
        "smpp-server": {"id": '"smpps_01"', "bind": "127.0.0.1", "port": ports["smpp"]},
        "smpp-server-pb": {"bind": "127.0.0.1", "port": ports["smpp_pb"]},
        "smpp-server-pb-client": {"port": ports["smpp_pb"]},
        "client-management": {"bind": "127.0.0.1", "port": ports["clients"]},
        "router": {"bind": "127.0.0.1", "port": ports["router"]},
        "jcli": {"bind": "127.0.0.1", "port": ports["jcli"], "authentication": "False"},
        "amqp-broker": {"host": "127.0.0.1", "port": ports["amqp"]},
        "redis-client": {"host": "127.0.0.1", "port": ports["redis"]},
        "dlr": {"dlr_lookup_retry_delay": 1, "dlr_lookup_max_retries": 20},
        "dlr-thrower": {"dlr_pdu": "deliver_sm"},
    }
    text = "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items()) + "\n"
        for name, entries in sections.items()
    )
    (etc / "jasmin.cfg").write_text(text)


# Jasmin's own start script holds a lock for the whole machine; its daemon class does not.
DAEMON = """
import sys
from twisted.internet import reactor
from jasmin.bin.jasmind import JasminDaemon, Options
options = Options()
options.parseOptions(["--enable-dlr-lookup", "--enable-dlr-thrower", "--disable-http-api"])
JasminDaemon(options).start()
reactor.run()
"""


def start_jasmin(home, ports):
    environment = {**os.environ, "ROOT_PATH": str(home)}
    child = peer.start([sys.executable, "-c", DAEMON], home / "jasmin.log", env=environment)
    peer.wait_for("jasmin", child, lambda: peer.listens(ports["jcli"]), 60)


class Console:
    """Jasmin's administration console, spoken as a person would."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        # The prompt is only drawn once something was typed.
        self.ask("")

    def read_until(self, *prompts):
        text = b""
        while True:
            try:
                piece = self.socket.recv(4096)
            except TimeoutError:
                piece = b""
            if not piece:
                peer.fail(f"jasmin's console stopped after {text!r}")
            text += piece
            # Telnet's own octets and the colours are not part of what is said.
            said = re.sub(rb"\xff..|\x1b\[[0-9;]*[A-Za-z]", b"", text).decode(errors="replace")
            if any(said.endswith(prompt) for prompt in prompts):
                return said

    def ask(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.read_until("jcli : ", "> ")

    def add(self, command, **entries):
        self.ask(command)
        for key, value in entries.items():
            self.ask(f"{key} {value}")
        said = self.ask("ok")
        if "Successfully" not in said:
            peer.fail(f"jasmin refused {command}: {said.strip()!r}")


def provision(console, options):
    console.add("group -a", gid="peers")
    console.ask("user -a")
    for line in ("uid gateway", "gid peers", f"username {options.username}", f"password {options.password}"):
        console.ask(line)
    console.ask(f"smpps_cred quota max_bindings {options.connections}")
    if "Successfully" not in console.ask("ok"):
        peer.fail("jasmin refused the user")
    console.add(
        "smppccm -a",
        cid="sink",
        host="127.0.0.1",
        port=options.sink_port,
        username="jasmin",
        password="secret",
        bind="transceiver",
        con_fail_delay=1,
        con_loss_delay=1,
        submit_throughput=0,
    )
    console.add("mtrouter -a", type="DefaultRoute", connector="smppc(sink)", rate="0.0")
    if "Successfully" not in console.ask("smppccm -1 sink"):
        peer.fail("jasmin did not start the connector to the sink")
    for _ in range(100):
        if "BOUND_TRX" in console.ask("smppccm --list"):
            return
        time.sleep(0.1)
    peer.fail("jasmin did not bind to the sink")


def main():
    options = parse()
    watch = peer.deadline(options.deadline)
    home = peer.folder("jasmin-")
    ports = {name: peer.free_port() for name in ("smpp", "smpp_pb", "clients", "router", "jcli")}
    ports["redis"] = start_redis(home)
    ports["amqp"] = start_rabbitmq(home)
    write_configuration(home, ports)
    start_jasmin(home, ports)
    provision(Console(ports["jcli"]), options)
    peer.wait_for("jasmin's SMPP server", None, lambda: peer.listens(ports["smpp"]), 10)
    watch.cancel()
    peer.say("ready", port=ports["smpp"])
    peer.until_told()


if __name__ == "__main__":
    main()
