#!/usr/bin/env bash
# pycryptodome 4.4.0 (PyPI) beside cryptography 50.0.2 (PyPI), given an uncompressed point of 64 zeros.
#
# Expected: `ECC.import_key` refuses what isn't a point of the curve, as cryptography does. The point
#   (0, 0) isn't one of P-256.
# Seen: pycryptodome takes it for the point at infinity, which SEC 1 writes as the single byte 00 and
#   never as an uncompressed point. Other points that aren't on the curve are refused.
# Why it matters: a browser's public key is part of what it sends to subscribe to pushes (p256dh).
#   A subscription with these zeros is stored as valid, and each push to it fails when its secret is
#   computed.
# What follows: points of zeros are refused before the library sees them.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pycryptodome==4.4.0 cryptography==50.0.2

cat >seen.py <<'PY'
from Crypto.PublicKey import ECC
from cryptography.hazmat.primitives.asymmetric import ec


def pycryptodome(point: bytes) -> str:
    try:
        key = ECC.import_key(point, curve_name="P-256")
    except ValueError:
        return "refused"
    return "the point at infinity" if key.pointQ.is_point_at_infinity() else "a point"


def cryptography(point: bytes) -> str:
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        return "refused"
    return "a point"


POINTS = {"zeros": b"\x04" + bytes(64), "not on the curve": b"\x04" + bytes(63) + b"\x01"}
for name, point in POINTS.items():
    print(f"{name}: pycryptodome {pycryptodome(point)}, cryptography {cryptography(point)}")
PY
env/bin/python seen.py >seen.txt

cat >stated.txt <<'TEXT'
zeros: pycryptodome the point at infinity, cryptography refused
not on the curve: pycryptodome refused, cryptography refused
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
