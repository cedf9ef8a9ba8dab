"""The packages that make a driver."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PackageSet:
    """Names may hold ``{branch}``.

    ``aligned`` must have the driver's own version, each of them, or library and module part; the first is the kernel
    module's. ``beside`` are numbered on their own. ``kernel_module`` is the file's name, to which options are given.
    """

    aligned: tuple[str, ...]
    beside: tuple[str, ...]
    graphics: tuple[str, ...]
    kernel_module: str

    @property
    def kernel_package(self) -> str:
        return self.aligned[0]

    def named(self, branch: int | str) -> PackageSet:
        """With the branch filled in."""

        def fill(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(name.format(branch=branch) for name in names)

        return PackageSet(fill(self.aligned), fill(self.beside), fill(self.graphics), self.kernel_module)
