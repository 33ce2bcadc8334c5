"""Brings a person's own step to life: whatever they named, one call of ``step(i)`` is one operation.

A target is ``path/to/file.py::name`` or ``package.module:name``; `name` may go down attributes
(``service.handle``). The module may define `leakcheck_setup` and `leakcheck_teardown`, called without
arguments before the first and after the last step.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType
    from typing import Any

_VARARGS = 0x04  # code flag CO_VARARGS; see inspect
SETUP, TEARDOWN = "leakcheck_setup", "leakcheck_teardown"


class UnusableError(Exception):
    """The target is not one that can be checked: the person's to mend."""


class FailedError(Exception):
    """The target itself failed, without raising: it answered with an error. Its message says all."""


class HookError(Exception):
    """The module's setup has raised; the cause is what it raised. Its message names the function."""


class Runner:
    """Runs what a call has given to its end: a coroutine or a generator has not run yet.

    All on one event loop, which there is once something is awaited.
    """

    __slots__ = ("_loop",)

    def __init__(self) -> None:
        self._loop: Any = None

    def run_to_its_end(self, answer: "Any") -> None:
        kind = type(answer)
        if hasattr(kind, "gi_frame"):
            for _ in answer:
                pass
        elif _is_lazy(answer):
            self.loop().run_until_complete(
                _awaited(answer) if hasattr(kind, "__await__") else _drained(answer)
            )

    def loop(self) -> "Any":
        """The event loop."""
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        return self._loop

    def waiting_codes(self) -> "list[CodeType]":
        """The code of the coroutines that wait on the loop for their time."""
        if self._loop is None:
            return []
        import asyncio

        waiting: list[Any] = [task.get_coro() for task in asyncio.all_tasks(self._loop)]
        return [each.cr_code for each in waiting if hasattr(each, "cr_code")]

    def call(self, module: "ModuleType", name: str) -> None:
        """Call a function of the module's, if it has one of that name."""
        hook = getattr(module, name, None)
        if hook is not None:
            self.run_to_its_end(hook())

    def close(self) -> None:
        if self._loop is not None:
            self._loop.close()


class Target:
    """A loaded target: `step` to be called with 0, 1, 2, …, and `close` for when it is over."""

    __slots__ = ("_end", "_runner", "file", "has_teardown", "roots", "step")

    def __init__(
        self,
        step: "Callable[[int], object]",
        end: "Callable[[], None]",
        module: "ModuleType",
        runner: "Runner | None" = None,
    ) -> None:
        self.step = step
        self._end = end
        self._runner = runner or Runner()
        self.roots = {module.__name__: vars(module)}  # where what grows is looked for first
        self.file = getattr(module, "__file__", None)
        self.has_teardown = hasattr(module, TEARDOWN)

    def try_step(self, i: int) -> None:
        """Do a step and look at what it gives.

        From the first answer on that has yet to run, `step` runs each to its end. Others are never looked
        at: it would take longer than many a step.
        """
        call = self.step
        answer = call(i)
        if _is_lazy(answer):
            run_to_its_end = self._runner.run_to_its_end
            self.step = lambda i: run_to_its_end(call(i))
            run_to_its_end(answer)

    def waiting_codes(self) -> "list[CodeType]":
        """As the runner's."""
        return self._runner.waiting_codes()

    def close(self) -> None:
        """Call the module's teardown, and let go of the event loop."""
        try:
            self._end()
        finally:
            self._runner.close()


def _is_lazy(answer: object) -> bool:
    """Whether it is an awaitable, a generator or an asynchronous one, those of C extensions included."""
    kind = type(answer)
    return hasattr(kind, "__await__") or hasattr(kind, "gi_frame") or hasattr(kind, "ag_frame")


async def _awaited(answer: "Any") -> None:
    await answer


async def _drained(answer: "Any") -> None:
    async for _ in answer:
        pass


def load(text: str, request: "str | None") -> Target:
    """Import the target and make a step of it. Raises UnusableError for what is the person's to mend."""
    module, name = _module_of(text)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise UnusableError(f"{text}: {_nearest(found, part, module)}")
        found = getattr(found, part)
    if not callable(found):
        raise UnusableError(f"{text} is not callable: it is {with_article(type(found).__name__)}")
    for hook in (SETUP, TEARDOWN):
        _examine_hook(getattr(module, hook, None), hook, text)
    runner = Runner()
    try:
        runner.call(module, SETUP)
    except BaseException as error:
        raise HookError(SETUP) from error
    step, close = make_step(found, text, request, runner)

    def end() -> None:
        close()
        runner.call(module, TEARDOWN)

    return Target(step, end, module, runner)


def make_step(
    found: "Any", text: str, request: "str | None", runner: Runner
) -> "tuple[Callable[[int], object], Callable[[], None]]":
    """``step(i)`` and what ends it, by how the target wants to be called."""
    wanted = _positional(found)
    if request is not None or _is_web(wanted):
        from leakbench.child import web

        return web.make_step(found, len(wanted or ()), request, text, runner)
    required = [name for name, is_required in (wanted or ()) if is_required]
    if len(required) > 1:
        raise UnusableError(
            f"{text} wants {len(required)} arguments ({', '.join(required)}):"
            " a step is called as f(i), or f() where it takes nothing"
        )
    if wanted is not None and not wanted:
        return (lambda _i: found()), _nothing
    return found, _nothing


def _module_of(text: str) -> "tuple[ModuleType, str]":
    if "::" in text:
        path, _, name = text.partition("::")
        if not path:
            raise UnusableError(f"{text!r} names no file; write path/to/file.py::name")
        if "::" in name:
            raise UnusableError(f"{text!r} names no function; write {path}::{name.replace('::', '.')}")
        return _from_file(path), _named(name, text)
    module, _, name = text.rpartition(":")
    if not module:
        raise UnusableError(f"{text!r} is no target; write path/to/file.py::name or package.module:name")
    sys.path.insert(0, os.getcwd())
    from importlib import import_module

    try:
        return import_module(module), _named(name, text)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(error.name + ".")):
            raise UnusableError(
                f"no module {error.name!r} in {os.getcwd()} or on the interpreter's path"
            ) from None
        raise


def _from_file(path: str) -> "ModuleType":
    """Import a file as its interpreter would, under the name it has inside its package, if it has one."""
    full = os.path.abspath(path)
    if not os.path.isfile(full):
        raise UnusableError(f"no file {path}")
    folder, base = os.path.split(full)
    names = [os.path.splitext(base)[0]]
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        names.insert(0, package)
    if names[-1] == "__init__":
        names.pop()
    sys.path.insert(0, folder)
    dotted = ".".join(names)
    if not full.endswith(".py") or (dotted in sys.modules and not _is_from(sys.modules[dotted], full)):
        return _under_another_name("leakcheck_" + names[-1], full)
    from importlib import import_module

    return import_module(dotted)


def _is_from(module: "ModuleType", file: str) -> bool:
    return os.path.abspath(getattr(module, "__file__", None) or "") == file


def _under_another_name(name: str, file: str) -> "ModuleType":
    """A file whose own name is taken, as a `token.py` or `code.py` is by the standard library's."""
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_loader

    spec = spec_from_loader(name, SourceFileLoader(name, file))
    if spec is None or spec.loader is None:
        raise UnusableError(f"{file} is not a Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _named(name: str, text: str) -> str:
    if not name:
        raise UnusableError(f"{text!r} names no function; write path/to/file.py::name")
    return name


def _positional(found: "Any") -> "list[tuple[str, bool]] | None":
    """(name, is required) of what can be given by position; None where Python does not say.

    A plain function or method is read by its code object: `inspect` takes 10 ms, and a fifth of every
    collection afterwards.
    """
    function = getattr(found, "__func__", found)
    code = getattr(function, "__code__", None)
    if code is None or hasattr(function, "__wrapped__") or hasattr(function, "__signature__"):
        return _by_signature(found)
    if code.co_kwonlyargcount > len(function.__kwdefaults__ or ()):
        return _by_signature(found)
    names = code.co_varnames[: code.co_argcount]
    required = len(names) - len(function.__defaults__ or ())
    wanted = [(name, position < required) for position, name in enumerate(names)]
    if function is not found:
        del wanted[0]  # self is given
    if code.co_flags & _VARARGS:
        wanted.append(("*", False))
    return wanted


def _by_signature(found: "Any") -> "list[tuple[str, bool]] | None":
    import inspect

    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return None
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    wanted = []
    for parameter in signature.parameters.values():
        required = parameter.default is inspect.Parameter.empty
        if parameter.kind in by_position:
            wanted.append((parameter.name, required))
        elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            wanted.append(("*", False))
        elif parameter.kind is inspect.Parameter.KEYWORD_ONLY and required:
            raise UnusableError(
                f"the target wants a keyword argument, {parameter.name!r}: a step is called as f(i)"
            )
    return wanted


def _is_web(wanted: "list[tuple[str, bool]] | None") -> bool:
    names = tuple(name for name, _ in wanted or ())
    return names in (("scope", "receive", "send"), ("environ", "start_response"))


def _nearest(holder: object, part: str, module: "ModuleType") -> str:
    from difflib import get_close_matches

    where = module.__name__ if holder is module else type(holder).__name__
    near = get_close_matches(part, [name for name in dir(holder) if not name.startswith("__")], n=3)
    hint = "; did you mean " + " or ".join(repr(name) for name in near) + "?" if near else ""
    return f"{where} has no {part!r}{hint}"


def _examine_hook(hook: "Any", name: str, text: str) -> None:
    """Raise UnusableError for a setup or teardown that cannot be called without arguments."""
    if hook is None:
        return
    if not callable(hook):
        raise UnusableError(f"{text}: {name} is not callable: it is {with_article(type(hook).__name__)}")
    required = [argument for argument, is_required in (_positional(hook) or ()) if is_required]
    if required:
        raise UnusableError(f"{text}: {name} wants {', '.join(required)}: it is called without arguments")


def _nothing() -> None:
    pass


def with_article(name: str) -> str:
    """A type's name as a sentence has it: "an int", "a dict", "an OrderedDict"."""
    return ("an " if name[0] in "aeiouAEIO" else "a ") + name
