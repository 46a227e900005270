variable "worker_count" {
  description = "Further nodes beside the host, for more sandboxes. Drain a worker before you take it away: docs/host.md."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.worker_count >= 0 && var.worker_count <= 50 && floor(var.worker_count) == var.worker_count
    error_message = "worker_count must be a whole number from 0 to 50."
  }
}

variable "worker_instance_type" {
  description = "Type of the workers, of the host's architecture; the host's own where it is not given."
  type        = string
  default     = null

  validation {
    condition     = var.worker_instance_type == null || can(regex("^[a-z][a-z0-9-]*\\.(medium|large|xlarge|[0-9]+xlarge|metal|metal-[0-9]+xl)$", var.worker_instance_type))
    error_message = "worker_instance_type must be the name of an instance type, medium or larger, such as t3.xlarge or m7g.2xlarge."
  }

  validation {
    condition     = var.worker_instance_type == null || var.worker_count > 0
    error_message = "worker_instance_type has no effect without worker_count."
  }
}
