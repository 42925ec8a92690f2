"""Errors of retrieval: everything this house refuses, as one tree: each error has a stable `code` and says what to do."""

from dataclasses import dataclass
from typing import ClassVar


class KnowledgeError(Exception):
    """The knowledge base cannot do what was asked; `code` is stable, the text is for people."""

    code: ClassVar[str] = "knowledge_error"


@dataclass(eq=True, unsafe_hash=True)
class ArticleError(KnowledgeError):
    """An article that cannot be used, at `path:line` (lines count from 1)."""

    path: str
    line: int
    problem: str
    remedy: str
    code: ClassVar[str] = "article_error"

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.problem}; {self.remedy}"


@dataclass
class KbMissing(KnowledgeError):
    """The folder of articles does not exist."""

    kb_dir: str
    code: ClassVar[str] = "kb_missing"

    def __str__(self) -> str:
        return f"knowledge base folder {self.kb_dir!r} does not exist; create it or name another with --kb DIR"


@dataclass
class KbEmpty(KnowledgeError):
    """The folder of articles holds none."""

    kb_dir: str
    code: ClassVar[str] = "kb_empty"

    def __str__(self) -> str:
        return f"knowledge base folder {self.kb_dir!r} holds no articles; put at least one '*.md' file into it"


@dataclass
class KbUnusable(KnowledgeError):
    """Every article of the folder is broken and no earlier snapshot exists."""

    errors: tuple[ArticleError, ...]
    code: ClassVar[str] = "kb_unusable"

    def __str__(self) -> str:
        lines = "\n".join(f"  {error}" for error in self.errors)
        return f"no article of the knowledge base can be read; repair at least one of:\n{lines}"


@dataclass
class IndexCorrupt(KnowledgeError):
    """A stored snapshot is not what its manifest says; it is a cache, so it is rebuilt."""

    path: str
    problem: str
    code: ClassVar[str] = "index_corrupt"

    def __str__(self) -> str:
        return f"stored index {self.path!r} is corrupt: {self.problem}; delete it, the next start rebuilds it"


@dataclass
class ModelMissing(KnowledgeError):
    """No model of that name or path can be had."""

    model: str
    problem: str
    code: ClassVar[str] = "model_missing"

    def __str__(self) -> str:
        return (
            f"embedding model {self.model!r}: {self.problem}; "
            "use 'all-MiniLM-L6-v2', the path of a model folder, or a name as on Hugging Face ('owner/name')"
        )


@dataclass
class ModelDigestMismatch(KnowledgeError):
    """A model file is not the one that was measured and reviewed."""

    path: str
    expected: str
    actual: str
    code: ClassVar[str] = "model_digest_mismatch"

    def __str__(self) -> str:
        return (
            f"model file {self.path!r} has sha256 {self.actual}, expected {self.expected}; "
            "reinstall the model (or delete the exported folder) and start again"
        )


@dataclass
class ModelExportFailed(KnowledgeError):
    """The model could not be turned into ONNX; `detail` is the end of what the export said."""

    model: str
    detail: str
    code: ClassVar[str] = "model_export_failed"

    def __str__(self) -> str:
        return (
            f"exporting embedding model {self.model!r} to ONNX failed; "
            f"check that it is a sentence-transformers model. It said:\n{self.detail}"
        )


@dataclass
class EncoderBusy(KnowledgeError):
    """More texts wait to be encoded than the queue may hold."""

    waiting: int
    code: ClassVar[str] = "encoder_busy"

    def __str__(self) -> str:
        return f"{self.waiting} texts already wait to be encoded; try again later"
