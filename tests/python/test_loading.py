"""What a recipe calls an operator, and what is found."""

from __future__ import annotations

import doctest
import importlib
import sys
from pathlib import Path

import pytest

import wrasse
from wrasse import Kept, compat
from wrasse.operators import Description, find, load

OPERATORS = Path(__file__).parent / "operators"

CODE = '''
"""Two operators."""
import wrasse
from helpers import mark


class Marks(wrasse.Mapper):
    times: int = 1

    def map(self, row):
        row["text"] += mark * self.times
        return row


@wrasse.filter
def long_enough(row, min_len: int = 2) -> bool:
    return len(row["text"]) >= min_len


class Own(wrasse.Mapper):
    def __init__(self, mark: str = "#", *, times: int = 1, share: float = 0) -> None:
        self.mark = mark * times
        self.share = share

    def map(self, row):
        return {"text": row["text"] + self.mark}


class Fails(wrasse.Mapper):
    def setup(self):
        raise OSError("no model")

    def map(self, row):
        return row


def plain(row):
    return row
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with operators."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "ops.py").write_text(CODE)
    (tmp_path / "helpers.py").write_text("mark = '!'")
    (tmp_path / "one.py").write_text(
        "import wrasse\n@wrasse.mapper\ndef only(row): return {'text': 'only'}"
    )
    monkeypatch.delitem(sys.modules, "helpers", raising=False)
    return tmp_path


def apply(op: wrasse.Operator) -> object:
    (outcome,) = op.apply([{"text": "a"}])
    return outcome


def test_a_class_or_function_of_a_file(folder: Path) -> None:
    assert apply(load("ops.py:Marks", {"times": 2}, base=folder)) == Kept({"text": "a!!"})
    assert apply(load(f"{folder}/ops.py:long_enough", {"min_len": 1})) == Kept({"text": "a"})
    assert apply(load("one.py", base=folder)) == Kept({"text": "only"})


def test_a_class_with_a_constructor_of_its_own(folder: Path) -> None:
    op = load("ops.py:Own", {"times": 3, "share": 1}, base=folder)
    assert isinstance(op.share, float)
    assert apply(op) == Kept({"text": "a###"})
    with pytest.raises(wrasse.ParameterError, match="`times`: expected integer"):
        load("ops.py:Own", {"times": "3"}, base=folder)


def test_a_class_of_a_module(folder: Path) -> None:
    sys.path.append(str(folder))
    sys.modules.pop("ops", None)
    assert apply(load("ops:Marks")) == Kept({"text": "a!"})
    del sys.modules["ops"]


def test_a_file_is_imported_once_and_files_of_one_name_are_two(folder: Path) -> None:
    first = load("one.py:only", base=folder)
    other = folder / "other"
    other.mkdir()
    (other / "one.py").write_text(
        "import wrasse\n@wrasse.mapper\ndef only(row): return {'text': 'other'}"
    )
    assert apply(load("one.py", base=other)) == Kept({"text": "other"})
    assert apply(first) == Kept({"text": "only"})


def test_an_operator_is_described_and_checked_without_being_constructed(folder: Path) -> None:
    found = find("ops.py:Fails", base=folder)
    assert found.description == Description("Fails", "mapper")
    found.check({})
    marks = find("ops.py:Marks", base=folder)
    with pytest.raises(wrasse.ParameterError, match="`times`: expected integer"):
        marks.check({"times": "many"})
    (times,) = marks.description.params
    assert (times.name, times.types, times.default) == ("times", "integer", 1)
    keeps = find("ops.py:long_enough", base=folder).description
    assert (keeps.kind, keeps.takes_batches) == ("filter", False)
    masks = find(str(OPERATORS / "mask_digits")).description
    assert masks.effect == {"before": "call 555 in 1999", "after": "call *** in ****"}
    assert masks.runtime["memory"] == 104857600
    assert [(one.name, one.types, one.default) for one in masks.params] == [
        ("maskChar", "string", "*"),
        ("keepYears", "true or false", "false"),
        ("maxDigits", "number from 1 to 20", 8),
    ]
    compat.uninstall()


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("missing.py:X", "there is no file"),
        ("ops.py:Mark", "has no `Mark`; there is `Marks`, `long_enough`, `Own`, `Fails`"),
        ("ops.py", "defines `Marks`, `long_enough`, `Own`, `Fails`; name one of them"),
        ("ops.py:plain", "`plain` is a plain function; derive it"),
        ("ops.py:Fails", "`Fails` cannot be constructed: OSError: no model"),
        ("broken.py:X", "cannot be imported: SyntaxError"),
        ("empty.py", "defines no operator"),
        ("nothing", "is no operator: expected `path/to/file.py:Name`"),
        ("folder", "has no `__init__.py`"),
        ("no.such.module:X", "`pip install no`"),
        ("needs.py:X", "`pip install openslide-python openslide-bin`"),
        ("leaves.py:X", "cannot be imported: SystemExit: 1"),
    ],
)
def test_what_leads_nowhere_is_told(folder: Path, reference: str, message: str) -> None:
    (folder / "broken.py").write_text("def")
    (folder / "empty.py").write_text("import wrasse\nfrom wrasse import Mapper")
    (folder / "needs.py").write_text("import openslide")
    (folder / "leaves.py").write_text("raise SystemExit(1)")
    (folder / "folder").mkdir()
    with pytest.raises(wrasse.WrasseError) as caught:
        load(reference, base=folder)
    assert message in str(caught.value)


def test_examples_in_the_documentation_hold() -> None:
    names = ["wrasse.sdk", "wrasse.functions"]
    n = 0
    for name in names:
        module = importlib.import_module(name)
        # Errors are shown by their full name.
        failed, tried = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
        assert failed == 0, name
        n += tried
    assert n > 5


def datamate_folder(parent: Path, name: str, code: str, root: str = "datamate") -> Path:
    folder = parent / name
    folder.mkdir(parents=True)
    class_name = name.title().replace("_", "")
    (folder / "__init__.py").write_text(
        f"from {root}.core.base_op import OPERATORS\n"
        f"OPERATORS.register_module('{class_name}', module_path='ops.mapper.{name}.process')\n"
    )
    (folder / "metadata.yml").write_text(f"name: x\nraw_id: {class_name}\n")
    (folder / "process.py").write_text(
        f"from {root}.core.base_op import Mapper\n{code}\n\n"
        f"class {class_name}(Mapper):\n"
        "    def execute(self, sample):\n"
        "        sample['text'] = mark(sample['text'])\n"
        "        return sample\n"
    )
    return folder


def test_operators_of_datamate_import_what_lies_beside_them(tmp_path: Path) -> None:
    shared = tmp_path / "_shared_marks"
    shared.mkdir()
    (shared / "marks.py").write_text("def mark(text):\n    return f'<{text}>'\n")
    beside = "from .._shared_marks.marks import mark"
    cut = datamate_folder(tmp_path, "cut_marks", beside + "\nfrom ..set_marks.process import SetMarks")
    put = datamate_folder(tmp_path, "set_marks", beside)
    for folder in (cut, put, cut):
        assert load(str(folder)).apply([{"text": "a"}]) == [Kept({"text": "<a>"})]
    # It was imported as one that lies beside the first; elsewhere it is another one.
    other = datamate_folder(tmp_path / "elsewhere", "set_marks", "mark = str")
    with pytest.raises(wrasse.LoadError, match="both are `ops.user.set_marks`"):
        load(str(other))


def test_the_first_name_of_datamate_is_known(tmp_path: Path) -> None:
    code = "from data_platform.common.utils import bytes_transform\nmark = str.upper"
    folder = datamate_folder(tmp_path, "loud_marks", code, "data_platform")
    assert load(str(folder)).apply([{"text": "a"}]) == [Kept({"text": "A"})]
