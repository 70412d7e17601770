"""Templates: texts of a configuration in which `$(...)` stands for what an expression finds in the request.

    template = Template('$(headers["x-user"] or query_params.user or "nobody")')
    template.render(Environment(exchange))

The expressions are Lua's, as Kong's users write them, without its loops, its library and its side effects:

    template    = { text | "$(" expression ")" }
    expression  = and { "or" and }
    and         = comparison { "and" comparison }
    comparison  = concat { ( "==" | "~=" | "<" | "<=" | ">" | ">=" ) concat }
    concat      = sum { ".." sum }
    sum         = product { ( "+" | "-" ) product }
    product     = unary { ( "*" | "/" | "%" ) unary }
    unary       = ( "not" | "-" | "#" ) unary | power
    power       = postfix [ "^" unary ]
    postfix     = ( NAME | "(" expression ")" | lambda ) { "." NAME | "[" expression "]" | call | ":" NAME call }
                | literal
    call        = "(" [ expression { "," expression } ] ")" | STRING
    literal     = "nil" | "true" | "false" | NUMBER | STRING
    lambda      = "(" "function" "(" ")" block "end" ")" "(" ")"
    block       = { "local" NAME [ "=" expression ] | NAME "=" expression | if | ";" } [ "return" [ expression ] ]
    if          = "if" expression "then" block { "elseif" expression "then" block } [ "else" block ] "end"

A text is parsed once, when the configuration is read, into Python closures: nothing is ever evaluated as code, there is
no loop and no recursion, patterns run in linear time, and a result is never longer than `LIMIT`. What cannot be parsed
raises `TemplateError` there and then; what goes wrong with a request (indexing nil, say) raises `TemplateFault`.

Texts are sequences of bytes, as in Lua: inside a template each character of a `str` is one byte (`texts`).
"""

from gateline.pdk.templates.environment import Environment
from gateline.pdk.templates.errors import LIMIT, TemplateError, TemplateFault
from gateline.pdk.templates.template import Template, template_problem
from gateline.pdk.templates.texts import from_bytes_text, percent_decoded, to_bytes_text

__all__ = [
    "LIMIT",
    "Environment",
    "Template",
    "TemplateError",
    "TemplateFault",
    "from_bytes_text",
    "percent_decoded",
    "template_problem",
    "to_bytes_text",
]
