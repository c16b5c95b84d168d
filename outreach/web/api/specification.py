"""What OpenAPI 3.1 says of the interface, and the check of what a program asks: the only module that knows spectree."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel
from spectree import Response, SecurityScheme, SpecTree
from spectree.models import SecureType, SecuritySchemeData

from outreach import __version__
from outreach.core.text.errors import InputError
from outreach.web.api.shapes import CloudEvents, Problem

View = TypeVar("View", bound=Callable[..., Any])
Shape = TypeVar("Shape", bound=BaseModel)
JSON, PROBLEM, EVENTS = "application/json", "application/problem+json", "application/cloudevents-batch+json"
READ = (400, 401, 403, 429, 503)
OF_ONE, OF_PROGRAMME, WRITTEN = (*READ, 404), (*READ, 404, 409), (*READ, 404, 409, 411, 413, 415)
NAME = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}
NUMBER = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
SHAPES: dict[str, type[BaseModel]] = {}  # of answers, by endpoint
KEY = SecuritySchemeData(type=SecureType.HTTP, scheme="bearer")


class _Stated(Response):
    """States the shape of answers. A test holds them to it, so that no answer is read again as it leaves."""

    def find_model(self, code: int) -> None:
        """No shape to check an answer by."""
        del code


def _named(model: type[BaseModel]) -> str:
    """The name of a shape in the document: a page's is that of its items."""
    return _of_field(model.__name__.replace("[", "Of").replace("]", ""))


def _of_field(name: str) -> str:
    """A name of the field, without what tells answers apart from tables in these modules."""
    return name.removesuffix("Output")


def _refuse(_request: object, _answer: object, fault: Exception | None, *_rest: object) -> None:
    """Raise InputError, with the first fault of a query or a body."""
    if fault is None:
        return
    first = fault.errors()[0] if hasattr(fault, "errors") else {}
    where = ".".join(str(part) for part in first.get("loc", ()))[:80]
    raise InputError(f"Ce qui est demandé ne se lit pas{f' : « {where} »' if where else ''}. {_hint(first)}")


def _hint(fault: Mapping[str, Any]) -> str:
    return "Ce nom est inconnu." if fault.get("type") == "extra_forbidden" else "Voyez /api/v1/openapi.json."


_SPEC = SpecTree(
    "flask",
    title="Sensibilisation",
    version=__version__,
    description=(
        "Ce que le service dit à d’autres programmes. Une clé le lit : Authorization: Bearer. "
        "Écrire demande une clé qui en a le droit : toute autre reçoit 403."
    ),
    naming_strategy=_named,
    nested_naming_strategy=lambda _parent, child: _of_field(child),
    validation_error_model=Problem,
    validation_error_status=400,
    before=_refuse,
    after=lambda *_: None,
    annotations=False,
    mode="strict",
    security_schemes=[SecurityScheme(name="key", data=KEY)],
    security={"key": []},
)


def answers(
    operation: str,
    shape: type[BaseModel],
    query: type[BaseModel],
    *,
    body: type[BaseModel] | None = None,
    faults: tuple[int, ...] = READ,
) -> Callable[[View], View]:
    """Check what a view is asked, and state it with the shape of its answer, as an operation of that name.

    The docstring of the view is told, its first line as a summary.

    What was asked is `query_as` and `body_as` these types.
    """
    shapes = {f"HTTP_{code}": Problem for code in faults}
    said = _Stated(HTTP_200=shape, **shapes)
    decorate: Callable[[View], View] = _SPEC.validate(query=query, json=body, resp=said, operation_id=operation)

    def state(view: View) -> View:
        SHAPES[f"api.{view.__name__}"] = shape
        return decorate(view)

    return state


def query_as(shape: type[Shape]) -> Shape:
    """The query of this request, as the type that its view states."""
    del shape
    asked: Shape = request.context.query  # type: ignore[attr-defined]
    return asked


def body_as(shape: type[Shape]) -> Shape:
    """The body of this request, as the type that its view states."""
    del shape
    sent: Shape = request.context.json  # type: ignore[attr-defined]
    return sent


@cache
def document() -> Mapping[str, Any]:
    """The document. Faults have a media type of their own, numbers in paths a range, which spectree cannot say."""
    told: dict[str, Any] = deepcopy(_SPEC.spec)
    for name, shape in told["components"]["schemas"].items():
        shape["title"] = name  # by which generated clients name their classes
        if "enum" in shape:
            shape.pop("description", None)  # of those who work on the service
    for path in told["paths"].values():
        for operation in path.values():
            _complete(operation)
    return told


def _complete(operation: dict[str, Any]) -> None:
    """Say of an operation what spectree cannot say."""
    if "requestBody" in operation:
        operation["parameters"].append(NAME)
    for parameter in operation["parameters"]:
        if parameter["in"] == "path" and parameter["schema"] is None:
            parameter["schema"] = NUMBER
    for code, answer in operation["responses"].items():
        if int(code) >= 400:
            answer["content"] = {PROBLEM: answer["content"].pop(JSON)}
        elif answer["content"][JSON]["schema"]["$ref"].endswith(f"/{CloudEvents.__name__}"):
            answer["content"] = {EVENTS: answer["content"].pop(JSON)}
