"""Safe reading of zips: every refusal, each with an archive made to provoke it."""

from __future__ import annotations

import copy
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from edp_platform.ingestion.archives import (
    RATIO_MATTERS_FROM_BYTES,
    ArchiveLimits,
    UnsafeArchive,
    archive_members,
)

CSV = b"Crime ID,Month\n" + b"".join(b"%064d,2024-01\n" % n for n in range(200))


def zip_of(
    path: Path,
    files: dict[str, bytes],
    compression: int = zipfile.ZIP_DEFLATED,
    change: Callable[[zipfile.ZipFile], None] | None = None,
) -> Path:
    """Write a zip; `change` may spoil its list of contents before that is written."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        if change:
            change(archive)
    return path


def read_all(path: Path, limits: ArchiveLimits | None = None) -> dict[str, bytes]:
    return {m.name: m.open().read() for m in archive_members(path, limits)}


def refusal(path: Path, limits: ArchiveLimits | None = None) -> str:
    """Return the message with which reading everything is refused."""
    with pytest.raises(UnsafeArchive) as caught:
        read_all(path, limits)
    message = str(caught.value)
    assert str(path) in message
    # What, why and what to do next: three sentences, whatever the refusal.
    assert message.count(". ") >= 2
    return message


def test_members_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"2024-01/a.csv": CSV, "b.csv": b""})
    members = list(archive_members(path))
    assert [(m.name, m.size) for m in members] == [
        ("2024-01/a.csv", len(CSV)),
        ("b.csv", 0),
    ]
    assert members[0].modified is not None
    assert read_all(path) == {"2024-01/a.csv": CSV, "b.csv": b""}


def test_copy_to_gives_content_and_length(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV}, zipfile.ZIP_STORED)
    sink = io.BytesIO()
    for member in archive_members(path):
        assert member.copy_to(sink) == len(CSV)
    assert sink.getvalue() == CSV


def test_reader_gives_lines(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV})
    for member in archive_members(path):
        with member.open() as reader:
            assert reader.readline() == b"Crime ID,Month\n"


def test_only_wanted_members_are_yielded(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV, "b.txt": b"x"})
    names = [m.name for m in archive_members(path, wanted=lambda n: n[-4:] == ".csv")]
    assert names == ["a.csv"]


def test_sizes_of_unwanted_members_do_not_count(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.csv": b"x", "b.csv": bytes(5_000)})
    limits = ArchiveLimits(max_member_bytes=10, max_total_bytes=10)
    assert [m.name for m in archive_members(path, limits, lambda n: n == "a.csv")]
    assert "max_member_bytes" in refusal(path, limits)


def test_folders_and_macos_litter_are_passed_over(tmp_path: Path) -> None:
    path = zip_of(
        tmp_path / "a.zip",
        {
            "2024-01/": b"",
            "2024-01/a.csv": CSV,
            "2024-01/.DS_Store": b"x",
            "__MACOSX/2024-01/._a.csv": b"x",
            "__MACOSX/nested.zip": b"x",
        },
    )
    assert list(read_all(path)) == ["2024-01/a.csv"]


def test_names_are_cleaned_of_empty_and_dot_parts(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"./2024-01//a.csv": CSV})
    assert list(read_all(path)) == ["2024-01/a.csv"]


def test_the_real_zips_are_read(shared_data: Path) -> None:
    zips = sorted((shared_data / "police_uk_zip").glob("*.zip"))
    assert len(zips) == 2
    for path in zips:
        for member in archive_members(path):
            assert member.copy_to(io.BytesIO()) == member.size


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("/etc/passwd", "absolute path"),
        ("//server/share/a.csv", "absolute path"),
        ("C:/a.csv", "drive letter"),
        ("c:a.csv", "drive letter"),
        ("../a.csv", "'..'"),
        ("2024-01/../../a.csv", "'..'"),
        ("2024-01/..", "'..'"),
        ("2024-01\\a.csv", "backslash"),
        ("..\\a.csv", "backslash"),
        ("a.csv\0.exe", "NUL"),
        ("a\x1b[2J.csv", "control character"),
        ("a\n.csv", "control character"),
        ("./", "no name"),
        ("inner.zip", "itself a zip"),
        ("2024-01/INNER.ZIP", "itself a zip"),
    ],
)
def test_a_hostile_name_is_refused_even_if_unwanted(
    tmp_path: Path, name: str, says: str
) -> None:
    # Written under a harmless name of the same length, then changed in the bytes:
    # zipfile itself would not write some of these.
    harmless = "x" * (len(name.encode()) - 1) + ("/" if name.endswith("/") else "y")
    path = zip_of(tmp_path / "a.zip", {"good.csv": CSV, harmless: CSV})
    path.write_bytes(path.read_bytes().replace(harmless.encode(), name.encode()))
    assert says in refusal(path)
    with pytest.raises(UnsafeArchive):
        list(archive_members(path, wanted=lambda n: n == "good.csv"))


def test_a_refused_name_is_shown_escaped(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a\x1b[2J.csv": CSV})
    assert "\x1b" not in refusal(path)


def test_a_nested_zip_says_to_unpack_it(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"inner.zip": CSV})
    assert "Unpack the outer archive" in refusal(path)


@pytest.mark.parametrize(
    ("kind", "says"), [(stat.S_IFLNK, "a link"), (stat.S_IFIFO, "a device, pipe")]
)
def test_links_and_devices_are_refused(tmp_path: Path, kind: int, says: str) -> None:
    path = tmp_path / "a.zip"
    info = zipfile.ZipInfo("a.csv")
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert says in refusal(path)


@pytest.mark.parametrize("bit", [0x1, 0x40, 0x2000])
def test_encrypted_members_are_refused(tmp_path: Path, bit: int) -> None:
    def encrypt(archive: zipfile.ZipFile) -> None:
        archive.filelist[0].flag_bits |= bit

    assert "encrypted" in refusal(
        zip_of(tmp_path / "a.zip", {"a.csv": CSV}, change=encrypt)
    )


def test_a_member_encrypted_by_its_own_header_only_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV})
    content = bytearray(path.read_bytes())
    content[6] |= 1
    path.write_bytes(content)
    assert "encrypted" in refusal(path)


@pytest.mark.parametrize(
    "twin",
    ["a.csv", "./a.csv", "x/é.csv"],
    ids=["same", "same once cleaned", "composed and decomposed accent"],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_names_are_refused(tmp_path: Path, twin: str) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv" if "a.csv" in twin else "x/e\u0301.csv", b"one")
        archive.writestr(twin, b"two")
    assert "twice" in refusal(path)


def test_members_that_share_bytes_are_refused(tmp_path: Path) -> None:
    """The list names the same compressed bytes twice: the overlapping zip bomb."""

    def share(archive: zipfile.ZipFile) -> None:
        twin = copy.copy(archive.filelist[0])
        twin.filename = twin.orig_filename = "b.csv"
        archive.filelist.append(twin)

    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV}, change=share)
    assert "share the same bytes" in refusal(path)


def test_a_member_that_quotes_the_next_header_is_refused(tmp_path: Path) -> None:
    """The first member's bytes run over the second: the quoted-overlap zip bomb."""

    def stretch(archive: zipfile.ZipFile) -> None:
        archive.filelist[0].compress_size += 20

    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV, "b.csv": CSV}, change=stretch)
    assert "share the same bytes" in refusal(path)


def test_a_member_that_runs_into_the_list_is_refused(tmp_path: Path) -> None:
    def stretch(archive: zipfile.ZipFile) -> None:
        archive.filelist[0].compress_size += 20

    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV}, change=stretch)
    assert "runs into the list" in refusal(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_member_longer_than_declared_is_refused(
    tmp_path: Path, compression: int
) -> None:
    """Its checksum is forged to match the declared part, so zipfile would take it."""

    def understate(archive: zipfile.ZipFile) -> None:
        archive.filelist[0].file_size = 100
        archive.filelist[0].CRC = zlib.crc32(CSV[:100])

    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV}, compression, understate)
    with zipfile.ZipFile(path) as trusting:
        assert trusting.read("a.csv") == CSV[:100]
    assert "more than the 100 bytes it declares" in refusal(path)


def test_a_member_shorter_than_declared_is_refused(tmp_path: Path) -> None:
    def overstate(archive: zipfile.ZipFile) -> None:
        archive.filelist[0].file_size += 1

    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV}, change=overstate)
    assert "but declares" in refusal(path)


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    def spoil(archive: zipfile.ZipFile) -> None:
        archive.filelist[0].CRC ^= 1

    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV}, change=spoil)
    assert "checksum" in refusal(path)


def test_broken_compressed_data_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV})
    content = bytearray(path.read_bytes())
    content[35:60] = b"\xff" * 25
    path.write_bytes(content)
    assert "broken" in refusal(path)


def test_a_name_that_differs_in_the_two_places_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV})
    content = bytearray(path.read_bytes())
    content[30:35] = b"b.csv"
    path.write_bytes(content)
    assert "name differs" in refusal(path)


@pytest.mark.parametrize(
    ("compression", "says"),
    [(zipfile.ZIP_BZIP2, "method 12"), (zipfile.ZIP_LZMA, "method 14")],
)
def test_other_compression_is_refused(
    tmp_path: Path, compression: int, says: str
) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV}, compression)
    assert says in refusal(path)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (ArchiveLimits(max_members=1), "max_members"),
        (ArchiveLimits(max_member_bytes=len(CSV) - 1), "max_member_bytes"),
        (ArchiveLimits(max_total_bytes=2 * len(CSV) - 1), "max_total_bytes"),
    ],
)
def test_limits_on_what_is_declared(
    tmp_path: Path, limits: ArchiveLimits, says: str
) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV, "b.csv": CSV})
    assert says in refusal(path, limits)


def test_limits_are_reached_but_not_exceeded(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV, "b.csv": CSV})
    limits = ArchiveLimits(
        max_members=2, max_member_bytes=len(CSV), max_total_bytes=2 * len(CSV)
    )
    assert len(read_all(path, limits)) == 2


def test_reading_a_member_twice_counts_once(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV, "b.csv": CSV})
    limits = ArchiveLimits(max_total_bytes=2 * len(CSV))
    for member in archive_members(path, limits):
        member.open().read()
        assert member.copy_to(io.BytesIO()) == len(CSV)


def test_a_list_of_contents_too_long_to_hold_is_refused(tmp_path: Path) -> None:
    """The count in the end record lies; the length of the list is what is read."""
    path = zip_of(tmp_path / "a.zip", {f"{n:0200d}.csv": b"" for n in range(30)})
    content = bytearray(path.read_bytes())
    content[-14:-10] = struct.pack("<HH", 1, 1)
    path.write_bytes(content)
    assert "list of contents alone" in refusal(path, ArchiveLimits(max_members=5))


@pytest.mark.parametrize("members", [1, 4])
def test_a_bomb_by_ratio_is_refused_before_inflating(
    tmp_path: Path, members: int
) -> None:
    part = bytes(RATIO_MATTERS_FROM_BYTES // members + 1)
    path = zip_of(tmp_path / "a.zip", {f"{n}.csv": part for n in range(members)})
    with pytest.raises(UnsafeArchive, match="max_ratio"):
        next(archive_members(path))


def test_a_small_file_may_shrink_a_lot(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.csv": bytes(1_000_000)})
    assert len(read_all(path)["a.csv"]) == 1_000_000


def empty(content: bytes) -> bytes:
    return b""


def without_end(content: bytes) -> bytes:
    return content[:-30]


def without_second_half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def without_a_middle_piece(content: bytes) -> bytes:
    return content[:50] + content[100:]


def a_web_page(content: bytes) -> bytes:
    return b"<!DOCTYPE html><html><body>Not found</body></html>"


def one_of_several(content: bytes) -> bytes:
    return content[:-18] + struct.pack("<HH", 1, 0) + content[-14:]


def list_is_garbage(content: bytes) -> bytes:
    at = content.index(b"PK\x01\x02")
    return content[:at] + b"XX" + content[at + 2 :]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (empty, "the file is empty"),
        (without_end, "cut short"),
        (without_second_half, "cut short"),
        (without_a_middle_piece, "damaged"),
        (a_web_page, "not a zip"),
        (one_of_several, "split over several files"),
        (list_is_garbage, "damaged"),
    ],
)
def test_what_is_no_whole_zip_is_refused(
    tmp_path: Path, spoil: Callable[[bytes], bytes], says: str
) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV, "b.csv": CSV})
    path.write_bytes(spoil(path.read_bytes()))
    assert says in refusal(path)


def test_a_zip64_archive_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As written for more than 65,535 members, made here with one."""
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 0)
    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV})
    assert b"PK\x06\x07" in path.read_bytes()
    assert read_all(path) == {"a.csv": CSV}
    assert "lists 1 members" in refusal(path, ArchiveLimits(max_members=0))


def test_an_archive_with_a_comment_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", CSV)
        archive.comment = b"released 2024-06"
    assert read_all(path) == {"a.csv": CSV}


def test_nothing_half_written_is_left_by_copy_to(tmp_path: Path) -> None:
    def spoil(archive: zipfile.ZipFile) -> None:
        archive.filelist[0].CRC ^= 1

    # Larger than one piece, so that something has been written when it fails.
    large = CSV * 100
    path = zip_of(tmp_path / "a.zip", {"a.csv": large}, zipfile.ZIP_STORED, spoil)
    target = tmp_path / "a.csv"
    with target.open("w+b") as file:
        file.write(b"before")
        for member in archive_members(path):
            with pytest.raises(UnsafeArchive):
                member.copy_to(file)
    assert target.read_bytes() == b"before"


def test_copy_to_refuses_what_cannot_be_cut_back(tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV})
    for member in archive_members(path):
        with pytest.raises(ValueError, match="does not seek"):
            member.copy_to(Pipe())


def test_a_member_read_too_late_says_so(tmp_path: Path) -> None:
    members = list(archive_members(zip_of(tmp_path / "a.zip", {"a.csv": CSV})))
    with pytest.raises(ValueError, match="after its archive was closed"):
        members[0].open().read()


def test_an_impossible_date_is_none(tmp_path: Path) -> None:
    def undate(archive: zipfile.ZipFile) -> None:
        archive.filelist[0].date_time = (1980, 0, 0, 0, 0, 0)

    path = zip_of(tmp_path / "a.zip", {"a.csv": CSV}, change=undate)
    assert next(archive_members(path)).modified is None


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        next(archive_members(tmp_path / "none.zip"))
