"""Certificates of authorities that live as long as a test."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def authority(common_name: str) -> tuple[Any, Any]:
    """A certificate that signs others, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(timezone.utc)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + timedelta(days=30)).add_extension(x509.BasicConstraints(True, None), True)
            .sign(key, hashes.SHA256()))
    return made, key


def pem(issuer: tuple[Any, Any]) -> bytes:
    return issuer[0].public_bytes(serialization.Encoding.PEM)


def certificate(folder: Path, file: str, issuer: tuple[Any, Any], address: str, days: int) -> tuple[str, str]:
    """A certificate for an address, which ends in so many days, and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(timezone.utc)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    made = (x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(issuer[0].subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=20)).not_valid_after(now + timedelta(days=days))
            .add_extension(names, True).sign(issuer[1], hashes.SHA256()))
    paths = folder / f"{file}.pem", folder / f"{file}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
    return str(paths[0]), str(paths[1])
