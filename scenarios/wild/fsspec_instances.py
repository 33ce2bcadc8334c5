"""fsspec keeps every file system that was ever opened with other arguments.

Mechanism: the metaclass gives the same instance for the same arguments, out of a dict on the class that is
never trimmed. Arguments that carry a path, a token or a user make a new instance each. By design, in fsspec
2026.9.0, which offers ``skip_instance_cache``.

Who retains: ``DirFileSystem._cache``, the dict on the class.

Each step opens a directory of an in-memory file system as one of its own.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published(
    "wild-fsspec-instances", title="fsspec: instances cached by their arguments", quick_steps=4_096
)


def opens(**options: bool) -> "Callable[[int], object]":
    import fsspec

    return lambda i: fsspec.filesystem("dir", path=f"/data/{i}", target_protocol="memory", **options)


@SCENARIO.mitigation(
    "none", verdict="leak", packages=("fsspec==2026.9.0",), requires=("fsspec.implementations.dirfs",),
    holder="fsspec.implementations.dirfs.DirFileSystem._cache",
    summary="fsspec 2026.9.0: one instance a path",
)  # fmt: skip
def open_cached() -> "Callable[[int], object]":
    return opens()


@SCENARIO.mitigation(
    "workaround", verdict="steady", packages=("fsspec==2026.9.0",),
    requires=("fsspec.implementations.dirfs",), summary="skip_instance_cache=True",
    cost="nobody shares connections or listings any more",
)  # fmt: skip
def open_uncached() -> "Callable[[int], object]":
    return opens(skip_instance_cache=True)
