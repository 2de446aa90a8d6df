"""Reading zip files that somebody else made, without trusting a word they say.

`archive_members` is the only way the platform opens a zip. It looks at the whole
archive first and refuses it, before one byte is inflated, when anything about it is
wrong; then it yields its files one at a time, counting what really comes out.
Nothing is ever extracted to a path made from a member's name: a member's content goes
to a file object that the caller opened, under a name that the caller chose.

What is refused, and why:

* paths that are absolute, have a drive letter, `..`, a backslash, or a NUL or other
  control character: they only make sense as an attempt to leave the folder;
* links and devices, and encrypted members: their content cannot be read here;
* two members of one name, and members that share bytes of the archive: two readers
  would disagree on what the archive holds, and the second is how the smallest zip
  bombs are built;
* zips inside the zip: a person unpacks those, so that each level is looked at;
* members or archives that inflate beyond `ArchiveLimits`, by their own account or in
  fact; members that are not as long as they say, or whose checksum does not match;
* anything compressed other than by Deflate (or stored): zipfile cannot bound how much
  bzip2 or LZMA inflate in one step, and no supplier of ours uses them;
* archives that are empty, cut short, split over several files, or not zips.

macOS's `__MACOSX/` and `.DS_Store`, and folders, are passed over.
"""

from __future__ import annotations

import copy
import errno
import io
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NoReturn

_MIB = 1024 * 1024
_GIB = 1024 * _MIB

#: Below this much inflated data a high ratio is harmless: a short file of repeated
#: lines can shrink a thousandfold. Above it, the ratio is held to.
RATIO_MATTERS_FROM_BYTES = 16 * _MIB

#: Room allowed in the list of contents for each member: its fixed 46 bytes, a path,
#: and the extra fields that tools add. The list is read into memory whole.
_LISTING_BYTES_PER_MEMBER = 1024

#: What zipfile raises for an archive that is not as it should be.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)

_CHUNK_BYTES = 256 * 1024
_FLAG_ENCRYPTED = 0x1 | 0x40 | 0x2000
_MACOS_LITTER = ("__MACOSX", ".DS_Store")
_DRIVE = re.compile(r"^[A-Za-z]:")
_END_RECORD = struct.Struct("<4s4H2LH")
_END_RECORD_64_LOCATOR = struct.Struct("<4sLQL")
_END_RECORD_64 = struct.Struct("<4sQ2H2L4Q")
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")


class UnsafeArchive(Exception):
    """An archive that must not be read; the message says what, why and what to do."""


@dataclass(frozen=True)
class ArchiveLimits:
    """How large an archive may be. A limit is about the files inside, inflated.

    The defaults fit data.police.uk's archive with room to spare: 1.6 GB zipped and
    about 4,500 members now, 2.6 GB and some 10,000 members at its largest (2017-04).
    Inflated it is an estimated 10 to 20 GB, no member over some 30 MB. The highest
    ratio seen is 28, for an archive of stop and search alone.

    Attributes:
        max_members: entries in the archive, folders and unwanted files included.
        max_member_bytes: one member, in bytes.
        max_total_bytes: all wanted members together, in bytes.
        max_ratio: inflated bytes for each compressed byte, of one member and of all
            wanted members together, from `RATIO_MATTERS_FROM_BYTES` up. Deflate
            cannot exceed 1,032; real tables of text stay below 100.
    """

    max_members: int = 20_000
    max_member_bytes: int = 2 * _GIB
    max_total_bytes: int = 32 * _GIB
    max_ratio: float = 200.0


@dataclass
class _Tally:
    """Bytes that really came out of each member so far; reading twice counts once."""

    by_name: dict[str, int] = field(default_factory=dict)
    total: int = 0

    def reached(self, name: str, count: int) -> int:
        """Note that `name` has given `count` bytes; return the archive's total."""
        before = self.by_name.get(name, 0)
        if count > before:
            self.by_name[name] = count
            self.total += count - before
        return self.total


@dataclass(frozen=True)
class ArchiveMember:
    """One file inside an archive, readable until its iterator ends.

    Attributes:
        name: path inside the archive, parts joined by `/`. For recognition and
            messages only; never build a path to write to from it.
        size: length in bytes that the archive declares. A member that turns out
            longer or shorter is refused while it is read.
        modified: local time of the maker's clock, no zone; None when not given.
    """

    name: str
    size: int
    modified: datetime | None
    _zip: zipfile.ZipFile = field(repr=False, compare=False)
    _info: zipfile.ZipInfo = field(repr=False, compare=False)
    _limits: ArchiveLimits = field(repr=False, compare=False)
    _tally: _Tally = field(repr=False, compare=False)
    _archive: Path = field(repr=False, compare=False)

    def open(self) -> io.BufferedReader:
        """Return a reader of the content. Trust what it gave only after its end.

        The checksum and the length can be judged only when all bytes are out: a
        caller that keeps what it read must read to the end first, or use `copy_to`.

        Raises:
            UnsafeArchive: on opening, or from any read.
        """
        return io.BufferedReader(_CheckedReader(self), _CHUNK_BYTES)

    def copy_to(self, fileobj: BinaryIO) -> int:
        """Write the whole content to `fileobj`, or leave it as it was.

        Args:
            fileobj: a seekable file open for binary writing. On any error it is cut
                back to where it stood, so that nothing half-written is left.

        Returns:
            Bytes written.

        Raises:
            UnsafeArchive: the content is longer, shorter or other than declared, or
                exceeds a limit.
            ValueError: `fileobj` cannot be cut back.
            OSError: `fileobj` could not be written.
        """
        if not fileobj.seekable():
            raise ValueError(
                f"Cannot copy {self.name} to a file that does not seek: a refused "
                "member could not be taken back. Copy to a file on disk or io.BytesIO."
            )
        start = fileobj.tell()
        written = 0
        try:
            with self.open() as reader:
                while chunk := reader.read(_CHUNK_BYTES):
                    fileobj.write(chunk)
                    written += len(chunk)
        except BaseException:
            fileobj.seek(start)
            fileobj.truncate()
            raise
        return written


class _CheckedReader(io.RawIOBase):
    """Inflates one member and counts; refuses as soon as a promise is broken."""

    def __init__(self, member: ArchiveMember) -> None:
        super().__init__()
        self._member = member
        self._count = 0
        self._ended = False
        _check_still_open(member)
        # zipfile stops at the declared length, so a member that is really longer
        # would pass for a shorter one when its checksum is forged to match. Declaring
        # one byte more than is allowed makes the rest come out and be counted.
        unbounded = copy.copy(member._info)
        unbounded.file_size = max(member.size, member._limits.max_member_bytes) + 1
        with _damage_refused(member._archive, member.name):
            self._inner = member._zip.open(unbounded)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._ended:
            return 0
        member, limits = self._member, self._member._limits
        _check_still_open(member)
        with _damage_refused(member._archive, member.name):
            data = self._inner.read(len(buffer))
        self._count += len(data)
        if self._count > member.size:
            _refuse(
                member._archive,
                f"{_shown(member.name)} inflates to more than the {member.size:,} "
                "bytes it declares",
                "An archive that misstates its content is damaged or hostile.",
                "Ask the supplier for a fresh archive",
            )
        _check_member_size(member._archive, member.name, self._count, limits)
        _check_ratio(
            member._archive,
            _shown(member.name),
            self._count,
            member._info.compress_size,
            limits,
        )
        total = member._tally.reached(member.name, self._count)
        _check_total(member._archive, total, limits)
        if not data:
            self._ended = True
            if self._count != member.size:
                _refuse(
                    member._archive,
                    f"{_shown(member.name)} holds {self._count:,} bytes but declares "
                    f"{member.size:,}",
                    "Part of the file is missing.",
                    "Download the archive again or ask the supplier for a fresh one",
                )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed and hasattr(self, "_inner"):
            self._inner.close()
        super().close()


def _check_still_open(member: ArchiveMember) -> None:
    if member._zip.fp is None:
        raise ValueError(
            f"{member.name} was read after its archive was closed. Read each member "
            "while stepping through archive_members()."
        )


def archive_members(
    path: Path,
    limits: ArchiveLimits | None = None,
    wanted: Callable[[str], bool] | None = None,
) -> Iterator[ArchiveMember]:
    """Yield the files of a zip, in the archive's order, after checking all of it.

    Nothing is yielded unless the whole list of contents is sound. `wanted` chooses
    what is yielded and what counts towards the sizes; names, links, duplicates,
    overlaps and zips inside the zip are refused whether wanted or not.

    Args:
        path: the zip file.
        limits: what is too large; default `ArchiveLimits()`.
        wanted: called once with each file's name; None takes every file.

    Yields:
        Members, each readable until the iterator ends or is closed.

    Raises:
        UnsafeArchive: the archive must not be read.
        OSError: `path` cannot be opened.
    """
    limits = limits or ArchiveLimits()
    with path.open("rb") as file:
        _check_end_record(path, file, limits)
        with _damage_refused(path, None):
            archive = zipfile.ZipFile(file)
        with archive:
            infos = archive.infolist()
            _check_count(path, len(infos), limits)
            named = _checked_names(path, infos)
            _check_layout(path, file, archive)
            chosen = [
                (name, info)
                for name, info in named
                if not info.is_dir()
                and not _is_litter(name)
                and (wanted is None or wanted(name))
            ]
            _check_declared_sizes(path, chosen, limits)
            tally = _Tally()
            for name, info in chosen:
                yield ArchiveMember(
                    name=name,
                    size=info.file_size,
                    modified=_modified(info),
                    _zip=archive,
                    _info=info,
                    _limits=limits,
                    _tally=tally,
                    _archive=path,
                )


def _check_end_record(path: Path, file: BinaryIO, limits: ArchiveLimits) -> None:
    """Refuse what is no whole zip, and a list of contents too long to hold.

    zipfile reads the list of contents into memory before anything can be counted, so
    its length is taken from the end record first.
    """
    size = file.seek(0, io.SEEK_END)
    if size == 0:
        _refuse(
            path,
            "the file is empty",
            "There is nothing to read.",
            "Download it again or ask the supplier for it",
        )
    tail_start = max(0, size - _END_RECORD.size - 0xFFFF)
    file.seek(tail_start)
    tail = file.read()
    at = len(tail) - _END_RECORD.size
    # The same two steps as zipfile takes, so that both look at the same record.
    if at < 0 or tail[at : at + 4] != b"PK\x05\x06" or tail[-2:] != b"\0\0":
        at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END_RECORD.size > len(tail):
        file.seek(0)
        if file.read(2) == b"PK":
            _refuse(
                path,
                "the zip is cut short: its list of contents, at the end, is missing",
                "The download or copy stopped early.",
                "Download or copy it again",
            )
        _refuse(
            path,
            "the file is not a zip",
            "Its content is something else, whatever its name says.",
            "Look at what was downloaded (often a web page with an error)",
        )
    record = _END_RECORD.unpack_from(tail, at)
    disk, first_disk, entries, listing_bytes = (
        record[1],
        record[2],
        record[4],
        record[5],
    )
    locator_at = tail_start + at - _END_RECORD_64_LOCATOR.size
    record_64_at = locator_at - _END_RECORD_64.size
    if record_64_at >= 0:
        file.seek(record_64_at)
        block = file.read(_END_RECORD_64.size + _END_RECORD_64_LOCATOR.size)
        locator = _END_RECORD_64_LOCATOR.unpack_from(block, _END_RECORD_64.size)
        record_64 = _END_RECORD_64.unpack_from(block)
        if locator[0] == b"PK\x06\x07" and record_64[0] == b"PK\x06\x06":
            disk, first_disk = record_64[4], record_64[5]
            entries, listing_bytes = record_64[7], record_64[8]
    if disk != 0 or first_disk != 0:
        _refuse(
            path,
            "the zip is one part of a set split over several files",
            "A part alone cannot be read.",
            "Join the parts into one zip",
        )
    _check_count(path, entries, limits)
    if listing_bytes > limits.max_members * _LISTING_BYTES_PER_MEMBER:
        _refuse(
            path,
            f"the list of contents alone takes {listing_bytes:,} bytes",
            "It would have to be held in memory whole.",
            "Split the archive, or raise ArchiveLimits.max_members",
        )


def _checked_names(
    path: Path, infos: list[zipfile.ZipInfo]
) -> list[tuple[str, zipfile.ZipInfo]]:
    """Return each entry with its clean name.

    Raises:
        UnsafeArchive: any entry, wanted or not, has a name or type that is refused.
    """
    named: list[tuple[str, zipfile.ZipInfo]] = []
    seen: set[str] = set()
    for info in infos:
        # `filename` stops at the first NUL; `orig_filename` is what is stored.
        stored = info.orig_filename
        fault = _name_fault(stored)
        if fault:
            _refuse(
                path,
                f"{_shown(stored)} {fault}",
                "Such a name serves to write outside the folder it is unpacked to, "
                "or to hide what the file is.",
                "Ask the supplier what made the archive, and repack it with plain "
                "relative names",
            )
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            what = "a link" if kind == stat.S_IFLNK else "a device, pipe or socket"
            _refuse(
                path,
                f"{_shown(stored)} is {what}, not a file",
                "It could point at anything on this machine.",
                "Repack the archive with the file itself in its place",
            )
        if info.flag_bits & _FLAG_ENCRYPTED:
            _refuse_encrypted(path, stored)
        name = "/".join(part for part in stored.split("/") if part not in ("", "."))
        # Two spellings of one accented letter are one name to a person and to macOS.
        identity = unicodedata.normalize("NFC", name)
        if identity in seen:
            _refuse(
                path,
                f"{_shown(name)} is in the archive twice",
                "Which of the two is meant cannot be known.",
                "Repack the archive with one of them",
            )
        seen.add(identity)
        if not info.is_dir() and not _is_litter(name):
            _check_kind(path, name, info)
        named.append((name, info))
    return named


def _check_kind(path: Path, name: str, info: zipfile.ZipInfo) -> None:
    if name.lower().endswith(".zip"):
        _refuse(
            path,
            f"{_shown(name)} is itself a zip",
            "Zips inside zips can inflate without end, so they are not followed.",
            "Unpack the outer archive and land the zips inside it one by one",
        )
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        _refuse(
            path,
            f"{_shown(name)} is compressed by method {info.compress_type}",
            "Only stored and Deflate members can be inflated in bounded steps.",
            "Unpack the archive and zip it again with ordinary (Deflate) compression",
        )


def _name_fault(stored: str) -> str | None:
    """Say what is wrong with a stored name; None when nothing is."""
    if "\0" in stored:
        return "has a NUL in its name"
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in stored):
        return "has a control character in its name"
    if "\\" in stored:
        return "has a backslash in its name"
    if stored.startswith("/"):
        return "is an absolute path"
    if _DRIVE.match(stored):
        return "starts with a drive letter"
    parts = stored.split("/")
    if ".." in parts:
        return "climbs out of its folder with '..'"
    if not any(part not in ("", ".") for part in parts):
        return "has no name"
    return None


def _check_layout(path: Path, file: BinaryIO, archive: zipfile.ZipFile) -> None:
    """Refuse members that share bytes with one another or with the list of contents.

    The declared sizes say nothing here: a bomb of overlapping members is small,
    passes a check of each member's ratio, and inflates the same bytes many times.
    """
    end_of_last = 0
    name_of_last = ""
    for info in sorted(archive.infolist(), key=lambda entry: entry.header_offset):
        if info.header_offset < 0:
            _refuse_damaged(path, info.orig_filename, "it lies before the file's start")
        file.seek(info.header_offset)
        block = file.read(_LOCAL_HEADER.size)
        if len(block) != _LOCAL_HEADER.size or block[:4] != b"PK\x03\x04":
            _refuse_damaged(path, info.orig_filename, "it is not where the list says")
        header = _LOCAL_HEADER.unpack(block)
        if header[2] & _FLAG_ENCRYPTED:
            _refuse_encrypted(path, info.orig_filename)
        if info.header_offset < end_of_last:
            _refuse(
                path,
                f"{_shown(info.orig_filename)} and {_shown(name_of_last)} share the "
                "same bytes",
                "Overlapping members are how a small zip inflates to petabytes.",
                "Do not use this archive; ask the supplier for a fresh one",
            )
        end_of_last = (
            info.header_offset
            + _LOCAL_HEADER.size
            + header[9]
            + header[10]
            + info.compress_size
        )
        name_of_last = info.orig_filename
        if end_of_last > archive.start_dir:
            _refuse(
                path,
                f"{_shown(info.orig_filename)} runs into the list of contents",
                "Its bytes overlap those that describe the archive.",
                "Download it again or ask the supplier for a fresh one",
            )


def _check_declared_sizes(
    path: Path, chosen: list[tuple[str, zipfile.ZipInfo]], limits: ArchiveLimits
) -> None:
    for name, info in chosen:
        _check_member_size(path, name, info.file_size, limits)
        _check_ratio(path, _shown(name), info.file_size, info.compress_size, limits)
    total = sum(info.file_size for _, info in chosen)
    _check_total(path, total, limits)
    compressed = sum(info.compress_size for _, info in chosen)
    _check_ratio(path, "the archive", total, compressed, limits)


def _check_count(path: Path, count: int, limits: ArchiveLimits) -> None:
    if count > limits.max_members:
        _refuse(
            path,
            f"the archive lists {count:,} members; the limit is {limits.max_members:,}",
            "So many would exhaust this machine.",
            "Split the archive, or raise ArchiveLimits.max_members if that is right",
        )


def _check_member_size(path: Path, name: str, size: int, limits: ArchiveLimits) -> None:
    if size > limits.max_member_bytes:
        _refuse(
            path,
            f"{_shown(name)} inflates to {size:,} bytes or more; the limit for one "
            f"file is {limits.max_member_bytes:,}",
            "It could fill the disk.",
            "Split the file, or raise ArchiveLimits.max_member_bytes if that is right",
        )


def _check_total(path: Path, total: int, limits: ArchiveLimits) -> None:
    if total > limits.max_total_bytes:
        _refuse(
            path,
            f"the archive inflates to {total:,} bytes or more; the limit is "
            f"{limits.max_total_bytes:,}",
            "It could fill the disk.",
            "Split the archive, or raise ArchiveLimits.max_total_bytes if that is "
            "right",
        )


def _check_ratio(
    path: Path, what: str, inflated: int, compressed: int, limits: ArchiveLimits
) -> None:
    if inflated < RATIO_MATTERS_FROM_BYTES:
        return
    ratio = inflated / max(compressed, 1)
    if ratio > limits.max_ratio:
        _refuse(
            path,
            f"{what} inflates {ratio:,.0f} times or more; the limit is "
            f"{limits.max_ratio:,.0f}",
            "Real tables do not shrink so far; zip bombs do.",
            "Unpack it by hand somewhere safe and land the files, or raise "
            "ArchiveLimits.max_ratio if that is right",
        )


def _is_litter(name: str) -> bool:
    return any(part in _MACOS_LITTER for part in name.split("/"))


def _modified(info: zipfile.ZipInfo) -> datetime | None:
    try:
        return datetime(*info.date_time)
    except ValueError:
        # Zeroed or impossible dates are common and say nothing.
        return None


@contextmanager
def _damage_refused(path: Path, name: str | None) -> Iterator[None]:
    """Turn every way in which zipfile reports damage into `UnsafeArchive`."""
    try:
        yield
    except OSError as error:
        # A seek to before the start is damage; a failing disk is not the archive's.
        if error.errno != errno.EINVAL:
            raise
        _refuse_damaged(path, name, _plain(error), error)
    except _DAMAGE as error:
        _refuse_damaged(path, name, _plain(error), error)


def _plain(error: BaseException) -> str:
    """Say what zipfile found, without the names and bytes it likes to quote."""
    text = str(error)
    if "CRC" in text:
        return "its checksum does not match"
    if isinstance(error, zlib.error):
        return "its compressed data is broken"
    if isinstance(error, EOFError):
        return "it ends too early"
    if "differ" in text:
        return "its name differs from the one in the list of contents"
    return f"it is not laid out as a zip should be ({type(error).__name__})"


def _refuse_damaged(
    path: Path, name: str | None, fault: str, cause: BaseException | None = None
) -> NoReturn:
    _refuse(
        path,
        f"{'the archive' if name is None else _shown(name)} is damaged: {fault}",
        "Its content cannot be trusted.",
        "Download it again or ask the supplier for a fresh one",
        cause,
    )


def _refuse_encrypted(path: Path, name: str) -> NoReturn:
    _refuse(
        path,
        f"{_shown(name)} is encrypted",
        "Passwords for files have no place in an unattended platform.",
        "Decrypt it where the password is held, and land the plain file",
    )


def _refuse(
    path: Path,
    what: str,
    why: str,
    next_step: str,
    cause: BaseException | None = None,
) -> NoReturn:
    raise UnsafeArchive(f"{path}: {what}. {why} {next_step}.") from cause


def _shown(name: str) -> str:
    """Return a name fit for a terminal: escaped, quoted and not endless."""
    return repr(name if len(name) <= 160 else name[:157] + "...")
