"""Keys for one use each, all from the program's one secret."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive(secret_key: str, use: bytes) -> bytes:
    """Return the 32 bytes of the key for one use, such as b"pakka/seal"; another use gets another key."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=use).derive(secret_key.encode())
