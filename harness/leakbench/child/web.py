"""A web application as a target: one step is one request, served in the process without a socket."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import Any

    from leakbench.child.target import Runner

_ASGI_ARGUMENTS = 3
_PORT = 80
_USUAL = "GET /"
_REDIRECTION, _ERROR, _SERVER_ERROR = 300, 400, 500  # statuses from here on


def make_step(
    app: "Any", arguments: int, request: "str | None", text: str, runner: "Runner"
) -> "tuple[Callable[[int], object], Callable[[], None]]":
    """``step(i)``, which sends "GET /path?query 404" to an ASGI or WSGI application, and its end."""
    from leakbench.child.target import UnusableError

    question = Question(request)
    if arguments >= _ASGI_ARGUMENTS:
        return _asgi(app, question, runner)
    if arguments == _ASGI_ARGUMENTS - 1:
        return _wsgi(app, question), _nothing
    raise UnusableError(
        f"{text} is no web application: ASGI takes three arguments, WSGI two, it takes {arguments}"
    )


class Question:
    """A request, and which status answers it.

    Without a status it is any below 400; to the usual request, which nobody chose, any below 300: behind a
    redirection to HTTPS or to a login nothing of the application would run.
    """

    __slots__ = ("_below", "_wanted", "method", "path", "query", "text")

    def __init__(self, request: "str | None") -> None:
        from leakbench.child.target import UnusableError

        self.text, _, status = (request or _USUAL).strip().rpartition(" ")
        self._wanted = int(status) if status.isdigit() and " " in self.text else None
        if self._wanted is None:
            self.text = (request or _USUAL).strip()
        self._below = _REDIRECTION if request is None else _ERROR
        method, _, path = self.text.partition(" ")
        self.method = method.upper()
        self.path, _, self.query = path.strip().partition("?")
        if not method.isalpha() or not path.startswith("/"):
            raise UnusableError(f"--request {request!r} is no request; write 'GET /path'")

    def judge(self, i: int, status: "int | None") -> None:
        """Take the answer to step `i`; None where there was none.

        Raises UnusableError for a wrong question, FailedError where the application is at fault.
        """
        if (
            status == self._wanted
            if self._wanted is not None
            else status is not None and status < self._below
        ):
            return
        from leakbench.child.target import FailedError, UnusableError

        if status is None:
            raise FailedError(f"{self.text}: the application returned without an answer")
        said = f"{self.text} is answered {_in_words(status)}"
        if self._wanted is not None:
            said += f", not {_in_words(self._wanted)}"
        if status >= _SERVER_ERROR or i > 0:
            raise FailedError(said)
        raise UnusableError(
            f"{said}: choose the request by --request 'GET /path';"
            f" where this answer is the one to check, by --request '{self.text} {status}'"
        )


def _in_words(status: int) -> str:
    from http import HTTPStatus

    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _nothing() -> None:
    pass


def _wsgi(app: "Any", question: Question) -> "Callable[[int], object]":
    from io import BytesIO

    status: int | None = None

    def start_response(line: str, _headers: "Any", _exc_info: "Any" = None) -> "Callable[[bytes], None]":
        nonlocal status
        status = int(line[:3])
        return lambda _body: None

    def step(i: int) -> None:
        nonlocal status
        status = None
        environ = {
            "REQUEST_METHOD": question.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": question.path,
            "QUERY_STRING": question.query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": str(_PORT),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        body = app(environ, start_response)
        try:
            for _ in body:
                pass
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        question.judge(i, status)

    return step


def _asgi(
    app: "Any", question: Question, runner: "Runner"
) -> "tuple[Callable[[int], object], Callable[[], None]]":
    loop = runner.loop()
    lifespan = _Lifespan(app, loop)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": question.method,
        "scheme": "http",
        "path": question.path,
        "raw_path": question.path.encode(),
        "query_string": question.query.encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 50_000),
        "server": ("localhost", _PORT),
    }

    async def one() -> "int | None":
        status: int | None = None
        sent = iter(({"type": "http.request", "body": b"", "more_body": False},))
        over: asyncio.Future[None] = loop.create_future()

        async def receive() -> "dict[str, Any]":
            for message in sent:
                return message
            await over
            return {"type": "http.disconnect"}

        async def send(message: "dict[str, Any]") -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            if message["type"] == "http.response.body" and not message.get("more_body") and not over.done():
                over.set_result(None)

        await app(dict(scope, state=dict(lifespan.state)), receive, send)
        if not over.done():
            over.set_result(None)
        return status

    def step(i: int) -> None:
        question.judge(i, loop.run_until_complete(one()))

    return step, lifespan.end


class _Lifespan:
    """The application's start-up and shut-down events; one that knows none of them is left alone."""

    def __init__(self, app: "Any", loop: "Any") -> None:
        import asyncio

        self.state: dict[str, Any] = {}
        self._loop = loop
        self._messages: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._answered = loop.create_future()
        self._messages.put_nowait({"type": "lifespan.startup"})
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self.state}
        self._task = loop.create_task(app(scope, self._messages.get, self._send))
        loop.run_until_complete(
            asyncio.wait({self._task, self._answered}, return_when=asyncio.FIRST_COMPLETED)
        )

    async def _send(self, message: "dict[str, str]") -> None:
        if message["type"] == "lifespan.startup.failed":
            raise RuntimeError(message.get("message") or "the application's start-up failed")
        if message["type"] == "lifespan.startup.complete" and not self._answered.done():
            self._answered.set_result(None)

    def end(self) -> None:
        import asyncio

        if self._task.done():
            self._task.exception()  # asked for, so that it is not reported as never retrieved
            return
        self._messages.put_nowait({"type": "lifespan.shutdown"})
        self._loop.run_until_complete(asyncio.wait({self._task}, timeout=5))
