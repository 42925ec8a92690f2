"""Static files over HTTP: each house names its files by their content, here all of them get cache headers and ETags."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final, Self

from fastapi import APIRouter, Request, Response

READING: Final = ("GET", "HEAD")
FOR_EVER = "public, max-age=31536000, immutable"  # the path changes with the content
NO_SNIFFING: Final = MappingProxyType({"X-Content-Type-Options": "nosniff"})
MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """Content with its headers and a strong entity tag, quotes included."""

    content: bytes
    media_type: str
    etag: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, path: str, content: bytes, headers: Mapping[str, str]) -> Self:
        """The file at `path`, whose suffix says what it is; `headers` are added to those of every static file."""
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        return cls(content, MEDIA_TYPES[PurePosixPath(path).suffix], etag, {**NO_SNIFFING, **headers})

    def response(self, request: Request, cache_control: str = FOR_EVER) -> Response:
        """The file, or 304 to whoever has it already."""
        headers = {**self.headers, "ETag": self.etag, "Cache-Control": cache_control}
        if names(request, self.etag):
            return Response(status_code=304, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


def static_routes(files: Mapping[str, bytes], headers: Mapping[str, str] = NO_SNIFFING) -> APIRouter:
    """A route for each of `files`, by path; a path must change whenever its content does. Nothing else is served."""
    routes = APIRouter(include_in_schema=False)
    for path, content in files.items():
        routes.add_route(path, _endpoint(StaticFile.of(path, content, headers)), methods=list(READING))
    return routes


def names(request: Request, etag: str) -> bool:
    """Whether If-None-Match has the tag; a proxy that compresses makes tags weak."""
    known_tags = request.headers.get("if-none-match", "").split(",")
    return etag in (tag.strip().removeprefix("W/") for tag in known_tags)


def _endpoint(file: StaticFile) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        return file.response(request)

    return serve
