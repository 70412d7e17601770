"""What the declarations of configurations and entities are made of: types, constraints, marks and checks.

class Config(PluginConfig):
    status_code: Annotated[int, Between(100, 599), Field(description="The status of the answer.")] = 503
"""

from pydantic import Field

from gateline.entities import Entity, Expiring, Record, Reference
from gateline.entities.checks import (
    AllOrNoneOf,
    AtLeastOneOf,
    AtMostOneOf,
    Check,
    Conditional,
    Custom,
    Distinct,
    Empty,
    ExactlyOneOf,
    ExclusiveSets,
    Null,
    OneOfWhen,
    There,
)
from gateline.entities.constraints import (
    Between,
    Constraint,
    Contains,
    Each,
    Format,
    GreaterThan,
    Matches,
    MinLength,
    NotNamed,
    NotOneOf,
    OneOf,
    StartsWith,
    StartsWithAny,
    Timestamp,
    Uuid,
    Without,
)
from gateline.entities.fields import HeaderName, Host, IpOrCidr, Milliseconds, Name, Port, Tags, Url
from gateline.entities.formats import regex as regex_problem
from gateline.entities.marks import AsSet, Auto, DefaultForNull, Ref, Secret, To, Unique
from gateline.entities.shorthand import Shorthand, old_name

__all__ = [
    "AllOrNoneOf",
    "AsSet",
    "AtLeastOneOf",
    "AtMostOneOf",
    "Auto",
    "Between",
    "Check",
    "Conditional",
    "Constraint",
    "Contains",
    "Custom",
    "DefaultForNull",
    "Distinct",
    "Each",
    "Empty",
    "Entity",
    "ExactlyOneOf",
    "ExclusiveSets",
    "Expiring",
    "Field",
    "Format",
    "GreaterThan",
    "HeaderName",
    "Host",
    "IpOrCidr",
    "Matches",
    "Milliseconds",
    "MinLength",
    "Name",
    "NotNamed",
    "NotOneOf",
    "Null",
    "OneOf",
    "OneOfWhen",
    "Port",
    "Record",
    "Ref",
    "Reference",
    "Secret",
    "Shorthand",
    "StartsWith",
    "StartsWithAny",
    "Tags",
    "There",
    "Timestamp",
    "To",
    "Unique",
    "Url",
    "Uuid",
    "Without",
    "old_name",
    "regex_problem",
]
