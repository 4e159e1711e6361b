# Rendered by `voltwin azure deploy render`. What is changed here is lost at the next rendering.

variable "subscription_id" {
  type        = string
  description = "The subscription that all of it is in."
}

variable "resource_group_name" {
  type        = string
  description = "The resource group, which is made."
  default     = "voltwin"
}

variable "location" {
  type        = string
  description = "The region of every resource."
  default     = "westeurope"
}

variable "prefix" {
  type        = string
  description = "What every name begins with."
  default     = "voltwin"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.prefix))
    error_message = "It must be 2 to 10 lower-case letters and digits, a letter first."
  }
}

variable "tags" {
  type        = map(string)
  description = "Tags of every resource."

  default = {
    "application" = "voltwin"
  }
}

variable "suffix" {
  type        = string
  description = "What every name ends with that must be the only one in the world; null makes it of the resource group."
  default     = null

  validation {
    condition     = var.suffix == null || can(regex("^[a-z0-9]{2,8}$", var.suffix))
    error_message = "It must be 2 to 8 lower-case letters and digits."
  }
}

variable "ssh_public_key" {
  type        = string
  description = "The public key of the person who may sign in."
  default     = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f operator"
}
