"""What is wanted of the driver."""

from __future__ import annotations

import enum
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import driver_error


class State(enum.StrEnum):
    PRESENT = "present"
    LATEST = "latest"
    ABSENT = "absent"


class Flavour(enum.StrEnum):
    AUTO = "auto"
    OPEN = "open"
    PROPRIETARY = "proprietary"


class Repository(enum.StrEnum):
    DISTRIBUTION = "distribution"
    NVIDIA = "nvidia"


@dataclass(frozen=True)
class Options:
    """``branch`` and ``version`` pin; ``kernels`` are releases, or ``running`` or ``installed``."""

    state: State = State.PRESENT
    flavour: Flavour = Flavour.AUTO
    repository: Repository = Repository.DISTRIBUTION
    repository_key: str = ""
    branch: str = ""
    version: str = ""
    kernels: tuple[str, ...] = ("running",)
    graphics: bool = False
    cuda: str = ""
    lock_seconds: int = 300

    def __post_init__(self) -> None:
        if self.branch and not re.fullmatch(r"\d{3,4}", self.branch):
            raise driver_error("PLB-INPUT", "branch", f"is {self.branch!r}, not a number such as 535")
        if self.version and not re.fullmatch(r"\d{3,4}(\.\d+)+([-~+].*)?", self.version):
            raise driver_error("PLB-INPUT", "version", f"is {self.version!r}, not a version such as 535.261.03")
        if self.branch and self.version and self.version.partition(".")[0] != self.branch:
            raise driver_error("PLB-INPUT", "version", f"{self.version} is not of branch {self.branch}")
        if self.repository is Repository.NVIDIA and not self.repository_key:
            cause = "NVIDIA's repository is wanted, and no key to check its packages with"
            fix = "Give the path of its key on the host, as NVIDIA's package cuda-keyring brings it."
            raise driver_error("PLB-INPUT", "repository_key", cause, fix=fix)

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Options:
        return cls(
            State(params["state"]),
            Flavour(params["flavour"]),
            Repository(params["repository"]),
            params["repository_key"] or "",
            params["branch"] or "",
            params["version"] or "",
            tuple(params["kernels"]),
            params["graphics"],
            params["cuda"] or "",
            params["lock_seconds"],
        )
