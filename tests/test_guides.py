"""The guides and README cannot rot: their commands are run as they stand, and print what the page shows.

Of a page every fence `sh` (a shell's) and `python` is a block; all blocks of a page run in order, in one shell with
`set -eu`, in a fresh folder. `sh fails` is a command that must fail. A fence `text` is what the block before it
prints, `...` standing for whatever is left out; one `yaml` is a settings file. A block whose first line is
`# needs SOMETHING` is not run but read: by the shell for its syntax, by the command line for its commands and flags;
it counts as skipped, with its need.
"""

import doctest
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from checkout import PYTHONPATH
from kame_data.cli.main import app
from kame_data.settings.layers import load
from kame_data.settings.tree import Settings
from llm import plausible
from llm.server import ScriptedServer

ROOT = Path(__file__).resolve().parents[1]
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
README = ROOT / "README.md"
REFERENCE = sorted((ROOT / "docs").glob("*.md"))
# What a page begins with beside a checkout: the folder that another one left.
FOLLOWS = {"publish.md": "first-build.md", "train.md": "first-build.md", "README.md": "train.md"}
NEEDS = "# needs "
# Random weights say noise, in which no aligner finds a word.
ENVIRONMENT = {"own-voices.md": {"KAME_DATA_SPEECH__CHECKS__ALIGNMENT": "-1e9"}}
TIMEOUT_S = 550
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

# One Prefect server and one first build serve all pages, so they stay on one worker.
pytestmark = [pytest.mark.xdist_group("guides"), pytest.mark.timeout(600), pytest.mark.slow]


@dataclass(frozen=True)
class Block:
    """Commands of a page; `shown` is what the page says that they print, None where it says nothing."""

    page: str
    line: int
    info: str
    text: str
    shown: str | None = None

    @property
    def needs(self) -> str:
        """What a test has not and the commands want; "" where they are run."""
        first = self.text.partition("\n")[0]
        return first.removeprefix(NEEDS) if first.startswith(NEEDS) else ""

    @property
    def commands(self) -> bool:
        """Whether it is something to run."""
        return self.info != "yaml"

    def script(self) -> str:
        """The block as the shell runs it."""
        if self.info == "python":
            return f"python - <<'END_OF_BLOCK'\n{self.text}END_OF_BLOCK\n"
        if self.info == "sh fails":
            return f"set +e\n( set -e\n{self.text})\n[ $? -ne 0 ] || {{ echo 'it did not fail'; exit 1; }}\nset -e\n"
        return self.text


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    found: list[Block] = []
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        if token.type not in ("fence", "code_block"):
            continue
        info, line = token.info.strip(), (token.map or [0])[0] + 1
        if info == "text":
            assert found and found[-1].shown is None, f"{page.name}:{line}: what prints this?"
            last = found.pop()
            found.append(Block(last.page, last.line, last.info, last.text, token.content))
        else:
            assert info in ("sh", "sh fails", "python", "yaml"), f"{page.name}:{line}: '{info}' is not tested"
            found.append(Block(page.name, line, info, token.content))
    return found


PAGES = {page.name: (page, blocks_of(page)) for page in [*GUIDES, README]}
BLOCKS = [block for _, blocks in PAGES.values() for block in blocks]


@dataclass(frozen=True)
class Ran:
    """What became of a page: its folder, and what each block that was reached printed, by its line."""

    folder: Path
    code: int
    printed: dict[int, str]


class Reader:
    """Somebody who goes through pages, each once, and does what they say."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self._root, self._environment = root, environment
        self._ran: dict[str, Ran] = {}

    def ran(self, page: str) -> Ran:
        """The page, gone through; before it, the one that it follows."""
        if page not in self._ran:
            before = self.ran(FOLLOWS[page]).folder if page in FOLLOWS else None
            self._ran[page] = self._go_through(page, before)
        return self._ran[page]

    def _voice(self, folder: Path) -> None:
        script = ROOT / "tests" / "speech" / "tiny_coqui.py"
        subprocess.run([sys.executable, str(script), str(self._root / "coqui")], capture_output=True, check=True)
        (self._root / "coqui" / "three").rename(folder)

    def _go_through(self, page: str, before: Path | None) -> Ran:
        folder, logs = self._root / Path(page).stem, self._root / f"{Path(page).stem}.logs"
        logs.mkdir()
        if before:
            shutil.copytree(before, folder, symlinks=True)
        else:
            folder.mkdir()
            for name in ("data", "prompts"):
                (folder / name).symlink_to(ROOT / name)
        if page == "own-voices.md":
            self._voice(folder / "my-voice")
        if page == "README.md":
            for name in ("demo", "other"):
                (folder / "out" / name).symlink_to("first")
        lines = ["set -eu\n"]
        for block in PAGES[page][1]:
            if block.commands and not block.needs:
                lines += [f"exec >{shlex.quote(str(logs / str(block.line)))} 2>&1\n", block.script()]
        script = self._root / f"{Path(page).stem}.sh"
        script.write_text("".join(lines))
        shell = subprocess.Popen(
            ["sh", str(script)],
            cwd=folder,
            env=self._environment | ENVIRONMENT.get(page, {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            code = shell.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            if shell.poll() is None:
                os.killpg(shell.pid, signal.SIGKILL)
        return Ran(folder, code, {int(log.name): log.read_text("utf-8", "replace") for log in logs.iterdir()})


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader with an account of their own, a model's server and what a page tells them to bring."""
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    root = tmp_path_factory.mktemp("guides")
    (root / "home").mkdir()
    kept = {name: value for name, value in os.environ.items() if name in ("LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")}
    with prefect_test_harness(server_startup_timeout=120), ScriptedServer(reply=plausible.reply, keep=False) as server:
        environment = kept | {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(root / "home"),
            "PYTHONPATH": PYTHONPATH,
            "COLUMNS": "100",
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            # Else each build starts Prefect's embedded server, which takes longer than the build.
            "PREFECT_API_URL": str(PREFECT_API_URL.value()),
            "MODEL": "some-model:7b",
            "MODEL_URL": server.url,
        }
        yield Reader(root, environment)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.page}:{block.line}")
def test_a_block_does_what_its_page_says(block: Block, reader: Reader, tmp_path: Path) -> None:
    if not block.commands:
        (tmp_path / "settings.yaml").write_text(block.text)
        load(Settings, str(tmp_path / "settings.yaml"), {})
        return
    if block.needs:
        if "publish" not in block.text or "publish" in typer.main.get_command(app).commands:
            read(block)
        pytest.skip(f"read, not run: needs {block.needs}")
    if block.page == "publish.md" and "publish" not in typer.main.get_command(app).commands:  # type: ignore[attr-defined]
        pytest.skip("kame-data publish is not here yet")
    if complaint := judge(block, reader.ran(block.page)):
        pytest.fail(complaint, pytrace=False)


def judge(block: Block, ran: Ran) -> str:
    """What is wrong with a block of a page, gone through; "" where it did what it was to do."""
    if block.line not in ran.printed:
        return "a block before this one failed"
    printed = ran.printed[block.line]
    if ran.code != 0 and block.line == max(ran.printed):
        return f"{block.text}\nfailed:\n{printed}"
    if block.shown is None or doctest.OutputChecker().check_output(block.shown, printed, FLAGS):
        return ""
    return f"{block.text}\nis said to print:\n{block.shown}\nprinted:\n{printed}"


def test_a_page_that_is_not_true_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fence = "```"
    page = tmp_path / "page.md"

    def judged(*blocks: str) -> list[str]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        page.write_text("\n".join(f"{fence}{block}\n{fence}\n" for block in blocks))
        monkeypatch.setitem(PAGES, page.name, (page, blocks_of(page)))
        ran = Reader(folder, {"PATH": os.environ["PATH"]}).ran(page.name)
        return [judge(block, ran).partition("\n")[0] for block in PAGES[page.name][1]]

    assert judged("sh\nA=1\nmkdir a && cd a", 'sh\necho "$A" "$(basename "$PWD")"', "text\n1 a") == ["", ""]
    assert judged("sh\necho one two", "text\none ... two", "sh\ntrue") == ["echo one two", ""]
    assert judged("sh\nfalse\ntrue", "sh\ntrue") == ["false", "a block before this one failed"]
    assert judged("sh fails\necho no >&2\nfalse", "text\nno", "sh\necho") == ["", ""]
    assert judged("sh fails\ntrue", "sh\ntrue") == ["true", "a block before this one failed"]
    assert judged("sh\necho ${unset_variable}") == ["echo ${unset_variable}"]
    for wrong in ("bash\ntrue", "text\nout of nothing", "\ntrue"):
        with pytest.raises(AssertionError, match=r"page\.md:1"):
            judged(wrong)


@pytest.mark.parametrize("page", [*GUIDES, *REFERENCE, README], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        for inner in token.children or ():
            target = str(inner.attrGet("href") or inner.attrGet("src") or "")
            if target and "://" not in target:
                name, _, heading = target.partition("#")
                found = (page.parent / name).resolve() if name else page
                assert found.exists(), f"{page.name}: {target}"
                assert not heading or heading in headings(found), f"{page.name}: {target}"


def test_what_is_not_run_is_read_by_the_command_line() -> None:
    with pytest.raises(AssertionError, match="No such option: --lmit"):
        read(Block("page.md", 1, "sh", "# needs a network\nkame-data build --lmit 3 --out out\n"))
    with pytest.raises(AssertionError, match="No such command 'biuld'"):
        read(Block("page.md", 1, "sh", "# needs a network\nexport A=b && kame-data biuld\n"))


def read(block: Block) -> None:
    """Check what is not run: the shell's grammar, and the commands and flags of kame-data."""
    checked = subprocess.run(["sh", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    for line in block.text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word and set(word) <= set(";&|()<>"):
                if words[:1] == ["kame-data"]:
                    understand(words[1:])
                words = []
            else:
                words.append(word)


def understand(words: list[str]) -> None:
    """Have the command line read these arguments: asked for help, it complains of what it does not know, or helps."""
    told = CliRunner().invoke(app, [*words, "--help"])
    assert told.exit_code == 0, f"{shlex.join(words)}: {told.output}"


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    tokens = MarkdownIt().parse(page.read_text("utf-8"))
    texts = [tokens[n + 1].content for n, token in enumerate(tokens) if token.type == "heading_open"]
    return {"".join(c for c in t.lower().replace(" ", "-") if c.isalnum() or c in "-_") for t in texts}
