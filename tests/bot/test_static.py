"""Files whose path names their content are sent once and kept for ever."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from bot.static import static_routes

FILES = {"/a/b.1234.css": b"p { margin: 0; }", "/a/b.1234.js": "const é = 1;".encode()}


@pytest.fixture
def client():
    app = FastAPI()
    app.include_router(static_routes(FILES, {"Cross-Origin-Resource-Policy": "cross-origin"}))
    return TestClient(app)


def test_a_file_is_what_its_suffix_says_and_may_be_kept_for_ever(client):
    answers = {path: client.get(path) for path in FILES}
    assert {path: answer.content for path, answer in answers.items()} == FILES
    assert [answer.headers["content-type"] for answer in answers.values()] == [
        "text/css; charset=utf-8",
        "text/javascript; charset=utf-8",
    ]
    for answer in answers.values():
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}'])
def test_who_has_a_file_is_told_that_it_has_not_changed(client, form):
    tag = client.get("/a/b.1234.css").headers["etag"]
    again = client.get("/a/b.1234.css", headers={"If-None-Match": form.format(tag)})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert "immutable" in again.headers["cache-control"]


def test_who_has_another_file_gets_this_one(client):
    tag = client.get("/a/b.1234.js").headers["etag"]
    assert client.get("/a/b.1234.css", headers={"If-None-Match": tag}).status_code == 200


def test_head_is_answered_like_get_without_a_body(client):
    head = client.head("/a/b.1234.css")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == client.get("/a/b.1234.css").headers["etag"]


@pytest.mark.parametrize("path", ["/a/b.0000.css", "/a/", "/a/b.1234.css/x", "/a/../a/c.js"])
def test_nothing_else_is_served(client, path):
    assert client.get(path).status_code == 404
