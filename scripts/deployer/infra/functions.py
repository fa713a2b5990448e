"""CloudFormation's intrinsic functions, as far as the templates of `infra/` use them."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

NO_VALUE = object()
"""AWS::NoValue: whatever has this value is left out."""


class Functions:
    """The functions over some values.

    `values`: parameters and pseudo parameters by name; `conditions`: the template's; `attribute(logical id, name)` is
    a resource's attribute, with "" for the name what a Ref to it gives. An unknown name or function raises KeyError.
    """

    def __init__(
        self, values: Mapping[str, Any], conditions: Mapping[str, Any], attribute: Callable[[str, str], str]
    ) -> None:
        self._values, self._conditions, self._attribute = values, conditions, attribute
        self._by_name: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.holds,
            "Fn::Sub": self._sub,
            "Fn::GetAtt": lambda given: self._attribute(given[0], given[1]),
            "Fn::If": lambda given: self.resolve(given[1] if self.holds(given[0]) else given[2]),
            "Fn::Join": lambda given: self.resolve(given[0]).join(self.resolve(given[1])),
            "Fn::Split": lambda given: self.resolve(given[1]).split(given[0]),
            "Fn::Select": lambda given: self.resolve(given[1])[int(given[0])],
            "Fn::Base64": lambda given: base64.b64encode(self.resolve(given).encode()).decode(),
            "Fn::Equals": lambda given: self.resolve(given[0]) == self.resolve(given[1]),
            "Fn::Not": lambda given: not self.resolve(given[0]),
            "Fn::And": lambda given: all(self.resolve(each) for each in given),
            "Fn::Or": lambda given: any(self.resolve(each) for each in given),
        }

    def resolve(self, node: Any) -> Any:
        """The node with every function replaced by its value, and without what has no value."""
        if isinstance(node, list):
            return [each for each in map(self.resolve, node) if each is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if call := self._call(node):
            return call(*node.values())
        resolved = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not NO_VALUE}

    def _call(self, node: Mapping[str, Any]) -> Callable[[Any], Any] | None:
        """The function a mapping stands for, if it is one: `Condition` is also what a policy calls its conditions."""
        name = next(iter(node), "")
        if len(node) != 1 or (name == "Condition" and not isinstance(node[name], str)):
            return None
        return self._by_name[name] if name in ("Ref", "Condition") or name.startswith("Fn::") else None

    def holds(self, condition: str | None) -> bool:
        """Whether a condition of the template holds; None always does."""
        return condition is None or bool(self.resolve(self._conditions[condition]))

    def _ref(self, name: str) -> Any:
        return self._values[name] if name in self._values else self._attribute(name, "")

    def _sub(self, given: str | list[Any]) -> str:
        """`${Name}`, `${Resource.Attribute}`, `${AWS::Region}`; `${!Name}` stands for `${Name}` itself."""
        text, own = (given, {}) if isinstance(given, str) else (given[0], self.resolve(given[1]))
        return re.sub(r"\$\{([^}]+)\}", lambda found: self._substitute(found[1], own), text)

    def _substitute(self, name: str, own: Mapping[str, str]) -> str:
        if name.startswith("!"):
            return "${" + name[1:] + "}"
        if name in own:
            return own[name]
        resource, _, attribute = name.partition(".")
        return str(self._attribute(resource, attribute) if attribute else self._ref(name))
