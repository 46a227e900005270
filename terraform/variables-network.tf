variable "vpc_id" {
  description = "A VPC of yours, together with subnet_id. Without it: the default VPC, or a new one with create_vpc."
  type        = string
  default     = null

  validation {
    condition     = var.vpc_id == null || can(regex("^vpc-([0-9a-f]{8}|[0-9a-f]{17})$", var.vpc_id))
    error_message = "vpc_id must look like vpc-0123456789abcdef0."
  }

  validation {
    condition     = (var.vpc_id == null) == (var.subnet_id == null)
    error_message = "vpc_id and subnet_id go together: give both or neither."
  }
}

variable "subnet_id" {
  description = "The subnet of vpc_id in which the host runs. It needs a way out to the internet or to AWS's endpoints."
  type        = string
  default     = null

  validation {
    condition     = var.subnet_id == null || can(regex("^subnet-([0-9a-f]{8}|[0-9a-f]{17})$", var.subnet_id))
    error_message = "subnet_id must look like subnet-0123456789abcdef0."
  }
}

variable "create_vpc" {
  description = "A new VPC with one public subnet; with domain_name, a second one for the load balancer."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !(var.create_vpc && var.vpc_id != null)
    error_message = "create_vpc = true and vpc_id exclude each other."
  }
}

variable "vpc_cidr" {
  description = "Addresses of the new VPC; they must not overlap the cluster's own 10.42.0.0/16 and 10.43.0.0/16."
  type        = string
  default     = "10.80.0.0/24"

  validation {
    condition     = can(regex("/(1[6-9]|2[0-6])$", var.vpc_cidr)) && try(cidrsubnet(var.vpc_cidr, 0, 0) == var.vpc_cidr, false)
    error_message = "vpc_cidr must be an IPv4 network of /16 to /26 whose host bits are zero, such as 10.80.0.0/24: half of it is a load balancer's, which takes no less than /27."
  }

  validation {
    condition     = !can(regex("^10\\.4[23]\\.", var.vpc_cidr))
    error_message = "vpc_cidr must not be in 10.42.0.0/16 or 10.43.0.0/16: those are the addresses of pods and services."
  }
}

variable "create_s3_endpoint" {
  description = "A gateway endpoint for S3. False where your VPC has one already: a route table takes only one."
  type        = bool
  default     = true
  nullable    = false
}

variable "associate_public_ip" {
  description = "A public address for the host. False in a private subnet with a NAT gateway."
  type        = bool
  default     = true
  nullable    = false
}

variable "ssh_cidr_blocks" {
  description = "Who may reach port 22. Nobody by default: a shell comes from Systems Manager."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for block in var.ssh_cidr_blocks : try(cidrsubnet(block, 0, 0) == block, false) && !strcontains(block, ":")])
    error_message = "Each of ssh_cidr_blocks must be an IPv4 network whose host bits are zero, such as 203.0.113.0/24 or 203.0.113.7/32."
  }

  validation {
    condition     = alltrue([for block in var.ssh_cidr_blocks : !endswith(block, "/0")])
    error_message = "ssh_cidr_blocks must not hold the whole internet."
  }
}

variable "api_cidr_blocks" {
  description = "Who may reach the API: on port 8000 of the host or, with domain_name, on port 443 of the load balancer. Nobody by default."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for block in var.api_cidr_blocks : try(cidrsubnet(block, 0, 0) == block, false) && !strcontains(block, ":")])
    error_message = "Each of api_cidr_blocks must be an IPv4 network whose host bits are zero, such as 203.0.113.0/24 or 203.0.113.7/32."
  }
}
