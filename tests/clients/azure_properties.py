"""Writes azure_properties.json: which properties and words Microsoft's client libraries know of the resources of our templates.

Run by hand where a template gets a new kind of resource, with the libraries of the kinds (`azure-mgmt-…`) installed. They are
large, so the tests read what this wrote. Of each object that a template has, all names that are known there are kept.

    python azure_properties.py FOLDER…

Each folder has a main.json with its main.parameters.json; `azure_deploy.py` keeps what it renders with --keep FOLDER.
"""

from __future__ import annotations

import enum
import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from azure_templates import Arm

MODELS = {
    "Microsoft.ManagedIdentity/userAssignedIdentities": "msi.v2024_11_30.models:Identity",
    "Microsoft.Storage/storageAccounts": "storage.models:StorageAccountCreateParameters",
    "Microsoft.Storage/storageAccounts/blobServices": "storage.models:BlobServiceProperties",
    "Microsoft.Storage/storageAccounts/blobServices/containers": "storage.models:BlobContainer",
    "Microsoft.KeyVault/vaults": "keyvault.models:VaultCreateOrUpdateParameters",
    "Microsoft.DigitalTwins/digitalTwinsInstances": "digitaltwins.models:DigitalTwinsDescription",
    "Microsoft.DigitalTwins/digitalTwinsInstances/endpoints EventHub": "digitaltwins.models:EventHub",
    "Microsoft.DigitalTwins/digitalTwinsInstances/endpoints ServiceBus": "digitaltwins.models:ServiceBus",
    "Microsoft.DigitalTwins/digitalTwinsInstances/endpoints EventGrid": "digitaltwins.models:EventGrid",
    "Microsoft.DigitalTwins/digitalTwinsInstances/timeSeriesDatabaseConnections":
        "digitaltwins.models:AzureDataExplorerConnectionProperties",
    "Microsoft.EventHub/namespaces": "eventhub.models:EHNamespace",
    "Microsoft.EventHub/namespaces/eventhubs": "eventhub.models:Eventhub",
    "Microsoft.EventHub/namespaces/eventhubs/consumergroups": "eventhub.models:ConsumerGroup",
    "Microsoft.ServiceBus/namespaces": "servicebus.models:SBNamespace",
    "Microsoft.ServiceBus/namespaces/topics": "servicebus.models:SBTopic",
    "Microsoft.ServiceBus/namespaces/topics/subscriptions": "servicebus.models:SBSubscription",
    "Microsoft.EventGrid/topics": "eventgrid.models:Topic",
    "Microsoft.Kusto/clusters": "kusto.models:Cluster",
    "Microsoft.Kusto/clusters/databases": "kusto.models:ReadWriteDatabase",
    "Microsoft.Kusto/clusters/databases/principalAssignments": "kusto.models:DatabasePrincipalAssignment",
    "Microsoft.Devices/IotHubs": "iothub.v2023_06_30.models:IotHubDescription",
    "Microsoft.Devices/IotHubs/eventHubEndpoints/ConsumerGroups":
        "iothub.v2023_06_30.models:EventHubConsumerGroupBodyDescription",
    "Microsoft.Authorization/roleAssignments": "authorization.v2022_04_01.models:RoleAssignmentCreateParameters",
    "Microsoft.Network/networkSecurityGroups": "network.models:NetworkSecurityGroup",
    "Microsoft.Network/virtualNetworks": "network.models:VirtualNetwork",
    "Microsoft.Network/publicIPAddresses": "network.models:PublicIPAddress",
    "Microsoft.Network/networkInterfaces": "network.models:NetworkInterface",
    "Microsoft.Compute/disks": "compute.models:Disk",
    "Microsoft.Compute/virtualMachines": "compute.models:VirtualMachine",
}
# Lists to which Azure adds without its library.
OPEN = ("properties.hardwareProfile.vmSize",)
# Whose model is that of the properties alone.
INNER = ("/endpoints ", "/timeSeriesDatabaseConnections")


def members(models: Any, kind: Any) -> dict[str, str]:
    """Name on the wire to the type's text, of a model of either generation."""
    found: dict[str, str] = {}
    if hasattr(kind, "_attribute_map"):
        for entry in kind._attribute_map.values():
            found[entry["key"]] = entry["type"]
        return found
    for base in reversed(kind.__mro__):
        for name, entry in vars(base).items():
            if hasattr(entry, "_rest_name_input"):
                found[entry._rest_name_input or name] = str(base.__annotations__[name])
    return found


class Walk:
    def __init__(self, models: Any) -> None:
        self.models = models
        self.names: dict[str, Any] = {}
        self.words: dict[str, list[str]] = {}

    def kind(self, text: str) -> Any:
        for name in re.findall(r"_models\.(\w+)", text) or re.findall(r"\w+", text):
            if isinstance(found := getattr(self.models, name, None), type):
                return found
        return None

    def value(self, value: Any, path: str, text: str) -> None:
        kind = self.kind(text)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            if path in OPEN:
                return
            self.words[path] = sorted(item.value for item in kind)
        elif isinstance(value, dict):
            if re.search(r"(?i)\bdict\[", text) or text.startswith("{"):
                self.names[path] = "*"
                for inner in value.values():
                    self.value(inner, f"{path}.*", text.split(",", 1)[-1].strip("{}"))
            elif kind is not None:
                self.object(value, path, members(self.models, kind))
        elif isinstance(value, list):
            for inner in value:
                self.value(inner, f"{path}[]", text)

    def object(self, value: dict[str, Any], path: str, known: dict[str, str]) -> None:
        # older models write the members of `properties` as `properties.name`
        names = {name.split(".")[0].replace("\\", "") for name in known}
        self.names[path] = sorted(set(self.names.get(path, [])) | names)
        for key, inner in value.items():
            below = {name[len(key) + 1:]: text for name, text in known.items() if name.startswith(f"{key}.")}
            if below and isinstance(inner, dict):
                self.object(inner, f"{path}.{key}", below)
            elif key in known:
                self.value(inner, f"{path}.{key}", known[key])


def main() -> None:
    known: dict[str, Any] = {}
    resources = []
    for folder in map(Path, sys.argv[1:]):
        template, parameters = (json.loads((folder / f"main{end}.json").read_text()) for end in ("", ".parameters"))
        resources += Arm(template, parameters["parameters"]).resources().values()
    for resource in resources:
        variant = resource.said["properties"].get("endpointType")
        name = resource.type + (f" {variant}" if variant else "")
        module, model = MODELS[name].split(":")
        models = importlib.import_module(f"azure.mgmt.{module}")
        walk = Walk(models)
        whole = members(models, getattr(models, model))
        if any(part in name for part in INNER):
            walk.object(resource.said["properties"], "properties", whole)
        else:
            for key in ("properties", "sku", "identity"):
                below = {one[len(key) + 1:]: text for one, text in whole.items() if one.startswith(f"{key}.")}
                if key in resource.said and below:
                    walk.object(resource.said[key], key, below)
                elif key in resource.said and key in whole:
                    walk.value(resource.said[key], key, whole[key])
        entry = known.setdefault(name, {"names": {}, "words": {}})
        entry["names"] |= walk.names
        entry["words"] |= walk.words
    out = Path(__file__).parent / "azure_properties.json"
    out.write_text(json.dumps(dict(sorted(known.items())), indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
