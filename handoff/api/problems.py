"""Error handlers: RFC 9457 problem documents with a stable `code`, the error's own fields, its prose as `detail`."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from conversation.errors import Refused, StorageUnavailable
from conversation.events import JsonObject

STORAGE_RETRY_S = 2  # a busy database answers again within its own timeout; a client must not hammer it meanwhile
# what is not listed contradicts how things stand: 409
STATUS: Final[Mapping[str, HTTPStatus]] = {
    "bad_request": HTTPStatus.UNPROCESSABLE_ENTITY,
    "bad_cursor": HTTPStatus.UNPROCESSABLE_ENTITY,
    "not_signed_in": HTTPStatus.UNAUTHORIZED,
    "bad_credentials": HTTPStatus.UNAUTHORIZED,
    "login_link_spent": HTTPStatus.UNAUTHORIZED,
    "csrf": HTTPStatus.FORBIDDEN,
    "forbidden": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "rate_limited": HTTPStatus.TOO_MANY_REQUESTS,
}


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every refusal, invalid request and unknown address of `app` with a problem document."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(StorageUnavailable, _storage_unavailable)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _broken)


def problem(
    status: int, code: str, detail: str, extra: JsonObject | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """A problem document; `extra` are the error's own fields."""
    title = HTTPStatus(status).phrase
    body: JsonObject = {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}
    content = orjson.dumps(body | (extra or {}))
    return Response(content, status, headers=headers, media_type="application/problem+json")


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    extra: JsonObject = {name: value for name, value in vars(error).items() if not name.startswith("_")}
    status = STATUS.get(error.code, HTTPStatus.CONFLICT)
    headers = {"Retry-After": str(extra["retry_after_s"])} if "retry_after_s" in extra else None
    if status is HTTPStatus.UNAUTHORIZED:
        headers = {"WWW-Authenticate": "Bearer"}
    return problem(status, error.code, str(error), extra, headers)


def _storage_unavailable(_: Request, error: Exception) -> Response:
    detail = "the database did not answer; the same request may be sent again"
    headers = {"Retry-After": str(STORAGE_RETRY_S)}
    assert isinstance(error, StorageUnavailable)
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, detail, {"retry_after_s": STORAGE_RETRY_S}, headers)


def _invalid(_: Request, error: Exception) -> Response:
    """Names the first field that is wrong; what was sent is not repeated."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    names = [str(part) for part in first["loc"][1:] if first["type"] != "json_invalid"]
    field = ".".join(names) or str(first["loc"][0])
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_request", f"{field}: {first['msg']}", {"field": field})


def _http(_: Request, error: Exception) -> Response:
    """What the framework itself refuses: unknown address, wrong method, a body that is too large."""
    assert isinstance(error, HTTPException)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    return problem(error.status_code, code, str(error.detail), headers=error.headers)


def _broken(_: Request, __: Exception) -> Response:
    """The cause is logged by the server, not told to strangers."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "something broke on our side; it was logged")
