"""Handing a mail over: to an SMTP server, or to the console where none is configured."""

import sys
from email.message import EmailMessage
from typing import NamedTuple, Protocol, TextIO
from urllib.parse import unquote, urlsplit

import aiosmtplib

TIMEOUT_SECONDS = 30


class Deferred(Exception):  # noqa: N818  what a server answered
    """The mail could not be handed over now; it is to be tried again."""


class Bounced(Exception):  # noqa: N818  what a server answered
    """The server refused the mail for good."""


class Envelope(NamedTuple):
    """From where and to whom a mail goes, whatever its headers say."""

    sender: str
    recipient: str


class Mailer(Protocol):
    """Whoever takes mails."""

    async def send(self, message: EmailMessage, envelope: Envelope) -> str:
        """Hands a mail over; answers the server's words. Raises `Deferred` or `Bounced` with them."""
        ...


def mailer(url: str) -> Mailer:
    """The mailer of a URL: `console`, `smtp://[user:password@]host[:port]` or `smtps://…`."""
    return Console(sys.stdout) if url == "console" else Smtp(url)


class Console:
    """Prints mails, for development."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    async def send(self, message: EmailMessage, envelope: Envelope) -> str:
        text = message.get_body(("plain",))
        shown = [
            "--- a mail; it is printed because ROLODESK_MAIL_URL is console",
            f"To: {envelope.recipient}",
            f"Subject: {message['Subject']}",
            "",
            (text.get_content() if text is not None else "").rstrip(),
            "---",
        ]
        print("\n".join(shown), file=self._stream, flush=True)
        return "printed to the console"


class Smtp:
    """Sends mails through a server; encrypted from the start (smtps), or as soon as the server offers it (smtp)."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._encrypted = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._port = parts.port or (465 if self._encrypted else 587 if self._user else 25)

    async def send(self, message: EmailMessage, envelope: Envelope) -> str:
        options = () if envelope.recipient.isascii() and envelope.sender.isascii() else ("SMTPUTF8",)
        try:
            client = await self._connected()
            try:
                _, words = await client.sendmail(
                    envelope.sender, [envelope.recipient], message.as_bytes(), mail_options=options
                )
            finally:
                client.close()
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _judged(refused.recipients[0]) from refused
        except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPSenderRefused) as refused:
            raise _judged(refused) from refused
        except aiosmtplib.SMTPNotSupported as refused:
            raise Bounced(f"The mail server does not take such addresses: {plain(str(refused))}") from refused
        except aiosmtplib.SMTPResponseException as refused:  # the greeting or the sign-in: nothing of this mail
            raise Deferred(plain(f"{refused.code} {refused.message}")) from refused
        except (aiosmtplib.SMTPException, OSError) as fault:
            raise Deferred(plain(f"No connection: {fault}")) from fault
        except ValueError as refused:
            raise Bounced(plain(str(refused))) from refused
        return plain(words)

    async def _connected(self) -> aiosmtplib.SMTP:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._encrypted,
            timeout=TIMEOUT_SECONDS,
        )
        await client.connect()
        return client


def _judged(refused: aiosmtplib.SMTPResponseException) -> Deferred | Bounced:
    words = plain(f"{refused.code} {refused.message}")
    return Bounced(words) if 500 <= refused.code <= 599 else Deferred(words)  # noqa: PLR2004  RFC 5321, section 4.2.1


def plain(words: str) -> str:
    """A server's words as one line that can be kept and shown."""
    sound = words.encode("utf-8", "replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in sound).split())[:500]
