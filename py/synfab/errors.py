# SPDX-License-Identifier: Apache-2.0
"""The errors that a user can repair; the command line prints their sentence and exits with their code."""


class SynfabError(Exception):
    """Base of the errors whose message is one sentence for the user: what must hold, what came, the repair.

    Attributes
    ----------
    exit_code : int
        What the command line exits with.
    """

    exit_code = 1


class InputError(SynfabError, ValueError):
    """A config, file, argument or graph that cannot be worked with."""

    exit_code = 2


class MissingToolError(SynfabError, RuntimeError):
    """A simulator, compiler or package that the step needs is not installed; the message says how to get it."""

    exit_code = 3


class MismatchError(SynfabError, AssertionError):
    """A realisation answered differently from its reference; the message says which shot and how to replay it."""

    exit_code = 4


class OversizeError(SynfabError):
    """A design that needs more than its board has; the message says by how much."""

    exit_code = 5


class ToolError(SynfabError):
    """A tool that is there ended with an error of its own; the message holds its last lines and names its log."""

    exit_code = 6
