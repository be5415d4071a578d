"""Saved and loaded is the same to the bit, and what does not fit is named."""

import json
import sys

import numpy as np
import pytest

from anygrad import trees
from anygrad.backends import backend_of, device_of
from anygrad.errors import ArgumentError, BackendError, DTypeError, ShapeError
from anygrad.optimizers import adam, chain, clip_by_global_norm, rmsprop, sgd
from anygrad.optimizers.saving.files import load, read_metadata, save
from anygrad.optimizers.saving.restoring import restore
from tests.support import assert_close, reason_missing, to_host

OPTIMIZERS = {
    "adam": lambda: adam(0.1),
    "sgd": lambda: sgd(0.1, momentum=0.9, dampening=0.5),
    "rmsprop": lambda: rmsprop(0.1, centered=True, momentum=0.5),
    "chain": lambda: chain(clip_by_global_norm(0.5), adam(0.1)),
}


LIKE = {"w": np.ones(3)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


def make_params(xp, dtype):
    return {
        "layer": {"w": xp.asarray([[1.0, -2.0], [0.5, 3.0]], dtype=dtype), "b": None},
        "list": [xp.asarray(0.5, dtype=dtype), xp.zeros((0, 2), dtype=dtype)],
        "a/b": xp.asarray([0.25], dtype=dtype),
    }


def train(optimizer, params, state, steps, first=0):
    for step in range(first, first + steps):
        grads = trees.map(lambda p: 0.3 * p - 0.1 * (step + 1), params)  # noqa: B023
        params, state = optimizer.step(params, grads, state)
    return params, state


def bits(tree):
    """Path, dtype and bytes of every leaf."""
    hosts = [np.asarray(to_host(leaf)) for leaf in trees.leaves(tree)]
    return {
        str(path): (host.dtype.name, host.shape, host.tobytes())
        for path, host in zip(trees.paths(tree), hosts, strict=True)
    }


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_saved_and_resumed_equals_uninterrupted(xp, path, name, dtype):
    optimizer = OPTIMIZERS[name]()
    start = make_params(xp, getattr(xp, dtype))
    straight = train(optimizer, *train(optimizer, start, optimizer.init(start), 3), 3, first=3)

    params, state = train(optimizer, start, optimizer.init(start), 3)
    save(path, {"params": params, "state": state})
    loaded = load(path, like={"params": start, "state": optimizer.init(start)})
    resumed = train(optimizer, loaded["params"], loaded["state"], 3, first=3)
    if "cupy" in xp.name:
        # steps become kernels after a few: these round sums, and products of complex numbers, in
        # another way than CuPy by itself
        assert_close(resumed, straight)
    else:
        assert bits(resumed) == bits(straight)


def test_loaded_leaves_are_of_the_library_and_device_of_like(xp, path):
    optimizer = adam(0.1)
    params = make_params(xp, xp.float64)
    save(path, optimizer.init(params))
    like = optimizer.init(params)
    loaded = load(path, like=like)
    assert trees.flatten(loaded)[1] == trees.flatten(like)[1]
    for leaf, wanted in zip(trees.leaves(loaded), trees.leaves(like), strict=True):
        assert backend_of(leaf) is backend_of(wanted)
        assert device_of(leaf) == device_of(wanted)
        assert leaf.dtype == wanted.dtype


def test_what_one_library_saved_another_loads(xp, path):
    optimizer = adam(0.1)
    start = {"w": np.asarray([1.0, -2.0])}
    _, state = train(optimizer, start, optimizer.init(start), 2)
    save(path, state)
    loaded = load(path, like=optimizer.init({"w": xp.asarray([0.0, 0.0])}))
    assert bits(loaded) == bits(state)


def test_loaded_numpy_arrays_may_be_written_and_belong_to_nobody_else(path):
    like = {"w": np.zeros(3), "c": np.zeros(2, dtype=complex), "n": np.asarray(1.0)}
    save(path, like)
    for leaf in trees.leaves(load(path, like=like)):
        assert leaf.flags.writeable
        assert leaf.flags.aligned


SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1.5]


@pytest.mark.parametrize(
    "array",
    [
        np.asarray(SPECIAL),
        -np.asarray(SPECIAL),
        np.asarray([*SPECIAL[:5], 1.5], dtype=np.float16),
        -np.asarray(SPECIAL, dtype=np.float32),
        np.asarray([complex(re, im) for re, im in zip(SPECIAL, SPECIAL[::-1], strict=True)]),
        np.asarray([complex(-0.0, np.nan), complex(np.inf, -0.0)], dtype=np.complex64),
        np.asarray(1 - 2j),
        np.zeros((3, 0, 2), dtype=complex),
        np.zeros((0,), dtype=np.float32),
        np.asarray(True),
        np.asarray([-(2**63), 2**63 - 1]),
        np.asarray([2**64 - 1], dtype=np.uint64),
        np.arange(6, dtype=np.int8).reshape(2, 3),
        np.arange(12.0).reshape(3, 4).T,
        np.arange(12.0)[::-3],
        (np.arange(6.0) + 1j)[::-2],
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
def test_every_kind_of_array_comes_back_to_the_bit(path, array):
    array = np.asarray(array)
    save(path, {"x": array})
    assert bits(load(path, like={"x": np.zeros_like(array)})) == bits({"x": array})


def test_arrays_of_the_other_byte_order_come_back_with_their_values(path):
    array = np.asarray([1.0, -2.5], dtype=">f8")
    save(path, {"x": array, "c": (array * 1j).astype(">c16")})
    loaded = load(path, like={"x": np.zeros(2), "c": np.zeros(2, dtype=complex)})
    assert loaded["x"].tolist() == [1.0, -2.5]
    assert loaded["c"].tolist() == [1j, -2.5j]


def test_numbers_come_back_as_numbers(path):
    tree = {"f": 0.1, "i": 3, "b": True, "c": 1 - 2j, "s": np.float64(0.5)}
    save(path, tree)
    loaded = load(path, like={"f": 0.0, "i": 0, "b": False, "c": 0j, "s": np.float64(0.0)})
    assert loaded == tree
    assert [type(loaded[k]) for k in "fibc"] == [float, int, bool, complex]


def test_a_bare_array_is_a_tree(path):
    save(path, np.asarray([1.0, 2.0]))
    assert load(path, like=np.zeros(2)).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_bfloat16_comes_back_to_the_bit(path, library):
    pytest.importorskip(library, reason=f"bfloat16 arrays of {library}")
    from tests.support import open_namespace

    xp = open_namespace(library)
    tree = {
        "w": xp.asarray([1.0, -0.0, 3.14159, float("nan"), 1e-40], dtype=xp.bfloat16),
        "n": xp.asarray(2.5, dtype=xp.bfloat16),
        "e": xp.zeros((0, 3), dtype=xp.bfloat16),
        "t": xp.asarray([[1.0, 2.0], [3.0, 4.0]], dtype=xp.bfloat16).T,
    }
    save(path, tree)
    like = {name: xp.zeros(leaf.shape, dtype=xp.bfloat16) for name, leaf in tree.items()}
    loaded = load(path, like=like)
    for name, leaf in tree.items():
        assert loaded[name].dtype == xp.bfloat16
        assert loaded[name].shape == leaf.shape
        same = np.asarray(to_host(loaded[name].view(xp.uint16)))
        assert same.tolist() == np.asarray(to_host(leaf.view(xp.uint16))).tolist()


def test_a_tensor_that_requires_grad_is_saved_by_its_value(path):
    torch = pytest.importorskip("torch", reason="tensors that require grad")
    tree = {
        "w": torch.ones(2, dtype=torch.float64, requires_grad=True),
        "h": torch.ones(2, dtype=torch.bfloat16, requires_grad=True),
    }
    save(path, tree)
    assert load(path, like=tree)["w"].tolist() == [1.0, 1.0]
    assert not load(path, like=tree)["h"].requires_grad


def test_metadata_comes_back_beside_the_tree(path):
    save(path, {"w": np.ones(2)}, metadata={"epoch": "3", "note": "größer"})
    assert read_metadata(path) == {"epoch": "3", "note": "größer"}
    save(path, {"w": np.ones(2)})
    assert read_metadata(path) == {}


def test_names_in_the_file_are_paths_and_complex_ones_are_pairs(path):
    safetensors = pytest.importorskip("safetensors.numpy", reason="reads the file by itself")
    optimizer = chain(clip_by_global_norm(1.0), adam(0.1))
    save(path, optimizer.init({"layer": {"w": np.ones((2, 3), dtype=complex)}}))
    found = safetensors.load_file(path)
    assert sorted(found) == [
        *("adam/learning_rate", "adam/m/layer/w", "adam/step", "adam/v/layer/w"),
        "clip_by_global_norm/finite/layer/w",
        *("clip_by_global_norm/norm", "clip_by_global_norm/scale"),
    ]
    assert found["adam/m/layer/w"].shape == (2, 3, 2)


def test_a_failure_while_writing_leaves_the_old_file(path, monkeypatch):
    save(path, {"w": np.ones(2)})
    before = path.read_bytes()

    def fail(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        save(path, {"w": np.zeros(2)})
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_nothing_is_written_of_a_tree_with_a_leaf_that_files_cannot_hold(path):
    with pytest.raises(DTypeError, match=r"save\(state\): got .* at state\['a'\]\['note'\]"):
        save(path, {"a": {"note": "text"}})
    with pytest.raises(DTypeError, match=r"at state\['x'\]; expected .* at most 64 bits"):
        save(path, {"x": np.zeros(2, dtype="datetime64[s]")})
    assert not path.exists()


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize <= 8, reason="no longer floats here")
def test_longer_floats_are_refused(path):
    with pytest.raises(DTypeError, match="64 bits"):
        save(path, {"x": np.zeros(2, dtype=np.longdouble)})


def test_a_missing_and_a_left_over_leaf_are_named(path):
    save(path, {"m": {"w": np.ones(2), "old": np.ones(2)}})
    words = r"without 'm/b' and with 'm/old', left over; .*'m/b', 'm/w'.*restore\(path, like\)"
    with pytest.raises(ArgumentError, match=words):
        load(path, like={"m": {"w": np.ones(2), "b": np.ones(2)}})
    with pytest.raises(ArgumentError, match=r"with 'm/old', left over"):
        load(path, like={"m": {"w": np.ones(2)}})


def test_many_names_are_cut_short(path):
    save(path, {"w": np.ones(1)})
    with pytest.raises(ArgumentError, match=r"\.\.\. \(30 in all\)") as caught:
        load(path, like=[np.ones(1)] * 30)
    assert len(str(caught.value)) < 600


def test_another_shape_or_dtype_is_named(path):
    save(path, {"m": {"w": np.ones((2, 3), dtype=np.float32)}})
    words = (
        r"got float32 of shape \(2, 3\) for 'm/w' .*expected float32 of shape \(3, 2\), as at like"
    )
    with pytest.raises(ShapeError, match=words):
        load(path, like={"m": {"w": np.ones((3, 2), dtype=np.float32)}})
    words = r"expected float64 of shape \(2, 3\), as at like\['m'\]\['w'\]\. restore"
    with pytest.raises(DTypeError, match=words):
        load(path, like={"m": {"w": np.ones((2, 3))}})


@pytest.mark.parametrize(
    "damage",
    [lambda b: b"", lambda b: b[:20], lambda b: b[:-3], lambda b: b"text" * 50, lambda b: b + b"x"],
    ids=["empty", "header cut", "data cut", "text", "longer"],
)
@pytest.mark.parametrize("read", [lambda p: load(p, like={"w": np.ones(9)}), read_metadata])
def test_a_damaged_file_is_named(path, damage, read):
    save(path, {"w": np.ones(9)})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ArgumentError, match=r"run\.safetensors', which is no whole safetensors"):
        read(path)


def test_a_file_of_others_or_of_a_newer_layout_is_refused(path):
    package = pytest.importorskip("safetensors.numpy", reason="writes a file by itself")
    package.save_file({"w": np.ones(2)}, path)
    with pytest.raises(ArgumentError, match=r"has no header of anygrad's; .*restore"):
        load(path, like={"w": np.ones(2)})
    header = json.dumps({"format": 99, "dtypes": {}})
    package.save_file({"w": np.ones(2)}, path, metadata={"anygrad": header})
    with pytest.raises(ArgumentError, match=r"has the layout 99; .*Update anygrad"):
        load(path, like={"w": np.ones(2)})


@pytest.mark.parametrize(
    "header",
    [
        *("[]", "3", "null", "", "{}", '{"format":1', "[" * 100_000),
        *('{"format":true,"dtypes":{}}', '{"format":"1","dtypes":{}}', '{"dtypes":{}}'),
        *('{"format":1}', '{"format":1,"dtypes":[]}', '{"format":1,"dtypes":{"w":3}}'),
        *('{"format":1,"dtypes":{"w":["a"]}}', '{"format":1,"dtypes":{"w":"Iomplex64"}}'),
    ],
)
@pytest.mark.parametrize(
    "read", [lambda p: load(p, LIKE), read_metadata, lambda p: restore(p, LIKE)]
)
def test_a_damaged_header_is_named(path, header, read):
    package = pytest.importorskip("safetensors.numpy", reason="writes a file by itself")
    package.save_file(LIKE, path, metadata={"anygrad": header})
    with pytest.raises(ArgumentError, match=r"run\.safetensors', which has a damaged header"):
        read(path)


@pytest.mark.parametrize(
    ("dtypes", "words"),
    [
        ({"w": "bfloat16"}, r"has float64 of shape \(3,\) for 'w'; expected uint16, .* bfloat16"),
        ({"w": "complex64"}, r"for 'w'; expected float32, .* complex64"),
        ({"w": "complex128"}, r"shape \(3,\) for 'w'; expected float64, .* complex128"),
        ({"v": "bfloat16"}, r"has nothing for 'v'"),
    ],
)
@pytest.mark.parametrize("read", [load, restore])
def test_a_header_that_does_not_fit_the_arrays_is_named(path, dtypes, words, read):
    package = pytest.importorskip("safetensors.numpy", reason="writes a file by itself")
    header = json.dumps({"format": 1, "dtypes": dtypes})
    package.save_file(LIKE, path, metadata={"anygrad": header})
    with pytest.raises(ArgumentError, match=words):
        read(path, LIKE)


def test_an_array_that_numpy_cannot_hold_is_refused(path):
    torch = pytest.importorskip("torch", reason="has bfloat16")
    package = pytest.importorskip("safetensors.torch", reason="writes a file by itself")
    header = json.dumps({"format": 1, "dtypes": {}})
    for dtype in (torch.bfloat16, torch.float8_e4m3fn):
        package.save_file({"w": torch.ones(3, dtype=dtype)}, path, metadata={"anygrad": header})
        with pytest.raises(
            ArgumentError, match=r"run\.safetensors', which (is no whole|has bfloat)"
        ):
            load(path, LIKE)


def test_a_missing_file_or_folder_is_named(path):
    with pytest.raises(FileNotFoundError, match=r"no such file.*run\.safetensors"):
        load(path, like={})
    with pytest.raises(FileNotFoundError, match=r"no such file"):
        load(path.parent, like={})
    with pytest.raises(FileNotFoundError, match=r"no such folder.*missing"):
        save(path.parent / "missing" / "run.safetensors", {"w": np.ones(1)})


@pytest.mark.parametrize("metadata", [{"epoch": 3}, {3: "x"}, ["x"], "x"])
def test_metadata_is_text(path, metadata):
    with pytest.raises(ArgumentError, match=r"save\(metadata\): got .*expected a mapping of text"):
        save(path, {}, metadata=metadata)


def test_reserved_names_are_refused(path):
    with pytest.raises(ArgumentError, match=r"save\(metadata\): got the key 'anygrad'"):
        save(path, {}, metadata={"anygrad": "x"})
    with pytest.raises(ArgumentError, match=r"save\(state\): got the key '__metadata__'"):
        save(path, {"__metadata__": np.ones(1)})


def test_without_the_package_the_install_line_is_told(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    path.write_bytes(b"")
    for call in (lambda: save(path, {}), lambda: load(path, {}), lambda: read_metadata(path)):
        with pytest.raises(
            ImportError, match=r"safetensors is not installed.*pip install"
        ) as error:
            call()
        assert isinstance(error.value, BackendError)


HALVES = [
    ("numpy", "float16"),
    *((library, dtype) for library in ("torch", "jax") for dtype in ("float16", "bfloat16")),
]


@pytest.mark.parametrize(("library", "dtype"), HALVES)
def test_half_precision_is_resumed_to_the_bit(path, library, dtype):
    if reason_missing(library):
        pytest.skip(f"half precision of {library}: {reason_missing(library)}")
    from tests.support import open_namespace

    xp = open_namespace(library)
    dtype = getattr(xp, dtype)
    optimizer = adam(0.1)
    start = {"w": xp.asarray([1.0, -2.0, 0.5], dtype=dtype)}
    straight = train(optimizer, *train(optimizer, start, optimizer.init(start), 2), 2, first=2)
    params, state = train(optimizer, start, optimizer.init(start), 2)
    save(path, {"params": params, "state": state})
    loaded = load(path, like={"params": start, "state": optimizer.init(start)})
    resumed = train(optimizer, loaded["params"], loaded["state"], 2, first=2)
    for mine, other in zip(trees.leaves(resumed), trees.leaves(straight), strict=True):
        assert mine.dtype == other.dtype
        assert np.array_equal(wide(xp, mine), wide(xp, other))


def wide(xp, leaf):
    if isinstance(leaf, np.ndarray):
        return leaf
    return np.asarray(to_host(xp.astype(leaf, xp.float64)))
