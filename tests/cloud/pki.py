"""Certificates for the simulated cloud: its CA, its server, the box, and wrong ones for each failure."""

import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEAR = datetime.timedelta(days=365)


def _write(path, data, mode):
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(data)


def _write_key(path, key):
    _write(path, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                   serialization.NoEncryption()), 0o600)


def _write_certificate(path, certificate):
    _write(path, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject, issuer, public_key, start, end):
    return (x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer))
            .public_key(public_key).serial_number(x509.random_serial_number())
            .not_valid_before(start).not_valid_after(end))


def make_ca(folder, name):
    """Writes NAME.pem and returns (name, key)."""
    now = datetime.datetime.utcnow()
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (_builder(name, name, key.public_key(), now - YEAR, now + 10 * YEAR)
                   .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                   .sign(key, hashes.SHA256()))
    _write_certificate(os.path.join(folder, name + ".pem"), certificate)
    return name, key


def make_leaf(folder, ca, file, common_name, server, hosts=(), start=None, end=None):
    """Writes FILE.crt and FILE.key, signed by ca."""
    now = datetime.datetime.utcnow()
    key = ec.generate_private_key(ec.SECP256R1())
    usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (_builder(common_name, ca[0], key.public_key(), start or now - YEAR / 12, end or now + YEAR)
               .add_extension(x509.ExtendedKeyUsage([usage]), critical=False))
    if hosts:
        names = [x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
                 for host in hosts]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    _write_key(os.path.join(folder, file + ".key"), key)
    _write_certificate(os.path.join(folder, file + ".crt"), builder.sign(ca[1], hashes.SHA256()))


def make_all(folder, site):
    """ca.pem, client.{crt,key}, server.*, and the wrong ones: server-host, server-expired,
    server-early, server-stranger, stranger (a client of another CA)."""
    now = datetime.datetime.utcnow()
    here = ("127.0.0.1", "localhost")
    ca = make_ca(folder, "ca")
    other = make_ca(folder, "other-ca")
    make_leaf(folder, ca, "server", "cloud", True, here)
    make_leaf(folder, ca, "client", site, False)
    make_leaf(folder, ca, "server-host", "cloud", True, ("elsewhere.example",))
    make_leaf(folder, ca, "server-expired", "cloud", True, here, now - YEAR, now - YEAR / 365)
    make_leaf(folder, ca, "server-early", "cloud", True, here, now + YEAR / 12, now + YEAR)
    make_leaf(folder, other, "server-stranger", "cloud", True, here)
    make_leaf(folder, other, "stranger", site, False)
