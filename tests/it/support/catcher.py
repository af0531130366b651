"""A mail server on loopback that keeps what it receives: one JSON file for each message, complete once it has its name."""
import json
import os
import sys
import threading

from aiosmtpd.controller import Controller


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


folder, port = sys.argv[1], int(sys.argv[2])
Controller(Keep(folder), hostname="127.0.0.1", port=port).start()
threading.Event().wait()
