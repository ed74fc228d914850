"""Pseudonyms: keyed, apart by tenant and kind, under one key or two; a key file open to others is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds_service.errors import SettingsError
from cds_service.storage.pseudonyms import Key, Pseudonyms, find_pseudonyms, read_pseudonyms

SECRET, OTHER = "0123456789abcdef" * 4, "fedcba9876543210" * 4


def key_file(folder: Path, text: str, mode: int = 0o400) -> Path:
    """A key file."""
    path = folder / "keys"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def test_the_same_person_has_the_same_pseudonym_and_nobody_else_has() -> None:
    people = Pseudonyms((Key("a", b"x" * 32),))
    (one,) = people.patient("t", "one")
    assert people.patient("t", "one") == (one,)
    others = [
        people.patient("t", "two"),
        people.patient("u", "one"),
        people.patient("to", "ne"),
        people.clinician("t", "one"),
        Pseudonyms((Key("a", b"y" * 32),)).patient("t", "one"),
    ]
    assert one.value not in {found.value for (found,) in others}
    assert len(one.value) == 64


def test_two_keys_give_two_pseudonyms_the_newest_first(tmp_path: Path) -> None:
    people = read_pseudonyms(key_file(tmp_path, f"# rotated\nnew {SECRET}\n\nold {OTHER}\n"))
    assert people.key_ids == ("new", "old")
    assert [found.key_id for found in people.patient("t", "one")] == ["new", "old"]


@pytest.mark.parametrize("mode", [0o404, 0o440 | 0o020, 0o644, 0o666])
def test_a_key_file_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SettingsError, match="chmod 400"):
        read_pseudonyms(key_file(tmp_path, f"a {SECRET}\n", mode))


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440])
def test_a_key_file_for_the_service_alone_is_read(tmp_path: Path, mode: int) -> None:
    assert read_pseudonyms(key_file(tmp_path, f"a {SECRET}\n", mode)).key_ids == ("a",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds 0 keys"),
        (f"a {SECRET}\nb {SECRET}\nc {SECRET}\n", "holds 3 keys"),
        (f"a {SECRET}\na {OTHER}\n", "different ids"),
        ("a tooshort\n", r"keys:1: is no key"),
        (f"# one\n{SECRET}\n", r"keys:2: is no key"),
    ],
)
def test_a_file_that_is_no_key_file_is_refused_without_telling_what_is_in_it(
    tmp_path: Path, text: str, problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem) as refused:
        read_pseudonyms(key_file(tmp_path, text))
    assert SECRET not in str(refused.value)
    assert "tooshort" not in str(refused.value)


def test_a_missing_key_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_pseudonyms(tmp_path / "nothing")


def test_the_sandbox_keeps_a_key_of_its_own(tmp_path: Path) -> None:
    made = find_pseudonyms(None, tmp_path / "data", create=True)
    again = find_pseudonyms(None, tmp_path / "data", create=False)
    assert made.patient("t", "one") == again.patient("t", "one")
    assert (tmp_path / "data" / "pseudonym.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["pseudonym.key"]


def test_a_sandbox_that_cannot_write_gets_a_key_for_this_process(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert find_pseudonyms(None, tmp_path / "file", create=True).key_ids == ("ephemeral",)


def test_outside_the_sandbox_a_key_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="IONWISE_PSEUDONYM_KEY_FILE: missing"):
        find_pseudonyms(None, tmp_path, create=False)


def test_a_secret_is_not_printed() -> None:
    assert "xxx" not in repr(Key("a", b"x" * 32))
