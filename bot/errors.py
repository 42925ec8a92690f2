"""Why a server does not start or a command ends: errors of the set-up, each with what to do."""

from pathlib import Path


class SetupError(Exception):
    """Something about the set-up that whoever runs the command can mend."""


class CalibrationUnusable(SetupError):
    """A calibration file is there and cannot be used."""

    code = "calibration_unusable"

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path, self.problem = path, problem

    def __str__(self) -> str:
        return (
            f"the calibration {self.path!r} cannot be used ({self.problem}); "
            "delete it, or make it anew with handrail eval calibrate"
        )


class CatalogueUnusable(SetupError):
    """A file of phrases is there and cannot be used; `key` is empty where the whole file is meant."""

    code = "catalogue_unusable"

    def __init__(self, path: str, key: str, problem: str) -> None:
        super().__init__(path, key, problem)
        self.path, self.key, self.problem = path, key, problem

    def __str__(self) -> str:
        which = f"{self.key!r}: " if self.key else ""
        return f"the phrases in {self.path!r} cannot be used: {which}{self.problem}"


class DataUnwritable(SetupError):
    """The data folder cannot be written."""

    code = "data_unwritable"

    def __init__(self, path: Path, problem: str) -> None:
        self.path, self.problem = path, problem

    def __str__(self) -> str:
        return f"the data folder {str(self.path)!r} cannot be written ({self.problem}); choose another with --data DIR"


class PortTaken(SetupError):
    """The address to listen on is not free."""

    code = "port_taken"

    def __init__(self, host: str, port: int, problem: str) -> None:
        self.host, self.port, self.problem = host, port, problem

    def __str__(self) -> str:
        return (
            f"cannot listen on {self.host}:{self.port} ({self.problem}); stop what listens there or choose another port"
            " with --port N"
        )


class WorkersFailed(SetupError):
    """No worker can serve."""

    code = "workers_failed"

    def __init__(self, place: int, problem: str) -> None:
        self.place, self.problem = place, problem

    def __str__(self) -> str:
        return f"worker {self.place} cannot serve: {self.problem}"


class ExportRefused(SetupError):
    """An export cannot be written, or not be continued."""

    code = "export_refused"

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        self.path, self.problem, self.remedy = path, problem, remedy

    def __str__(self) -> str:
        return f"the export {str(self.path)!r} cannot be written ({self.problem}); {self.remedy}"
