"""Variables and vault references."""

import pytest

from gateline.declarative.references import expand, substitute
from gateline.entities.checkers import Substituted, Unresolved
from gateline.entities.references import BadReferenceError, Resolver, VaultReference

ENVIRON = {
    "HOST": "a.test",
    "EMPTY": "",
    "MY_SECRET_KEY": "s3cret",
    "APP_TOKEN": "t0ken",
    "LOGIN": '{"user": "bob", "port": 81, "on": true, "list": []}',
    "NO_JSON": "{",
}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("${HOST}", "a.test"),
        ("http://${HOST}:${PORT:-80}/", "http://a.test:80/"),
        ("${EMPTY}", ""),
        ("${EMPTY:-default}", "default"),
        ("${UNSET:-}", ""),
        ("$${HOST}", "${HOST}"),
        ("$$${HOST}", "$${HOST}"),
        ("$HOST", "$HOST"),
        ("~/x$", "~/x$"),
        ("a${2}", "a${2}"),
        ("${a.b}", "${a.b}"),
        ("${HOST", "${HOST"),
    ],
)
def test_variables_are_filled_in(text: str, expanded: str) -> None:
    assert expand(text, ENVIRON) == expanded


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(BadReferenceError, match=r"^environment variable 'UNSET' is not set$"):
        expand("x${UNSET}", ENVIRON)


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("{vault://env/host}", "a.test"),
        ("{vault://env/HOST}", "a.test"),
        ("{vault://env/my-secret-key}", "s3cret"),
        ("{vault://env/secret-key?prefix=my_}", "s3cret"),
        ("{vault://env/token?prefix=app-}", "t0ken"),
        ("{vault://env/login/user}", "bob"),
        ("{vault://env/login/port}", "81"),
        ("{vault://env/login/on}", "true"),
    ],
)
def test_vault_references_are_resolved(text: str, resolved: str) -> None:
    reference = VaultReference.parse(text)
    assert reference is not None
    assert Resolver(ENVIRON).resolve(reference) == resolved


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{vault://env/gone}", "environment variable 'GONE' is not set"),
        ("{vault://env/gone?prefix=X_}", "environment variable 'X_GONE' is not set"),
        ("{vault://env/no-json/user}", "environment variable 'NO_JSON' does not hold JSON"),
        ("{vault://env/login/gone}", "the JSON in environment variable 'LOGIN' has no text 'gone'"),
        ("{vault://env/login/list}", "the JSON in environment variable 'LOGIN' has no text 'list'"),
        ("{vault://aws/x}", "there is no vault named 'aws'"),
    ],
)
def test_references_that_lead_nowhere_are_told(text: str, message: str) -> None:
    reference = VaultReference.parse(text)
    assert reference is not None
    with pytest.raises(BadReferenceError) as caught:
        Resolver(ENVIRON).resolve(reference)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["{vault://env/}", "{vault://env}", "x{vault://env/host}", "{vault://env/host} ", ""])
def test_what_is_no_whole_reference_is_a_text(text: str) -> None:
    assert VaultReference.parse(text) is None
    assert substitute(text, Resolver(ENVIRON)) == text


def test_data_is_copied_and_comments_are_not_looked_at() -> None:
    data = {"_comment": "${UNSET}", "a": ["${HOST}", 5, {"b": "{vault://env/gone}"}], "c": "plain"}
    assert substitute(data, Resolver(ENVIRON)) == {
        "_comment": "${UNSET}",
        "a": ["a.test", 5, {"b": Unresolved("environment variable 'GONE' is not set", "{vault://env/gone}")}],
        "c": "plain",
    }
    assert isinstance(substitute("${HOST}", Resolver(ENVIRON)), Substituted)
    assert data["a"][0] == "${HOST}"
