"""What a request can be refused for, with Qdrant's status codes and wording."""

from __future__ import annotations


class ApiError(Exception):
    """Any refusal; the body is built from it in one place."""

    status_code = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadInputError(ApiError):
    """The request was understood and cannot be carried out as asked."""

    status_code = 400

    def __init__(self, detail: str) -> None:
        super().__init__(f"Wrong input: {detail}")


class CollectionMissingError(ApiError):
    status_code = 404

    def __init__(self, name: str) -> None:
        super().__init__(f"Not found: Collection `{name}` doesn't exist!")


class PointMissingError(ApiError):
    status_code = 404

    def __init__(self, point_id: object) -> None:
        super().__init__(f"Not found: Point with id {point_id} does not exists!")


class CollectionExistsError(ApiError):
    status_code = 409

    def __init__(self, name: str) -> None:
        super().__init__(f"Wrong input: Collection `{name}` already exists!")


class EngineError(ApiError):
    """The storage engine failed for a reason that is not the caller's."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"Service internal error: {detail}")
