"""What SMQ answers when it refuses; the class's name is the code on the wire (SMQ, "Error codes").

SmqError
+-- BadRequest              400: not understood, or a value outside its limits
|   +-- InvalidArgument, MalformedXML, InvalidRequestURL, InvalidQueryString, InvalidDegist
|   +-- MissingAuthorizationHeader, InvalidAuthorizationHeader, MissingDateHeader, InvalidDateHeader
|   +-- InvalidQueueName, QueueNameLengthError, TopicNameInvalid, TopicNameLengthError
|   +-- SubscriptionNameInvalid, SubscriptionNameLengthError, EndpointInvalid
|   +-- MissingReceiptHandle, MissingVisibilityTimeout, ReceiptHandleError
+-- Forbidden               403: AccessDenied, InvalidAccessKeyId, SignatureDoesNotMatch
+-- NotFound                404: QueueNotExist, MessageNotExist, TopicNotExist, SubscriptionNotExist
+-- TimeExpired             408: the request's Date is too far from the service's clock
+-- Conflict                409: QueueAlreadyExist, TopicAlreadyExist, SubscriptionAlreadyExist
"""

from typing import ClassVar


class SmqError(Exception):
    """A request that SMQ refuses; `text` is for whoever reads the answer."""

    status: ClassVar[int] = 500

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    @property
    def code(self) -> str:
        """The code as it stands on the wire."""
        return type(self).__name__


class BadRequest(SmqError):
    """The request was not understood, or holds a value outside its limits."""

    status = 400


class Forbidden(SmqError):
    """The caller is not known, or may not do this."""

    status = 403


class NotFound(SmqError):
    """What the request names is not there."""

    status = 404


class Conflict(SmqError):
    """The name is taken by something with other attributes."""

    status = 409


class TimeExpired(SmqError):
    """The request's Date lies more than 15 minutes from the service's clock."""

    status = 408


class InvalidArgument(BadRequest):
    """An element lacks, is unknown, or has a value outside its limits."""


class MalformedXML(BadRequest):
    """The body is not well-formed XML, or declares a document type."""


class InvalidRequestURL(BadRequest):
    """No operation has this path and method."""


class InvalidQueryString(BadRequest):
    """A query parameter has no usable value."""


class InvalidDegist(BadRequest):
    """Content-MD5 does not belong to the body (the service spells the code so)."""


class MissingAuthorizationHeader(BadRequest):
    """The request is not signed."""


class InvalidAuthorizationHeader(BadRequest):
    """Authorization is not `MNS id:signature`."""


class MissingDateHeader(BadRequest):
    """Neither Date nor x-mns-date is there."""


class InvalidDateHeader(BadRequest):
    """Date is no RFC 1123 date."""


class InvalidQueueName(BadRequest):
    """A queue's name has a character that is not allowed."""


class QueueNameLengthError(BadRequest):
    """A queue's name is longer than 120 characters."""


class TopicNameInvalid(BadRequest):
    """A topic's name has a character that is not allowed."""


class TopicNameLengthError(BadRequest):
    """A topic's name is longer than 255 characters."""


class SubscriptionNameInvalid(BadRequest):
    """A subscription's name has a character that is not allowed."""


class SubscriptionNameLengthError(BadRequest):
    """A subscription's name is longer than 255 characters."""


class EndpointInvalid(BadRequest):
    """A subscription's endpoint is neither a queue, nor a function, nor an http URL on this machine."""


class MissingReceiptHandle(BadRequest):
    """The query lacks ReceiptHandle."""


class MissingVisibilityTimeout(BadRequest):
    """The query lacks VisibilityTimeout."""


class ReceiptHandleError(BadRequest):
    """The receipt handle is not one of this queue's, or no longer valid."""


class AccessDenied(Forbidden):
    """The key's owner may not do this, or its token does not let it in."""


class InvalidAccessKeyId(Forbidden):
    """No such access key."""


class SignatureDoesNotMatch(Forbidden):
    """The signature is not what the key's secret gives."""


class QueueNotExist(NotFound):
    """No such queue."""


class MessageNotExist(NotFound):
    """No message is visible, or the one meant is gone."""


class TopicNotExist(NotFound):
    """No such topic."""


class SubscriptionNotExist(NotFound):
    """No such subscription."""


class QueueAlreadyExist(Conflict):
    """A queue of this name has other attributes."""


class TopicAlreadyExist(Conflict):
    """A topic of this name has other attributes."""


class SubscriptionAlreadyExist(Conflict):
    """A subscription of this name has other attributes."""
