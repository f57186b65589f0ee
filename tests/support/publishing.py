"""A topic's publisher: what the function does, and no command."""

from mns.topic import Base64TopicMessage, TopicMeta

from cli.clients.smq import Mailbox


class Publisher(Mailbox):
    """A mailbox that makes topics and publishes to them, too."""

    def create_topic(self, topic: str) -> None:
        """Make a topic, unless it is there. Raises: CloudError."""
        self._call(
            "publish", lambda: self._account.get_topic(topic).create(TopicMeta()), harmless=("TopicAlreadyExist",)
        )

    def publish(self, topic: str, body: str) -> None:
        """Raises: CloudError."""
        self._call("publish", lambda: self._account.get_topic(topic).publish_message(Base64TopicMessage(body)))
