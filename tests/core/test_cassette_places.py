from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ferrotape.cassettes.places import Places

THERE = Places(
    {
        "trial": Path("/tmp/ferrotape-a_1"),
        "workspace": Path("/tmp/ferrotape-a_1/workspace"),
        "home": Path("/tmp/ferrotape-a_1/home"),
    }
)
HERE = Places(
    {
        "trial": Path("/var/other"),
        "workspace": Path("/var/other/workspace"),
        "home": Path("/var/other/home"),
    }
)


def test_the_longest_path_wins_and_slugs_are_paths_too() -> None:
    text = b"cd /tmp/ferrotape-a_1/workspace && ls ../home ~/.p/-tmp-ferrotape-a-1-workspace/x"
    hidden = THERE.hide(text)
    assert hidden == (
        b"cd {{ferrotape:workspace}} && ls ../home ~/.p/{{ferrotape:workspace-slug}}/x"
    )
    assert HERE.show(hidden) == b"cd /var/other/workspace && ls ../home ~/.p/-var-other-workspace/x"
    assert THERE.hide(b"/tmp/ferrotape-a_1/tmp") == b"{{ferrotape:trial}}/tmp"


def test_what_looks_like_a_name_from_the_start_stays_what_it_is() -> None:
    text = b'println!("{{ferrotape:workspace}} {{x}}")'
    hidden = THERE.hide(text)
    assert hidden == b'println!("{{ferrotape:literal}}workspace}} {{x}}")'
    assert HERE.show(hidden) == text


pieces = st.sampled_from(
    [
        b"/tmp/ferrotape-a_1",
        b"/workspace",
        b"/home",
        b"-tmp-ferrotape-a-1",
        b"-workspace",
        b"{{ferrotape:",
        b"workspace}}",
        b"literal}}",
        b"{{",
        b"}}",
        b" ",
        b"\xff",
    ]
)


@given(st.lists(pieces, max_size=12).map(b"".join))
def test_showing_undoes_hiding(text: bytes) -> None:
    assert THERE.show(THERE.hide(text)) == text
