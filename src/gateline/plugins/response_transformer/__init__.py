"""response-transformer: changes an answer on its way to the client: its headers, and its body where that is JSON.

Names are removed, then renamed, then values replaced where there are some, added where there are none, and appended to
what there is. A body is changed whose Content-Type is `application/json` or ends in `+json`; the answer is then kept
until it is there whole, and one that is longer than `plugin_body_limit` is refused.
"""

from gateline.plugins.response_transformer.advanced import ResponseTransformerAdvanced
from gateline.plugins.response_transformer.plugin import ResponseTransformer

__all__ = ["ResponseTransformer", "ResponseTransformerAdvanced"]
