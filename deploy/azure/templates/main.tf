# Rendered by `voltwin azure deploy render`. What is changed here is lost at the next rendering.

terraform {
  required_version = ">= 1.11.0"

  required_providers {
    azapi = {
      source  = "Azure/azapi"
      version = "~> 2.4"
    }

    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.40"
    }
  }
}

provider "azurerm" {
  environment                    = "public"
  subscription_id                = var.subscription_id
  resource_providers_to_register = ["Microsoft.Authorization", "Microsoft.Compute", "Microsoft.Devices", "Microsoft.DigitalTwins", "Microsoft.EventGrid", "Microsoft.EventHub", "Microsoft.KeyVault", "Microsoft.Kusto", "Microsoft.ManagedIdentity", "Microsoft.Network", "Microsoft.ServiceBus", "Microsoft.Storage"]

  features {}
}

provider "azapi" {
  environment     = "public"
  subscription_id = var.subscription_id
}

data "azurerm_client_config" "current" {}

resource "azurerm_resource_group" "this" {
  name     = var.resource_group_name
  location = var.location
  tags     = var.tags
}

locals {
  suffix           = coalesce(var.suffix, substr(provider::azapi::unique_string([azurerm_resource_group.this.id]), 0, 8))
  voltwin_name     = "${var.prefix}-id"
  storage_name     = "${var.prefix}st${local.suffix}"
  key_vault_name   = "${var.prefix}-kv-${local.suffix}"
  twins_name       = "${var.prefix}-dt-${local.suffix}"
  event_hubs_name  = "${var.prefix}-eh-${local.suffix}"
  service_bus_name = "${var.prefix}-sb-${local.suffix}"
  event_grid_name  = "${var.prefix}-eg-${local.suffix}"
  explorer_name    = "${var.prefix}adx${local.suffix}"
  iot_hub_name     = "${var.prefix}-iot-${local.suffix}"
  firewall_name    = "${var.prefix}-nsg"
  network_name     = "${var.prefix}-vnet"
  address_name     = "${var.prefix}-ip"
  interface_name   = "${var.prefix}-nic"
  data_disk_name   = "${var.prefix}-data"
  server_name      = "${var.prefix}-vm"

  cloud_init = <<-EOT
    #cloud-config
    package_update: true
    packages: [ca-certificates, curl, jq, openssl]
    disk_setup:
      /dev/disk/azure/scsi1/lun0:
        table_type: gpt
        layout: true
        overwrite: false
    fs_setup:
      - label: voltwin
        filesystem: ext4
        device: /dev/disk/azure/scsi1/lun0-part1
        overwrite: false
    mounts:
      - [LABEL=voltwin, /var/lib/voltwin, ext4, 'defaults,noatime,nofail', '0', '2']
    write_files:
      - path: /etc/voltwin/install.env
        content: |
          BINARY_URL='https://releases.example.org/voltwin-0.1.0-x86_64-linux'
          BINARY_SHA256=0000000000000000000000000000000000000000000000000000000000000000
          HOST=${azapi_resource.address.output.properties.dnsSettings.fqdn}
      - path: /etc/voltwin/voltwin.env
        content: |
          VOLTWIN_DATA=/var/lib/voltwin/data
          VOLTWIN_LISTEN=0.0.0.0:443
          VOLTWIN_TLS_CERT=/etc/voltwin/tls/server.pem
          VOLTWIN_TLS_KEY=/etc/voltwin/tls/server.key
          VOLTWIN_PUBLIC_URL=https://${azapi_resource.address.output.properties.dnsSettings.fqdn}
          VOLTWIN_OIDC_ISSUER=https://sts.windows.net/${data.azurerm_client_config.current.tenant_id}/,https://login.microsoftonline.com/${data.azurerm_client_config.current.tenant_id}/v2.0
          AZURE_CLIENT_ID=${azapi_resource.voltwin.output.properties.clientId}
          AZURE_DIGITALTWINS_URL=https://${azapi_resource.twins.output.properties.hostName}
      - path: /usr/local/sbin/voltwin-install
        permissions: '0755'
        content: |
          #!/bin/sh
          # Fetches Voltwin, gives it a user, a folder and a certificate, and starts it.
          set -eu
          . /etc/voltwin/install.env
          id voltwin > /dev/null 2>&1 || useradd --system --home-dir /var/lib/voltwin --shell /usr/sbin/nologin voltwin
          install -d -o voltwin -g voltwin -m 0700 /var/lib/voltwin/data
          install -d -o voltwin -g voltwin -m 0700 /etc/voltwin/tls
          new=$(mktemp)
          trap 'rm -f "$new"' EXIT
          curl --fail --silent --show-error --location --proto '=https' --retry 5 --output "$new" "$BINARY_URL"
          echo "$BINARY_SHA256  $new" | sha256sum --check --status
          install -m 0755 "$new" /usr/local/bin/voltwin
          if [ ! -s /etc/voltwin/tls/server.pem ]; then
            # until a better one comes: a certificate of Voltwin's own authority, which stations can be given
            cd /etc/voltwin/tls
            data=/var/lib/voltwin/data
            [ -e "$data/ca/ca.pem" ] || runuser -u voltwin -- /usr/local/bin/voltwin admin ca init --data "$data"
            runuser -u voltwin -- /usr/local/bin/voltwin admin ca server "$HOST" --data "$data" --out .
            mv "$HOST.key" server.key
            mv "$HOST.pem" server.pem
          fi
          systemctl daemon-reload
          systemctl enable --now voltwin.service
      - path: /etc/systemd/system/voltwin.service
        content: |
          [Unit]
          Description=Voltwin
          Wants=network-online.target
          After=network-online.target
          RequiresMountsFor=/var/lib/voltwin

          [Service]
          User=voltwin
          Group=voltwin
          EnvironmentFile=/etc/voltwin/voltwin.env
          ExecStart=/usr/local/bin/voltwin serve
          Restart=always
          RestartSec=2
          LimitNOFILE=1048576
          AmbientCapabilities=CAP_NET_BIND_SERVICE
          CapabilityBoundingSet=CAP_NET_BIND_SERVICE
          NoNewPrivileges=yes
          ProtectSystem=strict
          ReadWritePaths=/var/lib/voltwin/data
          ProtectHome=yes
          PrivateTmp=yes
          PrivateDevices=yes
          ProtectKernelTunables=yes
          ProtectKernelModules=yes
          ProtectControlGroups=yes
          RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX

          [Install]
          WantedBy=multi-user.target
      - path: /etc/voltwin/certificate.env
        content: |
          CERTIFICATE=voltwin
          AUDIENCE=https://vault.azure.net
          VAULT_URL=${azapi_resource.key_vault.output.properties.vaultUri}
          CLIENT_ID=${azapi_resource.voltwin.output.properties.clientId}
      - path: /usr/local/sbin/voltwin-certificate
        permissions: '0755'
        content: |
          #!/bin/sh
          # Fetches the certificate from the key vault by the identity of this machine; Voltwin reads it when it changes.
          set -eu
          umask 077
          . /etc/voltwin/certificate.env
          work=$(mktemp -d)
          trap 'rm -rf "$work"' EXIT
          identity="$${IDENTITY_URL:-http://169.254.169.254}/metadata/identity/oauth2/token?api-version=2018-02-01"
          curl --fail --silent --show-error --noproxy '*' --max-time 30 --header Metadata:true \
            "$identity&client_id=$CLIENT_ID&resource=$AUDIENCE" | jq -er '"Authorization: Bearer \(.access_token)"' \
            > "$work/token"
          curl --fail --silent --show-error --max-time 30 --header "@$work/token" \
            "$${VAULT_URL}secrets/$CERTIFICATE?api-version=7.4" | jq -er .value > "$work/all.pem"
          openssl pkey -in "$work/all.pem" -out "$work/server.key"
          sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' "$work/all.pem" > "$work/server.pem"
          test -s "$work/server.pem"
          tls=$${TLS_FOLDER:-/etc/voltwin/tls}
          if cmp -s "$work/server.pem" "$tls/server.pem" && cmp -s "$work/server.key" "$tls/server.key"; then
            exit 0
          fi
          chown "$${OWNER:-voltwin:voltwin}" "$work/server.key" "$work/server.pem"
          mv "$work/server.key" "$tls/server.key"
          mv "$work/server.pem" "$tls/server.pem"
      - path: /etc/systemd/system/voltwin-certificate.service
        content: |
          [Unit]
          Description=The certificate of Voltwin from the key vault

          [Service]
          Type=oneshot
          ExecStart=/usr/local/sbin/voltwin-certificate
      - path: /etc/systemd/system/voltwin-certificate.timer
        content: |
          [Unit]
          Description=Looks for a new certificate of Voltwin

          [Timer]
          OnActiveSec=2min
          OnUnitActiveSec=1h

          [Install]
          WantedBy=timers.target
    runcmd:
      - [/usr/local/sbin/voltwin-install]
      - [systemctl, enable, --now, voltwin-certificate.timer]
  EOT
}

resource "azapi_resource" "voltwin" {
  type      = "Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31"
  parent_id = azurerm_resource_group.this.id
  name      = local.voltwin_name
  location  = azurerm_resource_group.this.location
  tags      = var.tags

  body = {
    properties = {}
  }

  response_export_values = ["properties.clientId", "properties.principalId"]
}

resource "azapi_resource" "storage" {
  type      = "Microsoft.Storage/storageAccounts@2023-05-01"
  parent_id = azurerm_resource_group.this.id
  name      = local.storage_name
  location  = azurerm_resource_group.this.location
  tags      = var.tags

  body = {
    kind = "StorageV2"
    sku = {
      name = "Standard_ZRS"
    }
    properties = {
      accessTier                   = "Hot"
      allowBlobPublicAccess        = false
      allowCrossTenantReplication  = false
      allowSharedKeyAccess         = false
      defaultToOAuthAuthentication = true
      minimumTlsVersion            = "TLS1_2"
      supportsHttpsTrafficOnly     = true
      publicNetworkAccess          = "Enabled"
      networkAcls = {
        bypass              = "AzureServices"
        defaultAction       = "Allow"
        ipRules             = []
        virtualNetworkRules = []
      }
    }
  }

  response_export_values = ["properties.primaryEndpoints.blob"]
}

resource "azapi_update_resource" "blobs" {
  type      = "Microsoft.Storage/storageAccounts/blobServices@2023-05-01"
  parent_id = azapi_resource.storage.id
  name      = "default"

  body = {
    properties = {
      deleteRetentionPolicy = {
        enabled = true
        days    = 14
      }
      containerDeleteRetentionPolicy = {
        enabled = true
        days    = 14
      }
    }
  }
}

resource "azapi_resource" "imports" {
  type      = "Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01"
  parent_id = azapi_update_resource.blobs.id
  name      = "imports"

  body = {
    properties = {
      publicAccess = "None"
    }
  }
}

resource "azurerm_role_assignment" "imports_to_voltwin" {
  name               = uuidv5("11fb06fb-712d-4ddd-98c7-e71bbd588830", join("-", [azapi_resource.imports.id, azapi_resource.voltwin.id, "ba92f5b4-2d11-453d-a403-e96b0029c9fe"]))
  scope              = azapi_resource.imports.id
  role_definition_id = "/subscriptions/${data.azurerm_client_config.current.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/ba92f5b4-2d11-453d-a403-e96b0029c9fe"
  principal_id       = azapi_resource.voltwin.output.properties.principalId
  principal_type     = "ServicePrincipal"
}

resource "azurerm_role_assignment" "imports_to_twins" {
  name               = uuidv5("11fb06fb-712d-4ddd-98c7-e71bbd588830", join("-", [azapi_resource.imports.id, azapi_resource.twins.id, "ba92f5b4-2d11-453d-a403-e96b0029c9fe"]))
  scope              = azapi_resource.imports.id
  role_definition_id = "/subscriptions/${data.azurerm_client_config.current.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/ba92f5b4-2d11-453d-a403-e96b0029c9fe"
  principal_id       = azapi_resource.twins.identity[0].principal_id
  principal_type     = "ServicePrincipal"
}

resource "azapi_resource" "dead_letters" {
  type      = "Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01"
  parent_id = azapi_update_resource.blobs.id
  name      = "dead-letters"

  body = {
    properties = {
      publicAccess = "None"
    }
  }
}

resource "azurerm_role_assignment" "dead_letters_to_twins" {
  name               = uuidv5("11fb06fb-712d-4ddd-98c7-e71bbd588830", join("-", [azapi_resource.dead_letters.id, azapi_resource.twins.id, "ba92f5b4-2d11-453d-a403-e96b0029c9fe"]))
  scope              = azapi_resource.dead_letters.id
  role_definition_id = "/subscriptions/${data.azurerm_client_config.current.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/ba92f5b4-2d11-453d-a403-e96b0029c9fe"
  principal_id       = azapi_resource.twins.identity[0].principal_id
  principal_type     = "ServicePrincipal"
}

resource "azapi_resource" "key_vault" {
  type      = "Microsoft.KeyVault/vaults@2023-07-01"
  parent_id = azurerm_resource_group.this.id
  name      = local.key_vault_name
  location  = azurerm_resource_group.this.location
  tags      = var.tags

  body = {
    properties = {
      tenantId = data.azurerm_client_config.current.tenant_id
      sku = {
        family = "A"
        name   = "standard"
      }
      enableRbacAuthorization      = true
      enableSoftDelete             = true
      enablePurgeProtection        = true
      softDeleteRetentionInDays    = 90
      enabledForDeployment         = false
      enabledForDiskEncryption     = false
      enabledForTemplateDeployment = false
      publicNetworkAccess          = "Enabled"
      networkAcls = {
        bypass        = "AzureServices"
        defaultAction = "Deny"
        ipRules = [
          {
            value = "203.0.113.0/24"
          },
        ]
        virtualNetworkRules = [
          {
            id = "${azapi_resource.network.id}/subnets/server"
          },
        ]
      }
    }
  }

  response_export_values = ["properties.vaultUri"]
}

resource "azurerm_role_assignment" "key_vault_to_voltwin" {
  name               = uuidv5("11fb06fb-712d-4ddd-98c7-e71bbd588830", join("-", [azapi_resource.key_vault.id, azapi_resource.voltwin.id, "4633458b-17de-408a-b874-0445c86b69e6"]))
  scope              = azapi_resource.key_vault.id
  role_definition_id = "/subscriptions/${data.azurerm_client_config.current.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/4633458b-17de-408a-b874-0445c86b69e6"
  principal_id       = azapi_resource.voltwin.output.properties.principalId
  principal_type     = "ServicePrincipal"
}

resource "azapi_resource" "twins" {
  type      = "Microsoft.DigitalTwins/digitalTwinsInstances@2023-01-31"
  parent_id = azurerm_resource_group.this.id
  name      = local.twins_name
  location  = azurerm_resource_group.this.location
  tags      = var.tags

  identity {
    type = "SystemAssigned"
  }

  body = {
    properties = {
      publicNetworkAccess = "Enabled"
    }
  }

  response_export_values = ["properties.hostName"]
}

resource "azurerm_role_assignment" "twins_to_voltwin" {
  name               = uuidv5("11fb06fb-712d-4ddd-98c7-e71bbd588830", join("-", [azapi_resource.twins.id, azapi_resource.voltwin.id, "bcd981a7-7f74-457b-83e1-cceb9e632ffe"]))
  scope              = azapi_resource.twins.id
  role_definition_id = "/subscriptions/${data.azurerm_client_config.current.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/bcd981a7-7f74-457b-83e1-cceb9e632ffe"
  principal_id       = azapi_resource.voltwin.output.properties.principalId
  principal_type     = "ServicePrincipal"
}

resource "azapi_resource" "event_hubs" {
  type      = "Microsoft.EventHub/namespaces@2024-01-01"
  parent_id = azurerm_resource_group.this.id
  name      = local.event_hubs_name
  location  = azurerm_resource_group.this.location
  tags      = var.tags

  body = {
    sku = {
      name     = "Standard"
      tier     = "Standard"
      capacity = 1
    }
    properties = {
      disableLocalAuth     = true
      minimumTlsVersion    = "1.2"
      publicNetworkAccess  = "Enabled"
      isAutoInflateEnabled = false
    }
  }
}

resource "azapi_resource" "event_hub" {
  type      = "Microsoft.EventHub/namespaces/eventhubs@2024-01-01"
  parent_id = azapi_resource.event_hubs.id
  name      = "twin-events"

  body = {
    properties = {
      partitionCount = 4
      retentionDescription = {
        cleanupPolicy        = "Delete"
        retentionTimeInHours = 24
      }
    }
  }
}

resource "azapi_resource" "event_hub_reader_1" {
  type      = "Microsoft.EventHub/namespaces/eventhubs/consumergroups@2024-01-01"
  parent_id = azapi_resource.event_hub.id
  name      = "analytics"

  body = {
    properties = {}
  }
}

resource "azurerm_role_assignment" "event_hub_to_twins" {
  name               = uuidv5("11fb06fb-712d-4ddd-98c7-e71bbd588830", join("-", [azapi_resource.event_hub.id, azapi_resource.twins.id, "2b629674-e913-4c01-ae53-ef4638d8f975"]))
  scope              = azapi_resource.event_hub.id
  role_definition_id = "/subscriptions/${data.azurerm_client_config.current.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/2b629674-e913-4c01-ae53-ef4638d8f975"
  principal_id       = azapi_resource.twins.identity[0].principal_id
  principal_type     = "ServicePrincipal"
}

resource "azapi_resource" "endpoint_event_hub" {
  type      = "Microsoft.DigitalTwins/digitalTwinsInstances/endpoints@2023-01-31"
  parent_id = azapi_resource.twins.id
  name      = "event-hubs"

  body = {
    properties = {
      endpointType       = "EventHub"
      authenticationType = "IdentityBased"
      identity = {
        type = "SystemAssigned"
      }
      endpointUri   = "sb://${local.event_hubs_name}.servicebus.windows.net/"
      entityPath    = "twin-events"
      deadLetterUri = "${azapi_resource.storage.output.properties.primaryEndpoints.blob}dead-letters"
    }
  }

  depends_on = [azapi_resource.event_hub, azurerm_role_assignment.event_hub_to_twins, azurerm_role_assignment.dead_letters_to_twins]
}

resource "azapi_resource" "service_bus" {
  type      = "Microsoft.ServiceBus/namespaces@2024-01-01"
  parent_id = azurerm_resource_group.this.id
  name      = local.service_bus_name
  location  = azurerm_resource_group.this.location
  tags      = var.tags

  body = {
    sku = {
      name = "Standard"
      tier = "Standard"
    }
    properties = {
      disableLocalAuth    = true
      minimumTlsVersion   = "1.2"
      publicNetworkAccess = "Enabled"
      zoneRedundant       = false
    }
  }
}

resource "azapi_resource" "service_bus_topic" {
  type      = "Microsoft.ServiceBus/namespaces/topics@2024-01-01"
  parent_id = azapi_resource.service_bus.id
  name      = "twin-events"

  body = {
    properties = {
      defaultMessageTimeToLive = "P14D"
      supportOrdering          = true
    }
  }
}

resource "azapi_resource" "service_bus_reader_1" {
  type      = "Microsoft.ServiceBus/namespaces/topics/subscriptions@2024-01-01"
  parent_id = azapi_resource.service_bus_topic.id
  name      = "billing"

  body = {
    properties = {
      deadLetteringOnMessageExpiration = true
      lockDuration                     = "PT1M"
      maxDeliveryCount                 = 10
    }
  }
}

resource "azurerm_role_assignment" "service_bus_to_twins" {
  name               = uuidv5("11fb06fb-712d-4ddd-98c7-e71bbd588830", join("-", [azapi_resource.service_bus_topic.id, azapi_resource.twins.id, "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39"]))
  scope              = azapi_resource.service_bus_topic.id
  role_definition_id = "/subscriptions/${data.azurerm_client_config.current.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/69a216fc-b8fb-44d8-bc22-1f3c2cd27a39"
  principal_id       = azapi_resource.twins.identity[0].principal_id
  principal_type     = "ServicePrincipal"
}

resource "azapi_resource" "endpoint_service_bus" {
  type      = "Microsoft.DigitalTwins/digitalTwinsInstances/endpoints@2023-01-31"
  parent_id = azapi_resource.twins.id
  name      = "service-bus"

  body = {
    properties = {
      endpointType       = "ServiceBus"
      authenticationType = "IdentityBased"
      identity = {
        type = "SystemAssigned"
      }
      endpointUri   = "sb://${local.service_bus_name}.servicebus.windows.net/"
      entityPath    = "twin-events"
      deadLetterUri = "${azapi_resource.storage.output.properties.primaryEndpoints.blob}dead-letters"
    }
  }

  depends_on = [azapi_resource.service_bus_topic, azurerm_role_assignment.service_bus_to_twins, azurerm_role_assignment.dead_letters_to_twins]
}

resource "azapi_resource" "event_grid" {
  type      = "Microsoft.EventGrid/topics@2025-02-15"
  parent_id = azurerm_resource_group.this.id
  name      = local.event_grid_name
  location  = azurerm_resource_group.this.location
  tags      = var.tags

  body = {
    properties = {
      inputSchema              = "CloudEventSchemaV1_0"
      minimumTlsVersionAllowed = "1.2"
      publicNetworkAccess      = "Enabled"
      disableLocalAuth         = false
    }
  }

  response_export_values = ["properties.endpoint"]
}

ephemeral "azapi_resource_action" "event_grid_keys" {
  type                   = "Microsoft.EventGrid/topics@2025-02-15"
  resource_id            = azapi_resource.event_grid.id
  action                 = "listKeys"
  method                 = "POST"
  response_export_values = ["key1"]
}

resource "azapi_resource" "endpoint_event_grid" {
  type      = "Microsoft.DigitalTwins/digitalTwinsInstances/endpoints@2023-01-31"
  parent_id = azapi_resource.twins.id
  name      = "event-grid"

  body = {
    properties = {
      endpointType       = "EventGrid"
      authenticationType = "KeyBased"
      TopicEndpoint      = azapi_resource.event_grid.output.properties.endpoint
    }
  }

  sensitive_body = {
    properties = {
      accessKey1 = ephemeral.azapi_resource_action.event_grid_keys.output.key1
    }
  }
}

resource "azapi_resource" "history_hub" {
  type      = "Microsoft.EventHub/namespaces/eventhubs@2024-01-01"
  parent_id = azapi_resource.event_hubs.id
  name      = "twin-history"

  body = {
    properties = {
      partitionCount = 4
      retentionDescription = {
        cleanupPolicy        = "Delete"
        retentionTimeInHours = 24
      }
    }
  }
}

resource "azapi_resource" "history_group" {
  type      = "Microsoft.EventHub/namespaces/eventhubs/consumergroups@2024-01-01"
  parent_id = azapi_resource.history_hub.id
  name      = "data-explorer"

  body = {
    properties = {}
  }
}

resource "azurerm_role_assignment" "history_hub_to_twins" {
  name               = uuidv5("11fb06fb-712d-4ddd-98c7-e71bbd588830", join("-", [azapi_resource.history_hub.id, azapi_resource.twins.id, "f526a384-b230-433a-b45c-95f59c4a2dec"]))
  scope              = azapi_resource.history_hub.id
  role_definition_id = "/subscriptions/${data.azurerm_client_config.current.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/f526a384-b230-433a-b45c-95f59c4a2dec"
  principal_id       = azapi_resource.twins.identity[0].principal_id
  principal_type     = "ServicePrincipal"
}

resource "azapi_resource" "explorer" {
  type      = "Microsoft.Kusto/clusters@2023-08-15"
  parent_id = azurerm_resource_group.this.id
  name      = local.explorer_name
  location  = azurerm_resource_group.this.location
  tags      = var.tags

  identity {
    type = "SystemAssigned"
  }

  body = {
    sku = {
      name     = "Standard_E2ads_v5"
      tier     = "Standard"
      capacity = 2
    }
    properties = {
      enableDiskEncryption  = true
      enableStreamingIngest = true
      enablePurge           = false
      publicNetworkAccess   = "Enabled"
    }
  }

  response_export_values = ["properties.uri"]
}

resource "azapi_resource" "history_database" {
  type      = "Microsoft.Kusto/clusters/databases@2023-08-15"
  parent_id = azapi_resource.explorer.id
  name      = "twin-history"
  location  = azurerm_resource_group.this.location

  body = {
    kind = "ReadWrite"
    properties = {
      softDeletePeriod = "P400D"
      hotCachePeriod   = "P31D"
    }
  }
}

resource "azurerm_role_assignment" "history_database_to_twins" {
  name               = uuidv5("11fb06fb-712d-4ddd-98c7-e71bbd588830", join("-", [azapi_resource.history_database.id, azapi_resource.twins.id, "b24988ac-6180-42a0-ab88-20f7382dd24c"]))
  scope              = azapi_resource.history_database.id
  role_definition_id = "/subscriptions/${data.azurerm_client_config.current.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"
  principal_id       = azapi_resource.twins.identity[0].principal_id
  principal_type     = "ServicePrincipal"
}

resource "azapi_resource" "history_admin" {
  type      = "Microsoft.Kusto/clusters/databases/principalAssignments@2023-08-15"
  parent_id = azapi_resource.history_database.id
  name      = "digital-twins"

  body = {
    properties = {
      principalId   = azapi_resource.twins.identity[0].principal_id
      principalType = "App"
      role          = "Admin"
      tenantId      = data.azurerm_client_config.current.tenant_id
    }
  }
}

resource "azapi_resource" "data_history" {
  type      = "Microsoft.DigitalTwins/digitalTwinsInstances/timeSeriesDatabaseConnections@2023-01-31"
  parent_id = azapi_resource.twins.id
  name      = "data-history"

  body = {
    properties = {
      connectionType                          = "AzureDataExplorer"
      adxResourceId                           = azapi_resource.explorer.id
      adxEndpointUri                          = azapi_resource.explorer.output.properties.uri
      adxDatabaseName                         = "twin-history"
      adxTableName                            = "property_updates"
      adxTwinLifecycleEventsTableName         = "twin_events"
      adxRelationshipLifecycleEventsTableName = "relationship_events"
      eventHubEndpointUri                     = "sb://${local.event_hubs_name}.servicebus.windows.net/"
      eventHubEntityPath                      = "twin-history"
      eventHubNamespaceResourceId             = azapi_resource.event_hubs.id
      eventHubConsumerGroup                   = "data-explorer"
      recordPropertyAndItemRemovals           = "true"
      identity = {
        type = "SystemAssigned"
      }
    }
  }

  depends_on = [azapi_resource.history_group, azurerm_role_assignment.history_hub_to_twins, azurerm_role_assignment.history_database_to_twins, azapi_resource.history_admin]
}

resource "azapi_resource" "iot_hub" {
  type      = "Microsoft.Devices/IotHubs@2023-06-30"
  parent_id = azurerm_resource_group.this.id
  name      = local.iot_hub_name
  location  = azurerm_resource_group.this.location
  tags      = var.tags

  identity {
    type = "SystemAssigned"
  }

  body = {
    sku = {
      name     = "S1"
      capacity = 1
    }
    properties = {
      disableLocalAuth    = true
      minTlsVersion       = "1.2"
      publicNetworkAccess = "Enabled"
      eventHubEndpoints = {
        events = {
          partitionCount      = 4
          retentionTimeInDays = 1
        }
      }
    }
  }

  response_export_values = ["properties.hostName"]
}

resource "azapi_resource" "iot_hub_reader" {
  type      = "Microsoft.Devices/IotHubs/eventHubEndpoints/ConsumerGroups@2023-06-30"
  parent_id = "${azapi_resource.iot_hub.id}/eventHubEndpoints/events"
  name      = "voltwin"

  body = {
    properties = {
      name = "voltwin"
    }
  }
}

resource "azapi_resource" "firewall" {
  type      = "Microsoft.Network/networkSecurityGroups@2024-01-01"
  parent_id = azurerm_resource_group.this.id
  name      = local.firewall_name
  location  = azurerm_resource_group.this.location
  tags      = var.tags

  body = {
    properties = {
      securityRules = [
        {
          name = "https"
          properties = {
            access                   = "Allow"
            direction                = "Inbound"
            priority                 = 100
            protocol                 = "Tcp"
            sourcePortRange          = "*"
            destinationAddressPrefix = "*"
            destinationPortRange     = "443"
            sourceAddressPrefix      = "Internet"
          }
        },
      ]
    }
  }
}

resource "azapi_resource" "network" {
  type      = "Microsoft.Network/virtualNetworks@2024-01-01"
  parent_id = azurerm_resource_group.this.id
  name      = local.network_name
  location  = azurerm_resource_group.this.location
  tags      = var.tags

  body = {
    properties = {
      addressSpace = {
        addressPrefixes = ["10.20.0.0/24"]
      }
      subnets = [
        {
          name = "server"
          properties = {
            addressPrefix = "10.20.0.0/27"
            networkSecurityGroup = {
              id = azapi_resource.firewall.id
            }
            serviceEndpoints = [
              {
                service = "Microsoft.KeyVault"
              },
              {
                service = "Microsoft.Storage"
              },
            ]
          }
        },
      ]
    }
  }
}

resource "azapi_resource" "address" {
  type      = "Microsoft.Network/publicIPAddresses@2024-01-01"
  parent_id = azurerm_resource_group.this.id
  name      = local.address_name
  location  = azurerm_resource_group.this.location
  tags      = var.tags

  body = {
    sku = {
      name = "Standard"
    }
    properties = {
      publicIPAllocationMethod = "Static"
      dnsSettings = {
        domainNameLabel = "${var.prefix}-${local.suffix}"
      }
    }
  }

  response_export_values = ["properties.dnsSettings.fqdn"]
}

resource "azapi_resource" "interface" {
  type      = "Microsoft.Network/networkInterfaces@2024-01-01"
  parent_id = azurerm_resource_group.this.id
  name      = local.interface_name
  location  = azurerm_resource_group.this.location
  tags      = var.tags

  body = {
    properties = {
      ipConfigurations = [
        {
          name = "server"
          properties = {
            privateIPAllocationMethod = "Dynamic"
            subnet = {
              id = "${azapi_resource.network.id}/subnets/server"
            }
            publicIPAddress = {
              id = azapi_resource.address.id
            }
          }
        },
      ]
    }
  }
}

resource "azapi_resource" "data_disk" {
  type      = "Microsoft.Compute/disks@2023-10-02"
  parent_id = azurerm_resource_group.this.id
  name      = local.data_disk_name
  location  = azurerm_resource_group.this.location
  tags      = var.tags

  body = {
    sku = {
      name = "Premium_LRS"
    }
    properties = {
      creationData = {
        createOption = "Empty"
      }
      diskSizeGB          = 64
      networkAccessPolicy = "DenyAll"
      publicNetworkAccess = "Disabled"
    }
  }
}

resource "azapi_resource" "server" {
  type      = "Microsoft.Compute/virtualMachines@2024-03-01"
  parent_id = azurerm_resource_group.this.id
  name      = local.server_name
  location  = azurerm_resource_group.this.location
  tags      = var.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azapi_resource.voltwin.id]
  }

  body = {
    properties = {
      hardwareProfile = {
        vmSize = "Standard_D2s_v5"
      }
      storageProfile = {
        imageReference = {
          publisher = "Canonical"
          offer     = "ubuntu-24_04-lts"
          sku       = "server"
          version   = "latest"
        }
        osDisk = {
          createOption = "FromImage"
          deleteOption = "Delete"
          managedDisk = {
            storageAccountType = "Premium_LRS"
          }
        }
        dataDisks = [
          {
            lun          = 0
            createOption = "Attach"
            deleteOption = "Detach"
            caching      = "None"
            managedDisk = {
              id = azapi_resource.data_disk.id
            }
          },
        ]
      }
      osProfile = {
        computerName  = "voltwin"
        adminUsername = "voltwinadmin"
        customData    = base64encode(local.cloud_init)
        linuxConfiguration = {
          disablePasswordAuthentication = true
          provisionVMAgent              = true
          ssh = {
            publicKeys = [
              {
                path    = "/home/voltwinadmin/.ssh/authorized_keys"
                keyData = var.ssh_public_key
              },
            ]
          }
          patchSettings = {
            patchMode      = "AutomaticByPlatform"
            assessmentMode = "AutomaticByPlatform"
          }
        }
      }
      securityProfile = {
        securityType = "TrustedLaunch"
        uefiSettings = {
          secureBootEnabled = true
          vTpmEnabled       = true
        }
      }
      networkProfile = {
        networkInterfaces = [
          {
            id = azapi_resource.interface.id
            properties = {
              deleteOption = "Detach"
            }
          },
        ]
      }
      diagnosticsProfile = {
        bootDiagnostics = {
          enabled = true
        }
      }
    }
  }

  depends_on = [azurerm_role_assignment.key_vault_to_voltwin]
}
