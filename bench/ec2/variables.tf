variable "region" {
  description = "AWS region; prices.yaml is of this one"
  type        = string
  default     = "us-east-1"
}

variable "operator_cidr" {
  description = "From where SSH is allowed, such as 203.0.113.7/32; nothing else is open to the world"
  type        = string
  validation {
    condition     = can(cidrhost(var.operator_cidr, 0)) && var.operator_cidr != "0.0.0.0/0"
    error_message = "Expects the operator's own network, not the whole world."
  }
}

variable "ssh_public_key" {
  description = "Text of the operator's public key"
  type        = string
}

variable "server_type" {
  description = "Instance type of the servers; the release was measured on all three"
  type        = string
  default     = "c7g.xlarge"
  validation {
    condition     = contains(["c7g.xlarge", "c6gd.xlarge", "c6id.xlarge"], var.server_type)
    error_message = "One of c7g.xlarge, c6gd.xlarge, c6id.xlarge."
  }
}

variable "server_count" {
  description = "Servers; the users are divided among them"
  type        = number
  default     = 2
}

variable "load_type" {
  description = "Instance type of the load machines"
  type        = string
  default     = "m6g.xlarge"
}

variable "load_count" {
  description = "Load machines; the first also leads the run"
  type        = number
  default     = 3
}

variable "database_class" {
  description = "Class of the PostgreSQL instance"
  type        = string
  default     = "db.m6g.xlarge"
}

variable "database_version" {
  description = "Major version of PostgreSQL"
  type        = string
  default     = "15"
}

variable "database_gib" {
  description = "Storage of the database; from 400 GiB on gp3 has 12,000 operations a second, below 3,000"
  type        = number
  default     = 400
}

variable "database_password" {
  description = "Of the database's user; run.sh makes one up and keeps it beside the state"
  type        = string
  sensitive   = true
}
