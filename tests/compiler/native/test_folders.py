"""Where machine code is kept, what of it is trusted, and that nothing of it is ever an error."""

import errno
import os
import sys
import time

import pytest

pytest.importorskip("llvmlite")

from anygrad import config
from anygrad.compiler.targets.native import folders, storage
from anygrad.compiler.targets.native.folders import find_folder
from anygrad.compiler.targets.native.storage import clear, code_for
from tests.compiler.native.keeping import (
    counts,
    only_file,
    point_to,
    posix,
    refused_and_replaced,
    run,
    text_of,
)

pytestmark = pytest.mark.usefixtures("kernels")


# where the folder is


@posix
def test_the_folder_is_where_the_platform_keeps_caches(tmp_path, monkeypatch):
    point_to(monkeypatch, "")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr(sys, "platform", "linux")
    assert find_folder() == (str(home / ".cache/anygrad/kernels"), "")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert find_folder() == (str(home / ".cache/anygrad/kernels"), "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert find_folder() == (str(tmp_path / "xdg/anygrad/kernels"), "")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert find_folder() == (str(home / "Library/Caches/anygrad/kernels"), "")
    monkeypatch.setattr(sys, "platform", "win32")
    assert find_folder() == (str(home / "anygrad/kernels"), "")
    assert code_for(text_of(1))
    assert len(list((home / "anygrad/kernels").iterdir())) == 1
    monkeypatch.delenv("LOCALAPPDATA")
    assert find_folder() == ("", "the system names no folder")


def test_the_setting_turns_it_off(tmp_path, monkeypatch):
    point_to(monkeypatch, "off")
    assert run(code_for(text_of(1))) == 1
    assert code_for(text_of(1), wait=False) is None
    assert counts() == {"made": 1}
    assert list(tmp_path.iterdir()) == []
    assert find_folder() == ("", "the setting kernel_cache is off")
    assert clear() == 0


@pytest.mark.parametrize("path", ["kernels", "./kernels", "~nobody-of-that-name/kernels", "a\0b"])
def test_a_path_that_is_not_absolute_is_not_used(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    point_to(monkeypatch, path)
    assert run(code_for(text_of(1))) == 1
    assert counts() == {"made": 1}
    assert list(tmp_path.iterdir()) == []
    assert find_folder()[1]


def test_a_settings_file_turns_it_off_but_names_no_folder(tmp_path, kernels, monkeypatch):
    code_for(text_of(1))
    monkeypatch.setattr(folders, "settings", config.settings)
    monkeypatch.setattr(folders, "origins", config.origins)
    monkeypatch.delenv("ANYGRAD_KERNEL_CACHE", raising=False)
    monkeypatch.chdir(tmp_path)
    for asked, outside, why in (
        (kernels, "", "the setting kernel_cache names a folder only from outside settings files"),
        ("off", "", "the setting kernel_cache is off"),
        (kernels, str(kernels), ""),
        ("off", str(kernels), ""),
    ):
        (tmp_path / "anygrad.toml").write_text(f"kernel_cache = '{asked}'")
        monkeypatch.setenv("ANYGRAD_KERNEL_CACHE", outside)
        config.reload_settings()
        assert find_folder() == ("" if why else str(kernels), why)
        assert (code_for(text_of(1), wait=False) is None) == bool(why)
    assert counts() == {"made": 1, "loaded": 2}


@posix
def test_root_makes_no_folder_in_the_home_of_a_user(tmp_path, monkeypatch):
    point_to(monkeypatch, "")
    (tmp_path / "home").mkdir()
    real = os.stat
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "stat", lambda *a, **k: owned_by(1234, real(*a, **k)))
    code_for(text_of(1))
    assert list((tmp_path / "home").iterdir()) == []
    assert find_folder()[1] == "root would make it in the folder of another user"


@posix
def test_folder_and_file_are_the_users_alone(kernels):
    old = os.umask(0)
    try:
        code_for(text_of(1))
    finally:
        os.umask(old)
    assert kernels.stat().st_mode & 0o777 == 0o700
    assert kernels.parent.stat().st_mode & 0o777 == 0o777
    assert only_file(kernels).stat().st_mode & 0o777 == 0o600


# what is not trusted


def owned_by(uid, found):
    return os.stat_result([uid if k == 4 else x for k, x in enumerate(found)])


@posix
def test_the_folder_of_another_user_is_refused(kernels, monkeypatch):
    code_for(text_of(1))
    name = only_file(kernels)
    before = name.stat()
    monkeypatch.setattr(os, "geteuid", lambda: before.st_uid + 1)
    assert run(code_for(text_of(1))) == 1
    code_for(text_of(2))
    assert counts() == {"made": 3, "refused": 2}
    assert only_file(kernels).stat() == before
    assert find_folder() == (str(kernels), "the folder belongs to another user")
    assert clear() == 0


@posix
@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o1777])
def test_a_folder_that_others_may_write_is_refused(kernels, mode):
    code_for(text_of(1))
    kernels.chmod(mode)
    code_for(text_of(1))
    code_for(text_of(2))
    assert counts() == {"made": 3, "refused": 2}
    assert only_file(kernels)
    assert find_folder()[1] == "the folder can be written by others"
    kernels.chmod(0o755)  # all may read it
    code_for(text_of(1))
    assert counts() == {"made": 3, "refused": 2, "loaded": 1}


@posix
def test_a_link_to_a_folder_counts_as_that_folder(tmp_path, kernels, monkeypatch):
    real = tmp_path / "real"
    real.mkdir(mode=0o700)
    kernels.parent.mkdir()
    kernels.symlink_to(real)
    code_for(text_of(1))
    code_for(text_of(1))
    assert counts() == {"made": 1, "loaded": 1}
    fstat = os.fstat
    monkeypatch.setattr(os, "fstat", lambda fd: owned_by(1234, fstat(fd)))
    monkeypatch.setattr(os, "geteuid", lambda: real.lstat().st_uid + 4321)
    code_for(text_of(2))
    assert counts() == {"made": 2, "loaded": 1, "refused": 1}
    assert only_file(real)


@posix
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_not_run(kernels, mode):
    code_for(text_of(1))
    only_file(kernels).chmod(mode)
    refused_and_replaced(kernels)


@posix
def test_a_file_of_another_user_is_not_run(kernels, monkeypatch):
    code_for(text_of(1))
    number, fstat = only_file(kernels).stat().st_ino, os.fstat

    def planted(fd):
        found = fstat(fd)
        return owned_by(found.st_uid + 1, found) if found.st_ino == number else found

    monkeypatch.setattr(os, "fstat", planted)
    refused_and_replaced(kernels)


@posix
@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_in_place_of_a_file_is_neither_read_nor_written(tmp_path, kernels, dangling):
    code_for(text_of(1))
    path, elsewhere = only_file(kernels), tmp_path / "elsewhere"
    path.replace(elsewhere)
    content = elsewhere.read_bytes()
    if dangling:
        elsewhere.unlink()
    path.symlink_to(elsewhere)
    refused_and_replaced(kernels)
    assert elsewhere.exists() != dangling
    assert dangling or elsewhere.read_bytes() == content


@posix
def test_a_pipe_in_place_of_a_file_is_not_waited_for(kernels):
    code_for(text_of(1))
    path = only_file(kernels)
    path.unlink()
    os.mkfifo(path, 0o600)
    refused_and_replaced(kernels)


def test_a_folder_in_place_of_a_file_is_no_error(kernels):
    code_for(text_of(1))
    path = only_file(kernels)
    path.unlink()
    path.mkdir()
    assert run(code_for(text_of(1))) == 1
    assert counts()["made"] == 2
    assert only_file(kernels).is_dir()
    assert clear() == 0


# what goes wrong


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    point_to(monkeypatch, tmp_path / "file" / "kernels")
    assert run(code_for(text_of(1))) == 1
    assert counts() == {"made": 1}
    assert "Not a directory" in find_folder()[1] or "cannot be made" in find_folder()[1]


def test_a_folder_that_may_not_be_made_is_no_error(kernels, monkeypatch):
    def forbidden(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "mkdir", forbidden)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert run(code_for(text_of(1))) == 1
    assert counts() == {"made": 1}
    assert find_folder() == (str(kernels), "it cannot be made")


@pytest.mark.parametrize("where", ["replace", "fdopen"])
def test_a_full_disk_is_no_error_and_leaves_nothing(kernels, monkeypatch, where):
    real = getattr(os, where)

    def full(first, *rest, **options):
        if where == "fdopen" and rest[0] == "wb":
            os.close(first)
        elif where == "fdopen":
            return real(first, *rest)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, where, full)
    assert run(code_for(text_of(1))) == 1
    assert counts() == {"made": 1}
    assert list(kernels.iterdir()) == []


def test_a_folder_that_vanishes_is_made_again(kernels):
    code_for(text_of(1))
    only_file(kernels).unlink()
    kernels.rmdir()
    kernels.parent.rmdir()
    assert run(code_for(text_of(1))) == 1
    assert only_file(kernels)


def test_a_folder_that_vanishes_in_the_middle_is_no_error(kernels, monkeypatch):
    opened = storage.Folder.__init__

    def vanish(folder, path):
        opened(folder, path)
        os.rmdir(path)

    kernels.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(storage.Folder, "__init__", vanish)
    assert run(code_for(text_of(1))) == 1
    assert counts() == {"made": 1}


@posix
def test_no_descriptor_stays_open(kernels):
    def held():
        return len(os.listdir("/dev/fd"))

    code_for(text_of(1))
    before = held()
    code_for(text_of(1))
    code_for(text_of(2))
    path = next(kernels.iterdir())
    path.write_bytes(b"damaged")
    code_for(text_of(1))
    code_for(text_of(2))
    kernels.chmod(0o777)
    code_for(text_of(1))
    find_folder()
    clear()
    assert held() == before


def test_a_system_that_opens_no_folders_uses_paths(kernels, monkeypatch):
    # as Windows, whose modes say nothing either
    monkeypatch.setattr(os, "supports_dir_fd", set())
    monkeypatch.setattr(os, "supports_fd", set())
    monkeypatch.setattr(folders, "_OWNED", False)
    monkeypatch.setattr(storage, "CHECKED", 1)
    code_for(text_of(1))
    kernels.chmod(0o777)
    path = only_file(kernels)
    os.utime(path, (1e9, 1e9))
    assert run(code_for(text_of(1))) == 1
    assert path.stat().st_mtime > 1e9 + 1
    assert counts() == {"made": 1, "loaded": 1}
    path.write_bytes(path.read_bytes()[:-1])
    assert run(code_for(text_of(1))) == 1
    assert counts() == {"made": 2, "loaded": 1, "refused": 1}
    assert find_folder() == (str(kernels), "")
    assert clear() == 1


# how much is kept


def fill(kernels, count, size=10):
    """Old files, the oldest with the lowest number."""
    kernels.mkdir(parents=True, mode=0o700, exist_ok=True)
    for k in range(count):
        path = kernels / f"{k:064x}.o"
        path.write_bytes(b"x" * size)
        os.utime(path, (1e9 + k, 1e9 + k))


@pytest.mark.parametrize("bound", ["MOST_FILES", "MOST_BYTES"])
def test_above_its_bound_what_was_not_used_for_longest_goes(kernels, monkeypatch, bound):
    monkeypatch.setattr(storage, "CHECKED", 1)
    fill(kernels, 7, 40_960)
    code_for(text_of(1))
    (kernels / "mine").write_bytes(b"x" * 1_000_000)
    found = list(kernels.glob("*.o"))
    limit = len(found) if bound == "MOST_FILES" else sum(x.stat().st_size for x in found)
    monkeypatch.setattr(folders, bound, limit)
    code_for(text_of(1))
    assert len(list(kernels.glob("*.o"))) == 8
    code_for(text_of(2))
    kept = [x.name for x in kernels.iterdir() if x.name.startswith("0" * 60)]
    # 6 of 8 files, the two just made among them; 5 of 40 kB are below 3/4 of 7 of them
    lowest = 3 if bound == "MOST_FILES" else 2
    assert sorted(kept) == [f"{k:064x}.o" for k in range(lowest, 7)]
    assert (kernels / "mine").exists()
    assert code_for(text_of(1), wait=False)
    assert code_for(text_of(2), wait=False)


def test_the_folder_is_looked_through_once_in_a_while(kernels, monkeypatch):
    monkeypatch.setattr(storage, "CHECKED", 4)
    looked = []
    monkeypatch.setattr(storage.Folder, "trim", lambda folder: looked.append(1))
    for n in range(64):
        storage._write(f"{n:064x}", b"")
    assert len(looked) == 16
    assert len(list(kernels.iterdir())) == 64


def test_a_hit_counts_as_a_use_once_a_day(kernels):
    code_for(text_of(1))
    path, now = only_file(kernels), time.time()
    for age, touched in ((3600, False), (2 * 86400, True)):
        os.utime(path, (now - age, now - age))
        code_for(text_of(1))
        assert (path.stat().st_mtime > now - 60) == touched
    assert counts() == {"made": 1, "loaded": 2}


def test_half_written_files_of_dead_processes_go(kernels, monkeypatch):
    monkeypatch.setattr(storage, "CHECKED", 1)
    kernels.mkdir(parents=True, mode=0o700)
    old, new = (kernels / f"{'0' * 64}.{k:016x}.tmp" for k in (1, 2))
    now = time.time()
    for path, age in ((old, 4000), (new, 3000)):
        path.write_bytes(b"")
        os.utime(path, (now - age, now - age))
    code_for(text_of(1))
    assert (old.exists(), new.exists()) == (False, True)
