# SPDX-License-Identifier: GPL-2.0-only
"""A zip of arrays whose claims about itself are not believed.

No member is unpacked beyond what its reader allows, and no array is anything but
integers.
"""

import io
import lzma
import re
import struct
import zipfile
import zlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_ROOM: Final = 1 << 26
"""Bytes that may be unpacked of any file, however small."""
_RATIO: Final = 1 << 6
"""Bytes that a byte of a file may unpack to above that: traces have 4 to 6."""
_LZMA_MEMORY: Final = 1 << 27
"""Bytes that unpacking LZMA may take: 9 MiB is what packing asks for."""
_ARRAY: Final = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<|][ui][1248])', "
    rb"'fortran_order': (True|False), 'shape': \(([\d, ]*)\), \} *\n",
    re.DOTALL,
)
"""The head of an array of integers, as NumPy writes it: numpy.lib.format. NumPy's own
reader of it takes more, and fails in many ways."""
_NUMBER: Final = re.compile(rb"\d{1,18}")

Array = npt.NDArray[Any]

DAMAGE: Final = (
    zipfile.BadZipFile,
    lzma.LZMAError,
    struct.error,
    zlib.error,
    EOFError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RuntimeError,  # nested too deeply
    TypeError,
    ValueError,
)
"""Exceptions of a damaged file, here and where its content is used."""


class Zipped:
    """The members of a zip file. Raises any of `DAMAGE`."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            members = file.infolist()
        self.members = {member.filename: member for member in members}
        if len(self.members) != len(members):
            raise ValueError("it has two arrays of one name")

    def most(self) -> int:
        """Bytes that this file may unpack to."""
        return _ROOM + _RATIO * len(self._content)

    def array(self, name: str, most: int) -> Array:
        """An array of integers, of at most so many bytes."""
        content = self.unpacked(name, most)
        found = _ARRAY.match(content)
        if found is None:
            raise ValueError(f"{name} is no array of integers")
        dtype, shape = found[1].decode(), [int(n) for n in _NUMBER.findall(found[3])]
        values = np.frombuffer(content, dtype, offset=found.end())
        return values.reshape(shape, order="F" if found[2] == b"True" else "C")

    def unpacked(self, name: str, most: int) -> bytes:
        """The content of a member of at most so many bytes."""
        member = self.members[name]
        size = member.file_size
        if size > most:
            raise ValueError(f"{name} claims to be of {size:,} bytes")
        at = member.header_offset
        lengths = struct.unpack_from("<HH", self._content, at + 26)
        start = at + 30 + sum(lengths)
        packed = self._content[start : start + member.compress_size]
        if member.compress_type == zipfile.ZIP_STORED:
            content = packed
        elif member.compress_type == zipfile.ZIP_DEFLATED:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size + 1)
        elif member.compress_type == zipfile.ZIP_LZMA:
            # APPNOTE.TXT 5.8.8: two bytes of version, the length of the properties,
            # then these; the stream says itself where it ends
            properties = packed[4:9]
            alone = properties + b"\xff" * 8 + packed[9:]
            unpacker = lzma.LZMADecompressor(lzma.FORMAT_ALONE, _LZMA_MEMORY)
            content = unpacker.decompress(alone, size + 1)
        else:
            raise ValueError(f"{name} is packed in another way")
        if len(content) != size or zlib.crc32(content) != member.CRC:
            raise ValueError(f"{name} is damaged")
        return content
