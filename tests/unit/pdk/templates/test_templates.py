"""What templates are, and what they see of a request."""

from typing import Any

import pytest

from gateline.pdk import Consumer, Credential
from gateline.pdk.templates import (
    LIMIT,
    Template,
    TemplateError,
    TemplateFault,
    from_bytes_text,
    template_problem,
    to_bytes_text,
)
from unit.pdk.templates.requests import environment, rendered

PREFIXED = """$((function()
    local value = headers.Authorization
    if not value then
      return
    end
    if value:sub(1, 6) == "Basic " then
      return value            -- it has its prefix
    end
    return "Basic " .. value
  end)())"""


def test_a_text_without_expressions_is_constant() -> None:
    template = Template("a (b) $c")
    assert (template.constant, template.names) == ("a (b) $c", frozenset())
    assert Template("a$(headers.b)").constant is None


def test_texts_stand_around_expressions() -> None:
    assert rendered("/u/$(uri_captures.id)/x$(query_params.q)", captures=((), {"id": "7"}), query="q=1") == "/u/7/x1"


@pytest.mark.parametrize("name", ["x-user-id", "X-User-ID", "x_user_id", "X_User_Id"])
def test_headers_are_found_in_any_case_and_with_underscores(name: str) -> None:
    assert rendered(f'$(headers["{name}"])', headers={"x-user-id": ["7"]}) == "7"


def test_a_header_whose_name_has_an_underscore_comes_first() -> None:
    assert rendered("$(headers.x_a)", headers={"x_a": ["1"], "x-a": ["2"]}) == "1"


def test_a_header_that_came_twice_is_a_list() -> None:
    twice = {"x-a": ["1", "2"]}
    assert rendered("$(headers.x_a)", headers=twice) == "1, 2"
    assert rendered('$(type(headers.x_a) == "table" and headers.x_a[2] or headers.x_a)', headers=twice) == "2"
    assert rendered("$(#headers.x_a)", headers=twice) == "2"


def test_query_parameters_are_decoded() -> None:
    assert rendered("$(query_params.a)|$(query_params['b c'])", query="a=%2F+x&b+c=%C3%A9") == "/ x|\u00c3\u00a9"
    assert rendered("$(query_params.a)$(query_params.b)", query="a") == "true"
    assert rendered("$(query_params.a[2])", query="a=1&a=2") == "2"


def test_captures_are_found_by_name_and_place() -> None:
    captures = (("/a/b", "a", None), {"first": "a"})
    assert rendered("$(uri_captures[0]) $(uri_captures[1]) $(uri_captures.first)", captures=captures) == "/a/b a a"
    assert rendered("$(uri_captures[2] or uri_captures[9] or 'none')", captures=captures) == "none"


def test_what_plugins_share_is_there() -> None:
    shared = {"n": 3, "yes": True, "list": ["a", "b"], "map": {"x": {"y": "z"}}, "raw": b"\xe9", "text": "é"}
    assert rendered("$(shared.n + 1) $(shared.yes) $(shared.list[2]) $(shared.map.x.y)", context=shared) == "4 true b z"
    assert rendered("$(shared.raw)$(shared.text)$(shared.none)", context=shared) == "\u00e9\u00c3\u00a9"


def test_consumer_and_credential_are_empty_before_there_is_one() -> None:
    assert rendered("$(consumer.username or credential.id or 'nobody')") == "nobody"
    someone = Consumer("c-1", username="ann", groups=("gold",))
    source = "$(consumer.username) $(consumer.groups[1]) $(credential.identifier)"
    assert rendered(source, consumer=someone, credential=Credential("k-1", identifier="key")) == "ann gold key"


def test_nothing_of_a_credential_but_who_it_is_can_be_read() -> None:
    credential = Credential("k-1", fields={"key": "s3cret"})
    assert rendered("$(credential.fields)$(credential.key)", credential=credential) == ""


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("$('$(x)')", "$(x)"),
        ("$(')')", ")"),
        ("$(nil)$(false)$(true)", "true"),
        ("$(10 * '2')", "20"),
        ("$(1 / 3)", "0.33333333333333"),
        ("$(0x10 + .5)", "16.5"),
        ("$(-3 % 5) $(2 ^ 3 ^ 2) $(-2 ^ 2) $(1 / 0)", "2 512 -4 inf"),
        ("$(1 + 2 .. 'x' .. 3)", "3x3"),
        ("$(1 < 2 and 'b' > 'a' and 1 ~= '1' and not nil)", "true"),
        ("$(nil == false or 'no')", "no"),
        ("$(#'abc' + #('a' .. 'b'))", "5"),
        ("$('a\\'\\n\\65\\x42')", "a'\nAB"),
        ("$([[a'b\"]])", "a'b\""),
        ("$(tostring(nil) .. tonumber('0x1f') .. tonumber('z', 36))", "nil3135"),
        ("$(type(type) .. type(string) .. type(1 == 1))", "functiontableboolean"),
        ("$(string.upper 'abc')", "ABC"),
        ("$(--[[ no\n1 --x\n+ 1)", None),
        ("$(1 -- one\n + 1)", "2"),
        ("$(('abc'):sub(2):upper():rep(2))", "BCBC"),
    ],
)
def test_expressions_follow_lua(source: str, text: str | None) -> None:
    if text is None:
        assert template_problem(source)
    else:
        assert rendered(source) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("abc:sub(-2)", "bc"),
        ("abc:sub(2, 2)", "b"),
        ("abc:sub(0, 9)", "abc"),
        ("abc:sub(3, 2)", ""),
        ("abc:len()", "3"),
        ("abc:reverse()", "cba"),
        ("abc:byte(2)", "98"),
        ("abc:byte(9)", ""),
        ("abc:find('c', 1, true)", "3"),
        ("abc:find('b.')", "2"),
        ("abc:find('a', 2)", ""),
        ("abc:match('b(.)')", "c"),
        ("abc:match('^%a+$')", "abc"),
        ("abc:match('%d')", ""),
        ("abc:gsub('[ab]', 'x')", "xxc"),
        ("abc:gsub('[ab]', 'x', 1)", "xbc"),
        ("abc:gsub('(a)(b)', '%2%1%%')", "ba%c"),
        ("abc:gsub('%w', '<%0>')", "<a><b><c>"),
        ("abc:gsub('^a', '')", "bc"),
        ("string.gsub(abc, '.', 1)", "111"),
        ("string.format('%5.1f|%-3s|%03d|%x|%%', 2.25, abc, 7, 255)", "  2.2|abc|007|ff|%"),
        ("string.char(65, 66)", "AB"),
    ],
)
def test_string_functions(source: str, text: str) -> None:
    assert rendered(f"$({source.replace('abc', 'query_params.q')})", query="q=abc") == text


def test_lambdas_have_variables_and_branches() -> None:
    assert rendered(PREFIXED) == ""
    assert rendered(PREFIXED, headers={"authorization": ["abc"]}) == "Basic abc"
    assert rendered(PREFIXED, headers={"authorization": ["Basic abc"]}) == "Basic abc"
    source = (
        "$((function() local a = 1; if a == 2 then return 'x' elseif a == 3 then a = 0 else a = 5 end return a end)())"
    )
    assert rendered(source) == "5"
    nested = "$((function() local a = 'o' local b = (function() local a = 'i' return a end)() return a .. b end)())"
    assert rendered(nested) == "oi"
    assert rendered("$((function() if true then local x = 1 end return x end)())") == ""


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("$(uri_captures user2)", "expected ')', found 'user2' at character 16"),
        ("$(shared.written = true)", "expected ')', found '=' at character 18"),
        ("a $(", "expected an expression, found the end of the template at character 5"),
        ("$(a", "expected ')', found the end of the template at character 4"),
        ("$()", "expected an expression, found ')' at character 3"),
        ("$('a)", "unfinished string at character 3"),
        ("$([[a)", "unfinished long string at character 3"),
        ("$(a!b)", "unexpected '!' at character 4"),
        ("$(3x)", "malformed number near '3x' at character 3"),
        ("$('\\300')", "escape sequence too large at character 3"),
        ("$(a.if)", "expected a name, found 'if' at character 5"),
        ("$(a:gsub(b, ''))", "the pattern of 'gsub' must be a literal string at character 5"),
        ("$(a:gsub('a'))", "too few arguments to 'gsub' at character 5"),
        ("$(a:match('%b()'))", "'%b' is not supported at character 5"),
        ("$(a:match('[a'))", "malformed pattern: missing ']' at character 5"),
        ("$(a:match('(a'))", "malformed pattern: unfinished capture at character 5"),
        ("$(a:match('%'))", "malformed pattern: ends with '%' at character 5"),
        ("$(a:dump())", "there is no string function 'dump' at character 5"),
        (
            "$((function() while true do end end)())",
            "expected 'local', 'if', 'return' or 'end', found 'while' at charac",
        ),
        ("$((function() print(1) end)())", "only local variables can be assigned to, and nothing else be done"),
        ("$((function() headers = 1 end)())", "only local variables can be assigned to, and nothing else be done"),
        (f"$({'(' * 50}1{')' * 50})", "the expression is nested too deep at character"),
        (f"$(a{'.b' * 50})", "the expression is nested too deep at character"),
        (f"$({'- ' * 50}1)", "the expression is nested too deep at character"),
        (f"$({'not ' * 50}1)", "the expression is nested too deep at character"),
        ("x" * (LIMIT + 1), "the template is longer than"),
    ],
)
def test_what_cannot_be_parsed_says_where(source: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template(source)
    assert str(caught.value).startswith(message)
    assert str(template_problem(source)).endswith(str(caught.value))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("$(ERROR())", "attempt to call global 'ERROR' (a nil value)"),
        ("$(foo.bar)", "attempt to index global 'foo' (a nil value)"),
        ("$(headers.a.b)", "attempt to index field 'a' (a nil value)"),
        ("$(headers.a .. 'x')", "attempt to concatenate a nil value"),
        ("$(10 * headers.a)", "attempt to perform arithmetic on a nil value"),
        ("$(10 * 'ten')", "attempt to perform arithmetic on a string value"),
        ("$(1 < 'a')", "attempt to compare number with string"),
        ("$(nil < nil)", "attempt to compare two nil values"),
        ("$(#5)", "attempt to get length of a number value"),
        ("$(headers)", "a table cannot be written"),
        ("$(shared.thing)", "a userdata cannot be written"),
        ("$(shared.thing.__class__)", "attempt to index field 'thing' (a userdata value)"),
        ("$(headers.a:upper())", "attempt to call method 'upper' of a nil value"),
        ("$(string.nope('a'))", "attempt to call field 'nope' (a nil value)"),
        ("$(string.upper())", "bad arguments to 'upper' (0 given)"),
        ("$(string['g' .. 'sub']('a', 'b', 'c'))", "'gsub' can only be called by its name"),
        ("$(('x'):gsub('x', nil))", "gsub replaces by a string, not by a nil"),
        ("$(('x'):gsub('x', '%2'))", "invalid capture index %2 in gsub"),
        ("$(string.char(256))", "invalid value for string.char: not a byte"),
        ("$(string.format('%q', 1))", "invalid option '%q' to 'format'"),
    ],
)
def test_what_goes_wrong_with_a_request_is_a_fault(source: str, message: str) -> None:
    template = Template(source)
    with pytest.raises(TemplateFault) as caught:
        template.render(environment(context={"thing": object()}))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "source",
    [
        "$(('x'):rep(1e9))",
        "$((function() local a = ('x'):rep(60000) local b = a .. a return b end)())",
        "$(('x'):rep(60000):gsub('x', ('y'):rep(60000)))",
        "$(('x'):rep(60000):gsub('x+', ('%0'):rep(30000)))",
        "$(string.format('%s%s', ('x'):rep(60000), ('x'):rep(60000)))",
        "$(('x'):rep(60000))$(('x'):rep(60000))",
    ],
)
def test_no_text_grows_without_end(source: str) -> None:
    with pytest.raises(TemplateFault, match="a text is longer than 65536 bytes"):
        rendered(source)


def test_a_pattern_that_backtracks_elsewhere_runs_in_linear_time() -> None:
    source = f"$(('a'):rep(30000):match('{'a*' * 12}b'))"
    assert rendered(source) == ""


def test_headers_can_be_kept_before_they_are_changed() -> None:
    lines = {"x-a": ["1"]}
    env = environment(headers=lines)
    env.keep_headers()
    del lines["x-a"]
    assert Template("$(headers.x_a)").render(env) == "1"


@pytest.mark.parametrize("text", ["plain", "é \u20ac \U0001f600", "\udcff"])
def test_texts_are_bytes_inside_and_come_back(text: str) -> None:
    inside = to_bytes_text(text)
    assert all(ord(character) < 256 for character in inside)
    assert from_bytes_text(inside) == text
    assert rendered(text) == inside


def test_odd_keys_find_nothing() -> None:
    odd: dict[str, Any] = {"headers": {"a": ["1", "2"]}, "context": {"map": {"x": 1}}}
    assert rendered("$(headers[1] or query_params[headers.a] or shared.map[headers.a] or 'none')", **odd) == "none"
