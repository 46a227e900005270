# One of three: the VPC that was given, a new one, or the account's default VPC.
locals {
  use_default_vpc = var.vpc_id == null && !var.create_vpc
  vpc_id          = var.create_vpc ? aws_vpc.new[0].id : (local.use_default_vpc ? data.aws_vpc.default[0].id : var.vpc_id)
  subnet_id       = var.create_vpc ? aws_subnet.new[0].id : (local.use_default_vpc ? sort(data.aws_subnets.default[0].ids)[0] : var.subnet_id)
  # A volume is of one zone, and so is the host that it is attached to.
  availability_zone = var.create_vpc ? aws_subnet.new[0].availability_zone : data.aws_subnet.existing[0].availability_zone
  # Those that have the host's type, for a new VPC or the default one.
  zones           = var.vpc_id == null ? sort(data.aws_ec2_instance_type_offerings.zones[0].locations) : []
  route_table_ids = var.create_vpc ? [aws_route_table.new[0].id] : data.aws_route_tables.existing[0].ids
}

data "aws_vpc" "default" {
  count   = local.use_default_vpc ? 1 : 0
  default = true
}

data "aws_subnets" "default" {
  count = local.use_default_vpc ? 1 : 0

  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default[0].id]
  }

  filter {
    name   = "default-for-az"
    values = ["true"]
  }

  # Not every zone has every type; in us-east-1 one zone has none of the newer ones.
  filter {
    name   = "availability-zone"
    values = data.aws_ec2_instance_type_offerings.zones[0].locations
  }

  lifecycle {
    postcondition {
      condition     = length(self.ids) > 0
      error_message = "The default VPC has no subnet in a zone that offers ${var.ec2_instance_type}: give vpc_id and subnet_id, or set create_vpc = true."
    }
  }
}

data "aws_ec2_instance_type_offerings" "zones" {
  count         = var.vpc_id == null ? 1 : 0
  location_type = "availability-zone"

  filter {
    name   = "instance-type"
    values = [var.ec2_instance_type]
  }
}

data "aws_subnet" "existing" {
  count = var.create_vpc ? 0 : 1
  id    = local.subnet_id
}

data "aws_route_tables" "existing" {
  count  = var.create_vpc ? 0 : 1
  vpc_id = local.vpc_id
}

resource "aws_vpc" "new" {
  count                = var.create_vpc ? 1 : 0
  cidr_block           = var.vpc_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = local.name }
}

# A new VPC's default security group lets everything in from itself and everything out. Nothing uses it.
resource "aws_default_security_group" "new" {
  count  = var.create_vpc ? 1 : 0
  vpc_id = aws_vpc.new[0].id
}

# Half of the VPC. The other half stays free for a load balancer, which wants a second zone: with all of it taken, a domain
# could only be had later with another subnet, and so another host.
resource "aws_subnet" "new" {
  count             = var.create_vpc ? 1 : 0
  vpc_id            = aws_vpc.new[0].id
  cidr_block        = cidrsubnet(var.vpc_cidr, 1, 0)
  availability_zone = local.zones[0]

  tags = { Name = local.name }
}

resource "aws_subnet" "second" {
  count             = var.create_vpc && local.domain ? 1 : 0
  vpc_id            = aws_vpc.new[0].id
  cidr_block        = cidrsubnet(var.vpc_cidr, 1, 1)
  availability_zone = [for zone in sort(data.aws_availability_zones.available[0].names) : zone if zone != local.zones[0]][0]

  tags = { Name = "${local.name}-second" }
}

data "aws_availability_zones" "available" {
  count = var.create_vpc && local.domain ? 1 : 0
  state = "available"

  # Not those that must be asked for, nor the small ones in cities.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

resource "aws_internet_gateway" "new" {
  count  = var.create_vpc ? 1 : 0
  vpc_id = aws_vpc.new[0].id

  tags = { Name = local.name }
}

resource "aws_route_table" "new" {
  count  = var.create_vpc ? 1 : 0
  vpc_id = aws_vpc.new[0].id

  tags = { Name = local.name }
}

resource "aws_route" "internet" {
  count                  = var.create_vpc ? 1 : 0
  route_table_id         = aws_route_table.new[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.new[0].id
}

resource "aws_route_table_association" "new" {
  count          = var.create_vpc ? 1 : 0
  subnet_id      = aws_subnet.new[0].id
  route_table_id = aws_route_table.new[0].id
}

resource "aws_route_table_association" "second" {
  count          = var.create_vpc && local.domain ? 1 : 0
  subnet_id      = aws_subnet.second[0].id
  route_table_id = aws_route_table.new[0].id
}

# Traffic to S3 stays inside AWS: no charge, and the host's full network speed.
resource "aws_vpc_endpoint" "s3" {
  count             = var.create_s3_endpoint ? 1 : 0
  vpc_id            = local.vpc_id
  service_name      = "com.amazonaws.${var.aws_region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = local.route_table_ids

  tags = { Name = "${local.name}-s3" }
}

resource "aws_security_group" "host" {
  name_prefix = "${local.name}-host-"
  description = "The host of ${local.name}: nothing in but what was asked for"
  vpc_id      = local.vpc_id

  tags = { Name = "${local.name}-host" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  for_each          = toset(var.ssh_cidr_blocks)
  security_group_id = aws_security_group.host.id
  description       = "SSH"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
}

# With domain_name the load balancer alone gets here: domain.tf.
resource "aws_vpc_security_group_ingress_rule" "api" {
  for_each          = toset(local.domain ? [] : var.api_cidr_blocks)
  security_group_id = aws_security_group.host.id
  description       = "API"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 8000
  to_port           = 8000
}

# What a sandbox may reach is the business of its network policy; the host itself needs registries and AWS.
resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.host.id
  description       = "Everything out"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
