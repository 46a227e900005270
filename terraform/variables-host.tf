variable "ec2_instance_type" {
  description = "Type of the host. Arm types get the arm64 image."
  type        = string
  default     = "t3.xlarge"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.(nano|micro|small|medium|large|xlarge|[0-9]+xlarge|metal|metal-[0-9]+xl)$", var.ec2_instance_type))
    error_message = "ec2_instance_type must be the name of an instance type, such as t3.xlarge or m7g.2xlarge."
  }

  validation {
    condition     = !can(regex("\\.(nano|micro|small)$", var.ec2_instance_type))
    error_message = "ec2_instance_type must be medium or larger: Kubernetes and the product do not fit into 2 GiB of memory."
  }
}

variable "ec2_ami_id" {
  description = "Image of the host; the newest Amazon Linux 2023 where it is not given."
  type        = string
  default     = null

  validation {
    condition     = var.ec2_ami_id == null || can(regex("^ami-([0-9a-f]{8}|[0-9a-f]{17})$", var.ec2_ami_id))
    error_message = "ec2_ami_id must look like ami-0123456789abcdef0."
  }
}

variable "ec2_key_pair_name" {
  description = "Key pair for SSH. Not needed: a shell comes from Systems Manager."
  type        = string
  default     = null

  validation {
    condition     = var.ec2_key_pair_name == null || can(regex("^[[:print:]]{1,255}$", var.ec2_key_pair_name))
    error_message = "ec2_key_pair_name must be the name of a key pair: 1 to 255 printable characters."
  }
}

variable "ec2_use_spot" {
  description = "A spot instance, which AWS may stop at any time (it starts again when there is room)."
  type        = bool
  default     = false
  nullable    = false
}

variable "ec2_spot_max_price" {
  description = "Most that an hour of the spot instance may cost, in dollars; the on-demand price where it is not given."
  type        = string
  default     = null

  validation {
    condition     = var.ec2_spot_max_price == null || (can(regex("^[0-9]+(\\.[0-9]+)?$", var.ec2_spot_max_price)) && can(regex("[1-9]", var.ec2_spot_max_price)))
    error_message = "ec2_spot_max_price must be a price in dollars above zero, such as 0.08."
  }

  validation {
    condition     = var.ec2_spot_max_price == null || var.ec2_use_spot
    error_message = "ec2_spot_max_price has no effect without ec2_use_spot = true."
  }
}

variable "root_volume_gib" {
  description = "Size of the host's own disk. It holds the system and the images."
  type        = number
  default     = 50

  validation {
    condition     = var.root_volume_gib >= 30 && var.root_volume_gib <= 16384 && floor(var.root_volume_gib) == var.root_volume_gib
    error_message = "root_volume_gib must be a whole number from 30 to 16384."
  }
}
