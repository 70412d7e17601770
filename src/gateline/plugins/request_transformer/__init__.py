"""request-transformer: changes a request on its way to the service: its method, path, headers, query and body.

Names are removed, then renamed, then values replaced where there are some, added where there are none, and appended to
what there is. Values are templates (`$(headers.x_user)`) over the request as it was received. Bodies are changed that
are JSON, forms or multipart forms; any other passes as it is.
"""

from gateline.plugins.request_transformer.plugin import RequestTransformer, RequestTransformerAdvanced

__all__ = ["RequestTransformer", "RequestTransformerAdvanced"]
