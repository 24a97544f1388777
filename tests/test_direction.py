"""The rooms of the code: imports point one way and go round in no circle, those inside functions too."""

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest
from importlinter import configuration
from importlinter.application.use_cases import lint_imports

configuration.configure()

ROOT = Path(__file__).resolve().parents[1]
ROOTS = (ROOT / "pipeline" / "kame_data", ROOT / "flows" / "kame_flows")


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("kame_data", "kame_flows", cache_dir=None, exclude_type_checking_imports=True)


def test_the_rooms_stand_one_on_another(capsys):
    kept = lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None, no_logo=True)
    assert kept, capsys.readouterr().out


def test_no_circle_of_modules(graph):
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_no_circle_of_packages_within_a_room(graph):
    for room in graph.find_children("kame_data"):
        inside = graph.find_children(room)
        within = {
            child: {
                other
                for other in inside
                if other != child and graph.direct_import_exists(importer=child, imported=other, as_packages=True)
            }
            for child in inside
        }
        try:
            TopologicalSorter(within).prepare()
        except CycleError as error:
            pytest.fail(" <- ".join(error.args[1]))


def test_few_modules_stand_outside_a_room():
    outside = [path.name for path in ROOTS[0].glob("*.py") if path.name != "__init__.py"]
    assert len(outside) <= 10, outside


def test_no_room_asks_where_a_folder_lies():
    asked = [
        str(path.relative_to(ROOT))
        for root in ROOTS
        for path in root.rglob("*.py")
        if path.parent.name != "storage" and "RemotePath" in path.read_text("utf-8")
    ]
    assert not asked
