"""The fields of pre-function and post-function: a list of codes for each phase, as Kong has them."""

from typing import Annotated

from gateline.pdk import PluginConfig, permissions
from gateline.pdk.fields import AtLeastOneOf, Field, Format
from gateline.plugins.serverless.code import CodePhase, problem_of

__all__ = ["AT_LEAST_ONE", "PHASES", "Config"]

PHASES: tuple[CodePhase, ...] = ("certificate", "rewrite", "access", "header_filter", "body_filter", "log")

AT_LEAST_ONE = AtLeastOneOf(tuple(f"config.{phase}" for phase in PHASES))


def _check(phase: CodePhase) -> Format:
    def problem(source: str) -> str | None:
        return problem_of(source, phase, allowed=permissions.untrusted_python())

    return Format(problem)


class Config(PluginConfig):
    """The configuration: codes by phase."""

    certificate: Annotated[
        tuple[Annotated[str, _check("certificate")], ...],
        Field(description="Run in a TLS handshake, with the name `handshake`; for plugins without a scope."),
    ] = ()
    rewrite: Annotated[
        tuple[Annotated[str, _check("rewrite")], ...],
        Field(description="Run before routing; for plugins without a scope."),
    ] = ()
    access: Annotated[
        tuple[Annotated[str, _check("access")], ...], Field(description="Run before the service is asked.")
    ] = ()
    header_filter: Annotated[
        tuple[Annotated[str, _check("header_filter")], ...],
        Field(description="Run when the head of an answer is there."),
    ] = ()
    body_filter: Annotated[
        tuple[Annotated[str, _check("body_filter")], ...],
        Field(
            description="Run for each piece of an answer's body, with the names `data` and `last`; returns the new one."
        ),
    ] = ()
    log: Annotated[
        tuple[Annotated[str, _check("log")], ...], Field(description="Run when the client has its answer.")
    ] = ()
