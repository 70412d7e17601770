"""What `ssl_cipher_suite` stands for. Source: Mozilla's server side TLS configurations, as Kong has them."""

from typing import NamedTuple


class Suite(NamedTuple):
    """Versions, ciphers in OpenSSL's notation (None: OpenSSL's own), and whether the gateway's order counts."""

    protocols: tuple[str, ...]
    ciphers: str | None
    prefer_server_ciphers: bool


_INTERMEDIATE = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384"
)
_OLD = (
    f"{_INTERMEDIATE}:DHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:"
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:"
    "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA256:"
    "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES256-SHA256:AES128-SHA:AES256-SHA:@SECLEVEL=0"
)
_FIPS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:"
    "AES128-GCM-SHA256:AES256-GCM-SHA384"
)

SUITES: dict[str, Suite] = {
    "modern": Suite(("TLSv1.3",), None, False),
    "intermediate": Suite(("TLSv1.2", "TLSv1.3"), _INTERMEDIATE, False),
    "old": Suite(("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"), _OLD, True),
    "fips": Suite(("TLSv1.2",), _FIPS, True),
    "custom": Suite(("TLSv1.2", "TLSv1.3"), None, True),
}
