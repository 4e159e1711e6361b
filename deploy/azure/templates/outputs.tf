# Rendered by `voltwin azure deploy render`. What is changed here is lost at the next rendering.

output "voltwin_client_id" {
  description = "The client id of Voltwin's identity."
  value       = azapi_resource.voltwin.output.properties.clientId
}

output "blob_url" {
  description = "Where blobs are."
  value       = azapi_resource.storage.output.properties.primaryEndpoints.blob
}

output "key_vault_url" {
  description = "The key vault."
  value       = azapi_resource.key_vault.output.properties.vaultUri
}

output "digital_twins_url" {
  description = "The data plane of Azure Digital Twins."
  value       = "https://${azapi_resource.twins.output.properties.hostName}"
}

output "event_hubs_host" {
  description = "The Event Hubs namespace."
  value       = "${local.event_hubs_name}.servicebus.windows.net"
}

output "service_bus_host" {
  description = "The Service Bus namespace."
  value       = "${local.service_bus_name}.servicebus.windows.net"
}

output "event_grid_endpoint" {
  description = "The topic of Event Grid."
  value       = azapi_resource.event_grid.output.properties.endpoint
}

output "data_explorer_url" {
  description = "The cluster of Azure Data Explorer."
  value       = azapi_resource.explorer.output.properties.uri
}

output "iot_hub_host" {
  description = "Where devices connect to."
  value       = azapi_resource.iot_hub.output.properties.hostName
}

output "server_url" {
  description = "Where Voltwin answers."
  value       = "https://${azapi_resource.address.output.properties.dnsSettings.fqdn}"
}
