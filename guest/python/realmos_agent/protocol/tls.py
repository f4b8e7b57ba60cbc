# SPDX-License-Identifier: BSD-3-Clause
"""TLS 1.3 without any I/O: ciphertext in and out, plaintext out and in.

Imported only when a channel is wanted: `ssl` takes longer to import than the agent takes to answer.
"""

import ssl

from realmos_agent.protocol import numbers
from realmos_agent.protocol.errors import RemoteProtocolError

# A TLS record holds at most this much plaintext.
_RECORD = 16 << 10


class TlsStream:
    """One end of a TLS connection.

    Args:
        context: TLS 1.3's settings, and the server's certificate.
        server: whether this end is the server.
    """

    def __init__(self, context: ssl.SSLContext, *, server: bool) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=server)
        self.established = False

    def feed(self, ciphertext: bytes) -> None:
        """Take what the peer sent."""
        self._incoming.write(ciphertext)

    def handshake(self) -> None:
        """Go on with the handshake, as far as what has arrived allows; sets `established`.

        Raises:
            RemoteProtocolError: the peer does not speak TLS 1.3, or speaks it wrongly.
        """
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as error:
            raise _violation(error) from error
        self.established = True

    def read(self) -> bytes:
        """Return the plaintext that has arrived, b"" when there is none.

        Raises:
            RemoteProtocolError: what arrived is not what the peer sent, or the peer closed.
        """
        pieces: list[bytes] = []
        while True:
            try:
                piece = self._tls.read(_RECORD)
            except ssl.SSLWantReadError:
                return b"".join(pieces)
            except ssl.SSLError as error:
                raise _violation(error) from error
            if not piece:
                raise RemoteProtocolError("the peer closed its TLS connection", numbers.ERR_CHANNEL)
            pieces.append(piece)

    def write(self, plaintext: bytes) -> None:
        """Encrypt; `take` then has it."""
        if plaintext:
            self._tls.write(plaintext)

    def take(self) -> bytes:
        """Return the ciphertext that is to be sent."""
        return self._outgoing.read()

    def peer_certificate(self) -> bytes:
        """Return the peer's certificate in DER, b"" when it showed none."""
        return self._tls.getpeercert(binary_form=True) or b""


def context(*, server: bool) -> ssl.SSLContext:
    """Return settings for TLS 1.3 alone, without resumption.

    A client that uses them judges the server's certificate itself, by the attestation token in
    it: nothing else vouches for a realm.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    if server:
        made.num_tickets = 0
    else:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


def _violation(error: ssl.SSLError) -> RemoteProtocolError:
    return RemoteProtocolError(f"TLS: {error.reason or error}", numbers.ERR_CHANNEL)
