variable "domain_name" {
  description = "Name of the API, with a certificate and a load balancer before the host. Without it: no DNS, no TLS, and the API on port 8000 of the host."
  type        = string
  default     = null

  validation {
    condition     = var.domain_name == null || can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$", var.domain_name))
    error_message = "domain_name must be a name such as sandboxes.example.com: lower-case, without https:// before it and without a dot at its end."
  }

  # ACM takes names of at most 64 characters as a certificate's own.
  validation {
    condition     = var.domain_name == null || length(coalesce(var.domain_name, "-")) <= 64
    error_message = "domain_name must have at most 64 characters: a certificate of ACM holds no longer one."
  }

  validation {
    condition     = (var.domain_name == null) == (var.route53_zone_id == null)
    error_message = "domain_name and route53_zone_id go together: give both or neither."
  }
}

variable "route53_zone_id" {
  description = "Id of the public zone of Route 53 that domain_name is in."
  type        = string
  default     = null

  validation {
    condition     = var.route53_zone_id == null || can(regex("^Z[0-9A-Z]{4,31}$", var.route53_zone_id))
    error_message = "route53_zone_id must be the id of a hosted zone, such as Z0123456789ABCDEFGHIJ, and not its name."
  }
}

variable "load_balancer_subnet_ids" {
  description = "With domain_name and vpc_id: the public subnets of the load balancer, in two zones or more, one of them the host's."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.load_balancer_subnet_ids : can(regex("^subnet-([0-9a-f]{8}|[0-9a-f]{17})$", id))])
    error_message = "Each of load_balancer_subnet_ids must look like subnet-0123456789abcdef0."
  }

  validation {
    condition     = length(var.load_balancer_subnet_ids) != 1 && length(distinct(var.load_balancer_subnet_ids)) == length(var.load_balancer_subnet_ids)
    error_message = "load_balancer_subnet_ids must be two subnets or more, each once: a load balancer needs two zones."
  }

  validation {
    condition     = var.domain_name == null || var.vpc_id == null || length(var.load_balancer_subnet_ids) > 0
    error_message = "domain_name with vpc_id needs load_balancer_subnet_ids: two public subnets of that VPC, one of them in the host's zone."
  }

  validation {
    condition     = length(var.load_balancer_subnet_ids) == 0 || (var.domain_name != null && var.vpc_id != null)
    error_message = "load_balancer_subnet_ids has no effect without domain_name and vpc_id."
  }
}
