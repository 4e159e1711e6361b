"""Reads an ARM template and its Terraform twin, works out every expression in them, and says what is wrong.

Both end as the same thing: resources by their ids, with everything that is said of each. What is known only in Azure stays a
mark such as `ID#properties.hostName`.
"""

from __future__ import annotations

import base64
import hashlib
import re
import textwrap
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hcl2

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
TENANT = "99999999-8888-7777-6666-555555555555"
ARM_GUIDS = uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
TOP = {"$schema", "contentVersion", "metadata", "parameters", "variables", "resources", "outputs"}
OF_RESOURCES = {"type", "apiVersion", "name", "scope", "location", "tags", "identity", "kind", "sku", "dependsOn", "properties"}
ROLES = "Microsoft.Authorization/roleAssignments"

# "Naming rules and restrictions for Azure resources", Microsoft Learn
NAMES = {
    "Microsoft.DigitalTwins/digitalTwinsInstances": r"(?=.{3,63}$)[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]",
    "Microsoft.DigitalTwins/digitalTwinsInstances/endpoints": r"(?=.{2,49}$)[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]",
    "Microsoft.EventHub/namespaces": r"(?=.{6,50}$)[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]",
    "Microsoft.EventHub/namespaces/eventhubs": r"(?=.{1,256}$)[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]",
    "Microsoft.ServiceBus/namespaces": r"(?=.{6,50}$)(?!.*(-sb|-mgmt)$)[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]",
    "Microsoft.EventGrid/topics": r"[A-Za-z0-9-]{3,50}",
    "Microsoft.Kusto/clusters": r"(?=.{4,22}$)[a-z][a-z0-9]*",
    "Microsoft.Devices/IotHubs": r"(?=.{3,50}$)[A-Za-z0-9-]*[A-Za-z0-9]",
    "Microsoft.Storage/storageAccounts": r"[a-z0-9]{3,24}",
    "Microsoft.Storage/storageAccounts/blobServices/containers": r"(?=.{3,63}$)(?!.*--)[a-z0-9][a-z0-9-]*[a-z0-9]",
    "Microsoft.KeyVault/vaults": r"(?=.{3,24}$)(?!.*--)[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]",
    "Microsoft.ManagedIdentity/userAssignedIdentities": r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}",
    "Microsoft.Compute/virtualMachines": r"(?=.{1,64}$)[A-Za-z0-9][A-Za-z0-9.-]*[A-Za-z0-9_]",
    ROLES: r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}


class Wrong(Exception):
    """A template says something that cannot be."""


@dataclass
class Resource:
    type: str
    api: str
    name: str
    said: dict[str, Any] = field(default_factory=dict)


def unique_string(*parts: str) -> str:
    """13 letters and digits that stand for those of Azure, whose hash is its own affair."""
    digest = int.from_bytes(hashlib.sha256("|".join(parts).encode()).digest()[:9], "big")
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    return "".join(alphabet[digest >> (5 * place) & 31] for place in range(13))


class Arm:
    """An ARM template with values for its parameters."""

    def __init__(self, template: dict[str, Any], parameters: dict[str, Any], group: str = "twin") -> None:
        if template["$schema"] != SCHEMA or set(template) != TOP:
            raise Wrong(f"the template has {set(template)} and the schema {template['$schema']}")
        self.template = template
        self.group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"
        self.given = {name: value["value"] for name, value in parameters.items()}
        if unknown := set(self.given) - set(template["parameters"]):
            raise Wrong(f"values for no parameter: {unknown}")
        self.used: set[str] = set()
        self.awaited: set[str] = set()
        self.apis: dict[str, str] = {}

    def resources(self) -> dict[str, Resource]:
        """All resources by id, after everything that a template must be was looked at."""
        found: dict[str, Resource] = {}
        before: dict[str, set[str]] = {}
        for resource in self.template["resources"]:
            if unknown := set(resource) - OF_RESOURCES:
                raise Wrong(f"{resource['type']} has {unknown}")
            name = self.value(resource["name"])
            scope = self.value(resource["scope"]) if "scope" in resource else None
            id = self.id(resource["type"], name.split("/"), scope)
            if id in found:
                raise Wrong(f"{id} is there twice")
            found[id] = Resource(resource["type"], resource["apiVersion"], name.split("/")[-1])
            self.apis[id] = resource["apiVersion"]
        for id, resource in zip(found, self.template["resources"]):
            before[id] = {self.value(other) for other in resource.get("dependsOn", [])}
            self.awaited = set()
            said = {key: self.value(resource[key]) for key in ("location", "tags", "identity", "kind", "sku", "properties")
                    if key in resource}
            found[id].said = said
            if lost := (before[id] | self.awaited) - set(found):
                raise Wrong(f"{id} refers to {lost}, which nobody declares")
            parent = id.rsplit("/", 2)[0]
            if missing := (self.awaited | ({parent} & set(found))) - before[id] - {id}:
                raise Wrong(f"{id} does not wait for {missing}")
        self.order(before)
        self.awaited = set()
        for output in self.template["outputs"].values():
            self.value(output["value"])
        if lost := self.awaited - set(found):
            raise Wrong(f"outputs refer to {lost}")
        declared = {f"parameters.{name}" for name in self.template["parameters"]}
        declared |= {f"variables.{name}" for name in self.template["variables"]}
        if unused := declared - self.used:
            raise Wrong(f"nobody uses {unused}")
        return found

    def outputs(self) -> dict[str, Any]:
        return {name: self.value(output["value"]) for name, output in self.template["outputs"].items()}

    @staticmethod
    def order(before: dict[str, set[str]]) -> None:
        """Fails when resources wait for one another in a circle."""
        done: set[str] = set()
        while len(done) < len(before):
            ready = {id for id, others in before.items() if others <= done} - done
            if not ready:
                raise Wrong(f"a circle of dependsOn among {set(before) - done}")
            done |= ready

    def id(self, kind: str, names: list[str], scope: str | None = None) -> str:
        provider, *kinds = kind.split("/")
        if len(kinds) != len(names):
            raise Wrong(f"{kind} with the names {names}")
        steps = "".join(f"/{one}/{name}" for one, name in zip(kinds, names))
        return f"{scope or self.group}/providers/{provider}{steps}"

    def value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.value(key): self.value(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.value(inner) for inner in value]
        if not isinstance(value, str):
            return value
        if value.startswith("[["):
            return value[1:]
        if value.startswith("[") and value.endswith("]"):
            if len(value) > 24_576:
                raise Wrong(f"an expression of {len(value)} characters, 24,576 at most")
            return Words(value[1:-1], ARM_WORDS).whole(self)
        return value

    def plain(self, text: str) -> str:
        return text[1:-1].replace("''", "'")

    def name(self, path: list[str]) -> Any:
        raise Wrong(f"{path} stands alone")

    def call(self, function: str, args: list[Any], path: list[str]) -> Any:
        late = function in ("reference", "listKeys")
        result = self.early(function, args) if not late else None
        if late:
            if self.apis.get(args[0]) != args[1]:
                raise Wrong(f"{args[0]} is {self.apis.get(args[0])} and asked as {args[1]}")
            self.awaited.add(args[0])
            whole = function == "listKeys" or args[2:] == ["Full"]
            return f"{args[0]}#{'listKeys.' if function == 'listKeys' else '' if whole else 'properties.'}{'.'.join(path)}"
        for part in path:
            result = result[part]
        return result

    def early(self, function: str, args: list[Any]) -> Any:
        match function:
            case "parameters":
                self.used.add(f"parameters.{args[0]}")
                parameter = self.template["parameters"][args[0]]
                return self.given[args[0]] if args[0] in self.given else self.value(parameter["defaultValue"])
            case "variables":
                self.used.add(f"variables.{args[0]}")
                if re.search(r"\b(reference|listKeys)\(", str(self.template["variables"][args[0]])):
                    raise Wrong(f"the variable {args[0]} needs what is not there yet")
                return self.value(self.template["variables"][args[0]])
            case "concat":
                return "".join(args)
            case "take":
                return args[0][: args[1]]
            case "base64":
                return base64.b64encode(args[0].encode()).decode()
            case "uniqueString":
                return unique_string(*args)
            case "guid":
                return str(uuid.uuid5(ARM_GUIDS, "-".join(args)))
            case "resourceGroup":
                return {"id": self.group, "location": "northeurope"}
            case "subscription":
                return {"tenantId": TENANT, "subscriptionId": SUBSCRIPTION}
            case "resourceId":
                id = self.id(args[0], args[1:])
                self.awaited.add(id)
                return id
            case "extensionResourceId":
                return self.id(args[1], args[2:], args[0])
            case "subscriptionResourceId":
                provider, kind = args[0].split("/")
                return f"/subscriptions/{SUBSCRIPTION}/providers/{provider}/{kind}/{args[1]}"
        raise Wrong(f"no function {function}")


ARM_WORDS = re.compile(r"\s*('(?:[^']|'')*'|[A-Za-z][A-Za-z0-9]*|\d+|[().,\[\]])", re.S)
HCL_WORDS = re.compile(r"""\s*("(?:\\.|\$\{(?:[^{}"]|"[^"]*")*\}|[^"\\])*"|[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_0-9]+)*|\d+|[().,\[\]])""", re.S)


class Words:
    """The words of an expression: calls, paths, texts, numbers and lists."""

    def __init__(self, text: str, words: re.Pattern[str]) -> None:
        self.words: list[str] = []
        at = 0
        while text[at:].strip():
            found = words.match(text, at)
            if not found:
                raise Wrong(f"{text[at:at + 40]!r} in {text[:80]!r}")
            self.words.append(found.group(1))
            at = found.end()

    def whole(self, of: Any) -> Any:
        value = self.one(of)
        if self.words:
            raise Wrong(f"{self.words} after the end")
        return value

    def one(self, of: Any) -> Any:
        word = self.words.pop(0)
        if word[0] in "'\"":
            return of.plain(word)
        if word.isdigit():
            return int(word)
        if word == "[":
            return self.until("]", of)
        if self.words[:1] == ["("]:
            self.words.pop(0)
            args = self.until(")", of)
            return of.call(word, args, self.path())
        return of.name([word, *self.path()])

    def until(self, end: str, of: Any) -> list[Any]:
        values = []
        while self.words[0] != end:
            values.append(self.one(of))
            if self.words[0] == ",":
                self.words.pop(0)
        self.words.pop(0)
        return values

    def path(self) -> list[str]:
        path = []
        while self.words[:1] in (["."], ["["]):
            if self.words.pop(0) == ".":
                path.append(self.words.pop(0))
            else:
                path.append(self.words.pop(0))
                self.words.pop(0)
        return path


class Terraform:
    """The Terraform twin, with the defaults of its variables."""

    def __init__(self, folder: Path) -> None:
        self.blocks: dict[str, Any] = {}
        for file in ("main.tf", "variables.tf", "outputs.tf"):
            with (folder / file).open() as text:
                for kind, blocks in hcl2.load(text).items():
                    self.blocks.setdefault(kind, []).extend(blocks)
        self.found: dict[tuple[str, str], dict[str, Any]] = {}
        for kind in ("resource", "data", "ephemeral"):
            for block in self.blocks.get(kind, []):
                for type, inner in block.items():
                    for label, body in inner.items():
                        self.found[unquoted(type) if kind == "resource" else f"{kind}.{unquoted(type)}", unquoted(label)] = body
        self.variables = {unquoted(name): body for block in self.blocks["variable"] for name, body in block.items()}
        self.locals = {name: value for block in self.blocks["locals"] for name, value in block.items() if not name.startswith("__")}
        self.used: set[str] = set()
        self.group_name = self.value(self.variables["resource_group_name"]["default"])

    def resources(self) -> dict[str, Resource]:
        found: dict[str, Resource] = {}
        for (type, label), body in self.found.items():
            if type in ("azapi_resource", "azapi_update_resource"):
                kind, api = self.value(body["type"]).split("@")
                inside = self.value(body["body"])
                if "sensitive_body" in body:
                    inside["properties"] |= self.value(body["sensitive_body"])["properties"]
                said = {key: self.value(body[key]) for key in ("location", "tags") if key in body}
                if "identity" in body:
                    identity = self.value(body["identity"][0])
                    said["identity"] = {"type": identity["type"]}
                    if ids := identity.get("identity_ids"):
                        said["identity"]["userAssignedIdentities"] = {id: {} for id in ids}
                if (type == "azapi_update_resource") != kind.endswith("/blobServices"):
                    raise Wrong(f"{label} is {type}, and blob services alone come with their parent")
                found[self.id(label, type)] = Resource(kind, api, self.value(body["name"]), said | inside)
            elif type == "azurerm_role_assignment":
                said = {"properties": {"roleDefinitionId": self.value(body["role_definition_id"]),
                                       "principalId": self.value(body["principal_id"]),
                                       "principalType": self.value(body["principal_type"])}}
                name = self.value(body["name"])
                found[f"{self.value(body['scope'])}/providers/{ROLES}/{name}"] = Resource(ROLES, "2022-04-01", name, said)
            for other in body.get("depends_on", []):
                other_type, other_label = other[2:-1].split(".")
                if (other_type, other_label) not in self.found:
                    raise Wrong(f"{label} waits for {other}, which nobody declares")
        self.outputs()
        for provider in self.blocks["provider"]:
            self.value({name: value for body in provider.values() for name, value in body.items() if name != "features"})
        self.value(self.found["azurerm_resource_group", "this"])
        declared = {f"var.{name}" for name in self.variables} | {f"local.{name}" for name in self.locals}
        if unused := declared - self.used:
            raise Wrong(f"nobody uses {unused}")
        return found

    def outputs(self) -> dict[str, Any]:
        outputs = {unquoted(name): body for block in self.blocks["output"] for name, body in block.items()}
        return {name: self.value(body["value"]) for name, body in outputs.items()}

    def id(self, label: str, type: str = "azapi_resource") -> str:
        body = self.found[type, label]
        kind = self.value(body["type"]).split("@")[0]
        parent, name = self.value(body["parent_id"]), self.value(body["name"])
        if parent.endswith(f"/resourceGroups/{self.group_name}"):
            return f"{parent}/providers/{kind}/{name}"
        return f"{parent}/{kind.rsplit('/', 1)[1]}/{name}"

    def value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {unquoted(key): self.value(inner) for key, inner in value.items() if key != "__is_block__"}
        if isinstance(value, list):
            return [self.value(inner) for inner in value]
        if not isinstance(value, str):
            return value
        if value.startswith('"<<-EOT\n'):
            text = value[len('"<<-EOT\n'):].rsplit("EOT", 1)[0].rstrip(" ")
            return self.template(textwrap.dedent(text))
        if value.startswith("${") and value.endswith("}"):
            return Words(value[2:-1], HCL_WORDS).whole(self)
        return self.plain(value) if value.startswith('"') else {"null": None, "true": True, "false": False}.get(value, value)

    def plain(self, text: str) -> str:
        text = text[1:-1].replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
        return self.template(text)

    def template(self, text: str) -> str:
        def part(found: re.Match[str]) -> str:
            if found.group(0) in ("$${", "%%{"):
                return found.group(0)[1:]
            return str(Words(found.group(1), HCL_WORDS).whole(self))

        return re.sub(r"\$\$\{|%%\{|\$\{((?:[^{}\"]|\"[^\"]*\")*)\}", part, text)

    def name(self, path: list[str]) -> Any:
        match path:
            case ["var", name]:
                self.used.add(f"var.{name}")
                return self.value(self.variables[name]["default"]) if "default" in self.variables[name] else SUBSCRIPTION
            case ["local", name]:
                self.used.add(f"local.{name}")
                return self.value(self.locals[name])
            case ["azurerm_resource_group", "this", what]:
                place = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{self.group_name}"
                return place if what == "id" else self.value(self.found["azurerm_resource_group", "this"][what])
            case ["data", "azurerm_client_config", "current", what]:
                if ("data.azurerm_client_config", "current") not in self.found:
                    raise Wrong("nobody declares who asks")
                return {"tenant_id": TENANT, "subscription_id": SUBSCRIPTION}[what]
            case ["azapi_resource" | "azapi_update_resource" as type, label, "id"]:
                return self.id(label, type)
            case ["azapi_resource", label, "identity", "0", "principal_id"]:
                if "identity" not in self.found["azapi_resource", label]:
                    raise Wrong(f"{label} has no identity")
                return f"{self.id(label)}#identity.principalId"
            case ["azapi_resource", label, "output", *rest]:
                told = self.value(self.found["azapi_resource", label].get("response_export_values", []))
                if ".".join(rest) not in told:
                    raise Wrong(f"{label} does not tell {rest}")
                return f"{self.id(label)}#{'.'.join(rest)}"
            case ["ephemeral", "azapi_resource_action", label, "output", what]:
                body = self.found["ephemeral.azapi_resource_action", label]
                if self.value(body["response_export_values"]) != [what] or self.value(body["action"]) != "listKeys":
                    raise Wrong(f"{label} does not tell {what}")
                return f"{self.value(body['resource_id'])}#listKeys.{what}"
            case ["null"]:
                return None
        raise Wrong(f"nobody declares {'.'.join(path)}")

    def call(self, function: str, args: list[Any], path: list[str]) -> Any:
        match function:
            case "coalesce":
                return next(arg for arg in args if arg is not None)
            case "substr":
                return args[0][args[1]: args[1] + args[2]]
            case "provider::azapi::unique_string":
                return unique_string(*args[0])
            case "uuidv5":
                return str(uuid.uuid5(uuid.UUID(args[0]), args[1]))
            case "join":
                return args[0].join(args[1])
            case "base64encode":
                return base64.b64encode(args[0].encode()).decode()
        raise Wrong(f"no function {function}")


def unquoted(text: str) -> str:
    return text[1:-1] if text.startswith('"') else text


def check_names(resources: dict[str, Resource]) -> None:
    for id, resource in resources.items():
        rule = NAMES.get(resource.type)
        if rule and not re.fullmatch(rule, resource.name):
            raise Wrong(f"{id} is no name for {resource.type}")


def check_properties(resources: dict[str, Resource], known: dict[str, Any]) -> int:
    """Every property and every word of a fixed list is one that Microsoft's own client library has. Returns how many."""
    count = 0

    def walk(value: Any, path: str, model: dict[str, Any], what: str) -> None:
        nonlocal count
        if isinstance(value, dict):
            names = model["names"].get(path)
            if names is None:
                raise Wrong(f"{what}: nothing is known of {path}")
            for key, inner in value.items():
                free = names == "*"
                if not free and key not in names:
                    raise Wrong(f"{what}: {path}.{key} is none of {names}")
                count += 1
                walk(inner, f"{path}.{'*' if free else key}", model, what)
        elif isinstance(value, list):
            for inner in value:
                walk(inner, f"{path}[]", model, what)
        elif path in model["words"] and value not in model["words"][path]:
            raise Wrong(f"{what}: {path} is {value!r} and none of {model['words'][path]}")

    for resource in resources.values():
        variant = resource.said.get("properties", {}).get("endpointType")
        model = known[resource.type + (f" {variant}" if variant else "")]
        for key in ("properties", "sku", "identity"):
            if key in resource.said:
                walk(resource.said[key], key, model, resource.type)
    return count
