"""Reading pictures that strangers made: in a process of its own, with limits on memory and time.

The process runs this module as a program: it reads `original` in a folder, writes thumbnails beside it, and
says the picture's size as JSON. Whatever happens to it is no more than a picture without thumbnails.
"""

import asyncio
import logging
import resource
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Final, NamedTuple

import orjson
from PIL import Image, ImageOps

from todo_gql.features.files.keys import THUMBNAIL_SIZES

ORIGINAL: Final = "original"
FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "AVIF")
MAX_PIXELS: Final = 40_000_000
MAX_SECONDS: Final = 20.0
MAX_CPU_SECONDS: Final = 20
MAX_MEMORY: Final = 1024 * 1024 * 1024
"""Bytes of address space: 40 megapixels take 160 MB, and a copy as much again."""

MAX_REASON: Final = 200
QUALITY: Final = 80
MODES: Final = frozenset({"RGB", "RGBA"})
logger = logging.getLogger(__name__)


class Picture(NamedTuple):
    """The size of a picture as it is shown, and the longest sides of its thumbnails."""

    width: int
    height: int
    thumbnail_sizes: list[int]


async def read_picture(folder: Path) -> Picture | None:
    """The picture `original` in a folder, with thumbnails beside it; None for what is none, or too large.

    Raises `OSError` if no process can be started.
    """
    return await asyncio.to_thread(_run, folder)


def _run(folder: Path) -> Picture | None:
    arguments = (sys.executable, "-I", "-m", __name__, str(folder))
    try:
        done = subprocess.run(
            arguments,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={},
            timeout=MAX_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired:
        logger.info("a picture isn't read: it takes more than %g seconds", MAX_SECONDS)
        return None
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:MAX_REASON]
        logger.info("a picture isn't read: status %d, %s", error.returncode, reason)
        return None
    return Picture(*orjson.loads(done.stdout))


def make_thumbnails(folder: Path) -> Picture:
    """Read a picture, and write its thumbnails into its folder; whatever the library raises."""
    with Image.open(folder / ORIGINAL, formats=FORMATS) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise ValueError("too many pixels")
        image.load()
        # As a camera was held; nothing else of what the file says of its origin goes along.
        shown = ImageOps.exif_transpose(image)
    if shown.mode not in MODES:
        shown = shown.convert("RGBA" if shown.has_transparency_data else "RGB")
    sizes = [size for size in THUMBNAIL_SIZES if _is_of_use(size, max(shown.size))]
    picture = Picture(*shown.size, sizes)
    shown.info.clear()
    for size in reversed(sizes):
        # Each is made of the larger one before it.
        shown.thumbnail((size, size))
        shown.save(folder / str(size), "WEBP", quality=QUALITY)
    return picture


def _is_of_use(size: int, longest: int) -> bool:
    """Whether a thumbnail is smaller than the picture, or is the only one."""
    return size == THUMBNAIL_SIZES[0] or size < longest


def main(folder: str) -> None:
    """Read a picture within limits of this process, and print what it is."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A picture that claims to be a bomb is refused before it is decoded.
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    sys.stdout.buffer.write(orjson.dumps(list(make_thumbnails(Path(folder)))))


if __name__ == "__main__":
    main(sys.argv[1])
