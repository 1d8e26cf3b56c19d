"""Why a run cannot be: told to the person in one sentence, without a stack."""


class Failure(Exception):
    """What is wrong; how to repair it."""
