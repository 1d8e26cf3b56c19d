"""The conversation in the README is the one that the real programs have."""

import pytest
from conversation import README, section, told
from programs import Golive

pytestmark = pytest.mark.anyio


async def test_readme_holds_the_conversation_as_it_is_now(golive: Golive) -> None:
    now = section(await told(golive))
    assert now in README.read_text(encoding="utf-8"), "renew it with `transcript/run --write`"
