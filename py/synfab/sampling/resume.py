# SPDX-License-Identifier: Apache-2.0
"""Makes a CSV file of sinter's fit to be resumed from after its writer was killed."""

from pathlib import Path

import sinter

from synfab.artefact import write_bytes
from synfab.errors import InputError


def mend_csv(path: Path) -> None:
    """Drop the last line of a CSV file of sinter's if it does not end; its shots are sampled anew.

    A file that ends within its header is removed. Without a file there is nothing to mend.

    Raises
    ------
    InputError
        If the file is not one that sinter wrote.
    """
    if not path.exists():
        return
    data = path.read_bytes()
    header = sinter.CSV_HEADER.encode()
    if header.startswith(data):
        path.unlink()
        return
    whole = data[: data.rfind(b"\n") + 1]
    first = data.split(b"\n", 1)[0].decode(errors="replace")
    try:
        if [name.strip() for name in first.split(",")] != [name.strip() for name in sinter.CSV_HEADER.split(",")]:
            raise ValueError(f"its first line is {first[:80]!r}")
        if whole != data:
            write_bytes(path, whole)
        sinter.read_stats_from_csv_files(path)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path} must be a CSV file that sinter wrote, to be resumed from: {error}; move it away or name another"
        ) from error
