"""An SMQ, and the official SDK before it."""

from collections.abc import Callable, Iterator

import pytest
from mns.account import Account
from mns.queue import Queue
from starlette.types import ASGIApp

from emulator.ram.keys import Accounts
from emulator.smq.api import app as smq_api
from emulator.smq.service import MessageService
from tests.emulator.smq.sdk import Login


@pytest.fixture
def service(accounts: Accounts) -> Iterator[MessageService]:
    service = MessageService(accounts)
    yield service
    service.close()


@pytest.fixture
def url(service: MessageService, serve: Callable[[ASGIApp], str]) -> str:
    return serve(smq_api.application(service))


@pytest.fixture
def login(url: str) -> Iterator[Login]:
    """`login(key, secret, token)` is a client of its own each time: the SDK's are not thread-safe."""
    clients = list[Account]()

    def start(key: str = "testid", secret: str = "testsecret", token: str = "") -> Account:
        clients.append(Account(url, key, secret, token))
        # Shorter than the longest polls: one that only ends with its time is a failure.
        clients[-1].get_client().set_connection_timeout(20)
        return clients[-1]

    yield start
    for client in clients:
        client.get_client().close_connection()


@pytest.fixture
def account(login: Login) -> Account:
    return login()


@pytest.fixture
def queue(service: MessageService, account: Account) -> Queue:
    service.create_queue("requests")
    return account.get_queue("requests")
