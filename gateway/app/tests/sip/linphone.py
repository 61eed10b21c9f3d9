"""A phone with liblinphone, driven through its C interface.

The programs of linphone-cli send and receive texts, but cannot mark one as read and never say that somebody is
typing; the library underneath can. So this is the same foreign stack with another user interface: one order a line
on standard input, one event a line on standard output, both JSON objects.

Orders: {"order": "send", "to": URI, "text": TEXT}, {"order": "read", "of": URI}, {"order": "compose", "to": URI},
{"order": "file", "to": URI, "path": PATH} sends one, {"order": "fetch", "id": ID, "path": PATH} downloads what a message
tells of; {"order": "unregister"}, {"order": "register"}. The end of the input ends it.
"""

import argparse
import ctypes
import json
import os
import pathlib
import queue
import sys
import threading

REGISTRATION = ["none", "progress", "ok", "cleared", "failed", "refreshing"]
MESSAGE = [
    "idle", "in_progress", "sent", "failed", "file_failed", "file_done", "delivered", "displayed", "file_progress",
    "pending_delivery", "file_cancelling",
]


def say(event, **fields):
    """Tells the test one thing."""
    print(json.dumps({"event": event, **fields}, ensure_ascii=False), flush=True)


def configuration(options):
    """What linphone keeps in its own file."""
    over = options.transport
    port = {name: -1 if name == over else 0 for name in ("udp", "tcp", "tls")}
    proxy = f"sip:{options.proxy};transport={over}" if over != "udp" else f"sip:{options.proxy}"
    return f"""
[sip]
sip_port={port["udp"]}
sip_tcp_port={port["tcp"]}
sip_tls_port={port["tls"]}
use_ipv6=0
default_proxy=0
register_only_when_network_is_up=0
verify_server_certs=0
verify_server_cn=0

[misc]
file_transfer_server_url={options.file_server or ""}

[storage]
backend=sqlite3
uri={options.home}/linphone.db

[proxy_0]
reg_proxy=<{proxy}>
reg_route=<{proxy}>
reg_identity=<sip:{options.user}@{options.domain}>
reg_expires={options.expires}
reg_sendregister=1
publish=0
push_notification_allowed=0
cpim_in_basic_chat_rooms_enabled={int(options.cpim)}

[auth_info_0]
username={options.user}
passwd={options.password}
realm={options.domain}
domain={options.domain}
"""


class Library:
    """Functions of the library by name, without its prefix; each is given its types once."""

    POINTER, TEXT, NUMBER = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int

    def __init__(self):
        self.library = ctypes.CDLL("liblinphone.so.10")

    def of(self, name, result, *arguments):
        function = getattr(self.library, f"linphone_{name}")
        function.restype, function.argtypes = result, arguments
        return function


class Phone:
    def __init__(self, options):
        self.cpim = options.cpim
        # Whatever the library keeps a pointer to must outlive the call.
        self.kept = []
        self.received = {}
        library, pointer, text, number = Library(), Library.POINTER, Library.TEXT, Library.NUMBER
        of = library.of
        self.iterate = of("core_iterate", None, pointer)
        self.stop = of("core_stop", None, pointer)
        self.room_with = of("core_get_chat_room_from_uri", pointer, pointer, text)
        self.allow_cpim = of("chat_room_allow_cpim", None, pointer)
        self.compose = of("chat_room_compose", None, pointer)
        self.mark_as_read = of("chat_room_mark_as_read", None, pointer)
        self.peer_of = of("chat_room_get_peer_address", pointer, pointer)
        self.is_composing = of("chat_room_is_remote_composing", number, pointer)
        self.new_message = of("chat_room_create_message_from_utf8", pointer, pointer, text)
        self.new_file_message = of("chat_room_create_file_transfer_message", pointer, pointer, pointer)
        self.new_content = of("core_create_content", pointer, pointer)
        self.set_content_type = of("content_set_type", None, pointer, text)
        self.set_content_subtype = of("content_set_subtype", None, pointer, text)
        self.set_content_name = of("content_set_name", None, pointer, text)
        self.set_content_path = of("content_set_file_path", None, pointer, text)
        self.file_of = of("chat_message_get_file_transfer_information", pointer, pointer)
        self.download = of("chat_message_download_content", number, pointer, pointer)
        self.keep = of("chat_message_ref", pointer, pointer)
        self.send_message = of("chat_message_send", None, pointer)
        self.text_of = of("chat_message_get_utf8_text", text, pointer)
        self.id_of = of("chat_message_get_message_id", text, pointer)
        self.type_of = of("chat_message_get_content_type", text, pointer)
        self.url_of = of("chat_message_get_external_body_url", text, pointer)
        self.sender_of = of("chat_message_get_from_address", pointer, pointer)
        self.watch = of("chat_message_add_callbacks", None, pointer, pointer)
        self.uri_of = of("address_as_string_uri_only", text, pointer)
        self.default_account = of("core_get_default_account", pointer, pointer)
        self.params_of = of("account_get_params", pointer, pointer)
        self.clone = of("account_params_clone", pointer, pointer)
        self.set_params = of("account_set_params", number, pointer, pointer)
        self.enable_register = of("account_params_enable_register", None, pointer, number)

        def callback(function, *arguments):
            made = ctypes.CFUNCTYPE(None, *arguments)(function)
            self.kept.append(made)
            return ctypes.cast(made, pointer)

        if options.log:
            libc = ctypes.CDLL(None)
            libc.fopen.restype, libc.fopen.argtypes = pointer, (text, text)
            of("core_set_log_level_mask", None, number)(0x3F)
            of("core_set_log_file", None, pointer)(libc.fopen(options.log.encode(), b"w"))
        factory = of("factory_get", pointer)()
        file = pathlib.Path(options.home) / "linphonerc"
        file.write_text(configuration(options), encoding="utf-8")
        create = of("factory_create_core_3", pointer, pointer, text, text, pointer)
        self.core = create(factory, str(file).encode(), None, None)
        events = of("factory_create_core_cbs", pointer, pointer)(factory)
        on_registration = callback(self.on_registration, pointer, pointer, number, text)
        of("core_cbs_set_account_registration_state_changed", None, pointer, pointer)(events, on_registration)
        on_message = callback(self.on_message, pointer, pointer, pointer)
        of("core_cbs_set_message_received", None, pointer, pointer)(events, on_message)
        on_composing = callback(self.on_composing, pointer, pointer)
        of("core_cbs_set_is_composing_received", None, pointer, pointer)(events, on_composing)
        of("core_add_callbacks", None, pointer, pointer)(self.core, events)
        self.states = of("factory_create_chat_message_cbs", pointer, pointer)(factory)
        on_state = callback(self.on_state, pointer, number)
        of("chat_message_cbs_set_msg_state_changed", None, pointer, pointer)(self.states, on_state)
        of("core_set_user_agent", None, pointer, text, text)(self.core, b"linphone", b"5.1")
        started = of("core_start", number, pointer)(self.core)
        if started != 0:
            sys.exit(f"liblinphone does not start: {started}")
        # A machine that has nothing but its loopback is reachable enough.
        of("core_set_network_reachable", None, pointer, number)(self.core, 1)

    def on_registration(self, _core, _account, state, message):
        say("registration", state=REGISTRATION[state], message=as_text(message))

    def on_message(self, _core, room, message):
        if self.cpim:
            self.allow_cpim(room)
        self.received[as_text(self.id_of(message))] = self.keep(message)
        say("message", **{
            "from": self.address(self.sender_of(message)),
            "text": as_text(self.text_of(message)),
            "id": as_text(self.id_of(message)),
            "type": as_text(self.type_of(message)),
            "url": as_text(self.url_of(message)),
        })

    def on_composing(self, _core, room):
        say("composing", **{"from": self.address(self.peer_of(room)), "active": bool(self.is_composing(room))})

    def on_state(self, message, state):
        say("state", id=as_text(self.id_of(message)), text=as_text(self.text_of(message)), state=MESSAGE[state])

    def address(self, address):
        return as_text(self.uri_of(address))

    def room(self, uri):
        room = self.room_with(self.core, uri.encode())
        if self.cpim:
            # The setting of the account reaches only rooms of a conference server.
            self.allow_cpim(room)
        return room

    def send(self, message):
        self.watch(message, self.states)
        self.send_message(message)

    def obey(self, order):
        match order["order"]:
            case "send":
                self.send(self.new_message(self.room(order["to"]), order["text"].encode()))
            case "file":
                content, path = self.new_content(self.core), pathlib.Path(order["path"])
                self.set_content_type(content, order.get("type", "application").encode())
                self.set_content_subtype(content, order.get("subtype", "octet-stream").encode())
                self.set_content_name(content, path.name.encode())
                self.set_content_path(content, str(path).encode())
                self.send(self.new_file_message(self.room(order["to"]), content))
            case "fetch":
                message = self.received[order["id"]]
                content = self.file_of(message)
                self.set_content_path(content, order["path"].encode())
                self.watch(message, self.states)
                self.download(message, content)
            case "read":
                self.mark_as_read(self.room(order["of"]))
            case "compose":
                self.compose(self.room(order["to"]))
            case "register" | "unregister":
                account = self.default_account(self.core)
                params = self.clone(self.params_of(account))
                self.enable_register(params, int(order["order"] == "register"))
                self.set_params(account, params)
            case other:
                sys.exit(f"there is no order {other}")

    def live(self, orders):
        """Until the input ends."""
        while True:
            self.iterate(self.core)
            try:
                order = orders.get(timeout=0.02)
            except queue.Empty:
                continue
            if order is None:
                break
            self.obey(order)
        self.stop(self.core)
        say("done")


def as_text(octets):
    return None if octets is None else octets.decode("utf-8", "replace")


def main():
    parser = argparse.ArgumentParser()
    for word in ("home", "user", "domain", "password", "proxy"):
        parser.add_argument(f"--{word}", required=True)
    parser.add_argument("--transport", choices=("udp", "tcp", "tls"), default="udp")
    parser.add_argument("--expires", type=int, default=600)
    parser.add_argument("--file-server")
    parser.add_argument("--log")
    parser.add_argument("--no-cpim", dest="cpim", action="store_false")
    options = parser.parse_args()
    os.environ["HOME"] = options.home
    # The library puts its smaller databases there and does not make the folder.
    pathlib.Path(options.home, ".local/share/linphone").mkdir(parents=True)
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        os.environ[variable] = options.home
    orders = queue.Queue()

    def read():
        for line in sys.stdin:
            orders.put(json.loads(line))
        orders.put(None)

    phone = Phone(options)
    threading.Thread(target=read, daemon=True).start()
    phone.live(orders)


if __name__ == "__main__":
    main()
