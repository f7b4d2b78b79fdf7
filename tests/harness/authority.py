"""Certificates of an authority that nobody trusts by himself."""

import base64
import ssl
from datetime import UTC, datetime, timedelta

import trustme

HOST = "127.0.0.1"


class Authority(trustme.CA):
    """Issues certificates to servers of the loopback."""

    @property
    def bundle(self) -> str:
        """What trusts it, as `spec.caBundle` takes it."""
        return base64.b64encode(self.cert_pem.bytes()).decode()

    def serving(self, host: str = HOST, *, valid_for: timedelta = timedelta(days=1)) -> ssl.SSLContext:
        """Return how a server speaks TLS as `host`, with a certificate that is valid from now on."""
        certificate = self.issue_cert(host, not_after=datetime.now(UTC) + valid_for)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context
