"""Whether the simulated store answers as a real Valkey does."""

from collections.abc import Iterator

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handler.store import SCRIPT
from tests.simulation.valkey import Valkey
from tests.support.valkey_server import ValkeyServer

KEY = "{key}:CreateOTAModule"
INSTANTS = ("seen", "free", "slowed")
MICROSECONDS = st.sampled_from([0, 1, 999_999, 1_000_000, 10**12]) | st.integers(0, 10**7)

Asked = tuple[float, float, float, int, float, float, float]
SECONDS = MICROSECONDS.map(lambda microseconds: microseconds / 1e6)
ASKED: st.SearchStrategy[Asked] = st.tuples(
    st.sampled_from([9.0, 4.5, 0.1, 20.0, 1 / 3]),  # rate
    st.just(-1.0) | SECONDS,  # how late a slot may be
    SECONDS,  # silence of a store that has forgotten everything
    st.integers(0, 100),  # calls accepted
    st.just(-1.0) | SECONDS,  # age of a throttled call
    SECONDS,  # seconds to hold
    SECONDS,  # lead
)
STEP = st.just(0) | st.integers(-(10**8), 10**8)
"""Microseconds by which the clock is set, as the record sees it."""

SLOW_TEST = 30_000
"""Milliseconds between two questions, on the busiest of machines."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(ASKED, STEP), min_size=1, max_size=12))
def test_a_simulated_store_answers_as_a_real_one(server: ValkeyServer, asks: list[tuple[Asked, int]]) -> None:
    """To the same questions at the same instants: the same answers, the same records, kept for as long."""
    simulated = Valkey()
    with redis.Redis(port=server.port, protocol=2) as client:
        client.flushall()
        script = client.register_script(SCRIPT)
        for asked, step in asks:
            record = simulated.records.get(KEY, {})
            for name in INSTANTS if record else ():
                client.hincrby(KEY, name, step)
                record[name] = str(int(record[name]) + step)
            answer = script([KEY], asked)
            simulated.now = answer[0]
            assert simulated.run(KEY, asked) == answer
            # One version of the server writes a number with more digits than the next.
            kept = {name.decode(): float(value) for name, value in client.hgetall(KEY).items()}
            assert {name: float(value) for name, value in simulated.records[KEY].items()} == kept
            left = (simulated.expires[KEY] - simulated.now) // 1000
            assert left - SLOW_TEST <= client.pttl(KEY) <= left
