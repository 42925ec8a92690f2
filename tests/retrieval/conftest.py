import pytest

from retrieval.articles.article import parse
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder


@pytest.fixture
def encoder():
    return HashingEncoder()


@pytest.fixture
def kb(tmp_path):
    """An empty folder of articles, with `write(name, text)` to fill it."""

    class Folder:
        path = tmp_path / "kb_articles"

        def write(self, name, text):
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
            return file

    folder = Folder()
    folder.path.mkdir()
    return folder


@pytest.fixture
def snapshot_of(encoder):
    """A snapshot of Markdown texts by file name."""

    def make(articles, **options):
        parsed = [parse(text, path=f"{name}.md") for name, text in articles.items()]
        return build(parsed, encoder, **options)

    return make
