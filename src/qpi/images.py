"""Images: which files are images by their first bytes, whatever they are named, and how many pixels they have."""

from typing import BinaryIO

from qpi.errors import QpiError
from qpi.messages import say

HEAD = 64
"""How many bytes tell what a file is."""
_BEGINNINGS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"%PDF-", "application/pdf"),
)
_HEIF = {b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF = {b"avif", b"avis"}


def media_of(head: bytes) -> str | None:
    """Return the media type that a file's first bytes say, or None where they say none that we know."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return _of_brand(head[8:12])
    return next((media for beginning, media in _BEGINNINGS if head.startswith(beginning)), None)


def _of_brand(brand: bytes) -> str:
    if brand in _HEIF:
        return "image/heic"
    if brand in _AVIF:
        return "image/avif"
    return "video/quicktime" if brand == b"qt  " else "video/mp4"


def pixels(file: BinaryIO) -> tuple[int, int] | None:
    """Return width and height of an image, or None where they cannot be read; raise QpiError without imagesize."""
    try:
        import imagesize
    except ImportError as error:
        raise QpiError(say("imagesize is not installed; install it with: pip install 'qpi[evidence]'")) from error
    # A file that is open, never a name: the library would take a name for an address on the network.
    width, height = imagesize.get(file)
    return (width, height) if width > 0 and height > 0 else None


__all__ = ["HEAD", "media_of", "pixels"]
