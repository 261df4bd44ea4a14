"""Tells a freedesktop.org desktop of .isth files: their media type, and what makes their thumbnails.

Two files in a user's data folder, after the Shared MIME-info Database specification 0.21 and the `.thumbnailer` files
of GNOME's desktop library, which other desktops read too, and the index that the desktop's own program makes of them.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from isthmus.bitstream.head import MAGIC
from isthmus.errors import InputError, IsthmusError
from isthmus.files import write_atomic
from isthmus.image.header import MEDIA_TYPE

UPDATER = "update-mime-database"
"""The program that makes an index of media types, of shared-mime-info."""


def user_data_folder() -> Path:
    """Where this user's desktop looks for such files.

    Raises:
        InputError: this system has no such desktop.
    """
    if sys.platform in ("win32", "darwin"):
        raise InputError("the desktop of this system", expected="one of freedesktop.org", got=sys.platform)
    from platformdirs import user_data_path

    return user_data_path()


def integrate(data: Path) -> list[Path]:
    """Writes the files, or writes them again, below a data folder; their paths.

    Raises:
        IsthmusError: the index of media types cannot be made.
        OSError: the folder cannot be written.
    """
    texts = {_thumbnailer_path(data): _thumbnailer(), _media_type_path(data): _media_type()}
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text.encode(), force=True)
    _update(data)
    return list(texts)


def remove(data: Path) -> list[Path]:
    """Removes what `integrate` wrote; the paths of what was there.

    Raises:
        IsthmusError: the index of media types cannot be made.
        OSError: the folder cannot be written.
    """
    found = [path for path in (_thumbnailer_path(data), _media_type_path(data)) if path.exists()]
    for path in found:
        path.unlink()
    if found:
        _update(data)
    return found


def _thumbnailer_path(data: Path) -> Path:
    return data / "thumbnailers" / "isthmus.thumbnailer"


def _media_type_path(data: Path) -> Path:
    return data / "mime" / "packages" / "isthmus.xml"


def _thumbnailer() -> str:
    # This very Python, wherever its scripts are; -P: nothing is imported from the folder that is looked at.
    command = shlex.join([sys.executable, "-P", "-m", "isthmus", "thumbnail"]).replace("%", "%%")
    return (
        "[Thumbnailer Entry]\n"
        f"TryExec={_escaped(sys.executable)}\n"
        f"Exec={_escaped(command)} %i %o %s\n"
        f"MimeType={MEDIA_TYPE};\n"
    )


def _escaped(value: str) -> str:
    """As values stand in key files."""
    return value.replace("\\", "\\\\")


def _media_type() -> str:
    beginning = "".join(f"\\x{byte:02x}" for byte in MAGIC)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">
  <mime-type type="{MEDIA_TYPE}">
    <comment>isthmus picture</comment>
    <generic-icon name="image-x-generic"/>
    <magic><match type="string" offset="0" value="{beginning}"/></magic>
    <glob pattern="*.isth"/>
  </mime-type>
</mime-info>
"""


def _update(data: Path) -> None:
    folder = data / "mime"
    found = shutil.which(UPDATER)
    if found is None:
        hint = f"Install shared-mime-info, then run: {shlex.join([UPDATER, str(folder)])}"
        raise IsthmusError(f"the media type is not in force: {UPDATER} is not there", hint=hint)
    done = subprocess.run([found, str(folder)], capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise IsthmusError(
            f"{UPDATER} failed", expected="exit status 0", got=f"{done.returncode}: {done.stderr.strip()}"
        )
