# With domain_name: an application load balancer with a certificate of ACM before the host, and the name that leads to it.
# ACM renews the certificate by itself, and its key is never on the host. Without it nothing of this is made.
locals {
  domain = var.domain_name != null
  # The load balancer wants two zones, and sends nothing to a host whose own zone is none of them.
  load_balancer_subnet_ids = !local.domain ? [] : (
    var.create_vpc ? [aws_subnet.new[0].id, aws_subnet.second[0].id] :
    local.use_default_vpc ? slice(sort(data.aws_subnets.default[0].ids), 0, min(2, length(data.aws_subnets.default[0].ids))) :
    var.load_balancer_subnet_ids
  )
  # Whose X-Forwarded-For the facade believes.
  load_balancer_cidr_blocks = [for subnet in data.aws_subnet.load_balancer : subnet.cidr_block]
}

data "aws_subnet" "load_balancer" {
  count = length(local.load_balancer_subnet_ids)
  id    = local.load_balancer_subnet_ids[count.index]
}

data "aws_route53_zone" "domain" {
  count   = local.domain ? 1 : 0
  zone_id = var.route53_zone_id

  lifecycle {
    postcondition {
      condition     = self.private_zone != true
      error_message = "The zone ${var.route53_zone_id} is private: nobody could check the certificate's record in it. Give a public zone."
    }

    postcondition {
      condition     = var.domain_name == trimsuffix(self.name, ".") || endswith(var.domain_name, ".${trimsuffix(self.name, ".")}")
      error_message = "${var.domain_name} is not in the zone ${var.route53_zone_id}, which is ${self.name}: give that zone's id, or a name in it."
    }
  }
}

resource "aws_acm_certificate" "api" {
  count             = local.domain ? 1 : 0
  domain_name       = var.domain_name
  validation_method = "DNS"

  # The listener has one at every moment.
  lifecycle {
    create_before_destroy = true
  }
}

# By this record ACM sees that the name is ours, now and at each renewal: it stays.
resource "aws_route53_record" "certificate" {
  count           = local.domain ? 1 : 0
  zone_id         = data.aws_route53_zone.domain[0].zone_id
  name            = one(aws_acm_certificate.api[0].domain_validation_options[*].resource_record_name)
  type            = one(aws_acm_certificate.api[0].domain_validation_options[*].resource_record_type)
  records         = aws_acm_certificate.api[0].domain_validation_options[*].resource_record_value
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "api" {
  count                   = local.domain ? 1 : 0
  certificate_arn         = aws_acm_certificate.api[0].arn
  validation_record_fqdns = aws_route53_record.certificate[*].fqdn
}

resource "aws_route53_record" "api" {
  count   = local.domain ? 1 : 0
  zone_id = data.aws_route53_zone.domain[0].zone_id
  name    = var.domain_name
  type    = "A"

  alias {
    name                   = aws_lb.api[0].dns_name
    zone_id                = aws_lb.api[0].zone_id
    evaluate_target_health = false
  }
}

resource "aws_lb" "api" {
  count              = local.domain ? 1 : 0
  name_prefix        = "matrx-"
  load_balancer_type = "application"
  security_groups    = [aws_security_group.load_balancer[0].id]
  subnets            = local.load_balancer_subnet_ids

  # A command that is waited for may be silent for 600 s. The facade keeps its connections for longer than this, so that
  # none is closed while a request is on its way into it (src/facade/rest-part.ts).
  idle_timeout               = 660
  drop_invalid_header_fields = true

  tags = { Name = "${local.name}-api" }

  lifecycle {
    precondition {
      condition     = length(distinct(data.aws_subnet.load_balancer[*].availability_zone)) >= 2
      error_message = "The load balancer needs subnets in two zones: give load_balancer_subnet_ids with vpc_id, or set create_vpc = true."
    }

    precondition {
      condition     = contains(data.aws_subnet.load_balancer[*].availability_zone, local.availability_zone)
      error_message = "None of load_balancer_subnet_ids is in ${local.availability_zone}, the host's zone: the load balancer would send nothing to it."
    }
  }
}

# No listener on port 80: an API key that was sent there would have been sent to everybody on the way.
resource "aws_lb_listener" "api" {
  count             = local.domain ? 1 : 0
  load_balancer_arn = aws_lb.api[0].arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = aws_acm_certificate_validation.api[0].certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.api[0].arn
  }
}

resource "aws_lb_target_group" "api" {
  count       = local.domain ? 1 : 0
  name_prefix = "matrx-"
  vpc_id      = local.vpc_id
  target_type = "instance"
  protocol    = "HTTP"
  port        = 8000

  # A roll-out replaces the one facade; requests that are under way have their time there.
  deregistration_delay = 30

  health_check {
    path                = "/health"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }

  tags = { Name = "${local.name}-api" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb_target_group_attachment" "host" {
  count            = local.domain ? 1 : 0
  target_group_arn = aws_lb_target_group.api[0].arn
  target_id        = aws_instance.host.id
  port             = 8000
}

resource "aws_security_group" "load_balancer" {
  count       = local.domain ? 1 : 0
  name_prefix = "${local.name}-load-balancer-"
  description = "The load balancer of ${local.name}: in from api_cidr_blocks, out to the host"
  vpc_id      = local.vpc_id

  tags = { Name = "${local.name}-load-balancer" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "https" {
  for_each          = toset(local.domain ? var.api_cidr_blocks : [])
  security_group_id = aws_security_group.load_balancer[0].id
  description       = "API by TLS"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "load_balancer_to_host" {
  count                        = local.domain ? 1 : 0
  security_group_id            = aws_security_group.load_balancer[0].id
  description                  = "To the API of the host"
  referenced_security_group_id = aws_security_group.host.id
  ip_protocol                  = "tcp"
  from_port                    = 8000
  to_port                      = 8000
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  count                        = local.domain ? 1 : 0
  security_group_id            = aws_security_group.host.id
  description                  = "API, from the load balancer alone"
  referenced_security_group_id = aws_security_group.load_balancer[0].id
  ip_protocol                  = "tcp"
  from_port                    = 8000
  to_port                      = 8000
}
