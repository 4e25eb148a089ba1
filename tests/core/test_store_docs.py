"""docs/history.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from store_samples import make_result, make_run, verdict

from ferrotape.model import AgentFailureKind
from ferrotape.store import Store, run_query
from ferrotape.store.views import describe

DOCS = Path(__file__).parents[2] / "docs" / "history.md"
EXAMPLES = re.findall(r"```sql\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("docs") / "history.db"
    clean = [verdict(name) for name in ("tests", "rustc", "clippy")]
    with Store.open(path) as store:
        for number in (0, 1):
            run = make_run(number, planned=3)
            store.begin(run)
            store.add(run.id, make_result(*clean))
            store.add(run.id, make_result(*clean, format="metadata"))
            failed = make_result(failure=AgentFailureKind.REFUSED, score=0.0, round=2)
            store.add(run.id, failed)
    return path


def test_the_views_are_described_as_they_are():
    text = DOCS.read_text(encoding="utf-8")
    between = re.search(r"<!-- views: .*? -->\n\n(.*?)\n\n<!-- end of views -->", text, re.DOTALL)
    assert between is not None
    assert between[1] == describe()


@pytest.mark.parametrize("sql", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_query_gives_rows(path, sql):
    assert run_query(path, sql).rows


def test_there_are_examples():
    assert len(EXAMPLES) >= 3
