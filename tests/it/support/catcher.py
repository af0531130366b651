"""A mail server on loopback that keeps what it receives: one JSON file for each message, complete once it has its name.

With a certificate and its key it wants TLS, from the first byte ("tls") or after STARTTLS, and the login kantor/rahasia-surel.
"""
import json
import os
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


class Keep:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    async def handle_DATA(self, server, session, envelope):
        if any("unwilling" in address for address in envelope.rcpt_tos):
            return "451 The mailbox is unwilling, try later"
        self.count += 1
        name = os.path.join(self.folder, f"{self.count:06}.json")
        message = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode("utf-8", "replace"),
        }
        with open(name + ".part", "w", encoding="utf-8") as file:
            json.dump(message, file)
        os.rename(name + ".part", name)
        return "250 Kept"


def login(server, session, envelope, mechanism, data):
    known = LoginPassword(b"kantor", b"rahasia-surel")
    return AuthResult(success=data == known, handled=False)


def guarded(certificate, key, security):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    wanted = {"authenticator": login, "auth_required": True}
    if security == "tls":
        # The connection is encrypted already; the server does not know that of its own.
        return {"ssl_context": context, "auth_require_tls": False, **wanted}
    return {"tls_context": context, "require_starttls": True, **wanted}


folder, port = sys.argv[1], int(sys.argv[2])
settings = guarded(*sys.argv[3:6]) if len(sys.argv) > 3 else {}
Controller(Keep(folder), hostname="127.0.0.1", port=port, **settings).start()
threading.Event().wait()
